// SPDX-License-Identifier: GPL-2.0
/* See plugin.h. */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

int qemu_plugin_version = PLUGIN_VERSION;

const char *plugin_out;

static const char * const names[NR_MARKS] = {
	[MARK_END] = "end=",
	[MARK_ENTER] = "enter=",
	[MARK_PEER] = "peer=",
	[MARK_SAMPLE] = "sample=",
	[MARK_ROW] = "row=",
};

static uint64_t addresses[NR_MARKS];

bool plugin_arguments(int argc, char **argv)
{
	unsigned int i;

	for (; argc; argc--, argv++) {
		if (!strncmp(*argv, "out=", 4))
			plugin_out = strdup(*argv + 4);
		for (i = 0; i < NR_MARKS; i++) {
			size_t length = strlen(names[i]);

			if (!strncmp(*argv, names[i], length))
				addresses[i] = strtoull(*argv + length, NULL, 16);
		}
	}
	for (i = 0; i < NR_MARKS; i++) {
		if (!addresses[i])
			return false;
	}
	return plugin_out;
}

bool plugin_mark(struct qemu_plugin_tb *tb,
		 void (*reached)(unsigned int vcpu, void *mark))
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	uintptr_t i;

	for (i = 0; i < NR_MARKS; i++) {
		if (address == addresses[i]) {
			qemu_plugin_register_vcpu_tb_exec_cb(tb, reached, 0,
							     (void *)i);
			return true;
		}
	}
	return false;
}
