// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for qemu's emulator: counts how often each block of instructions
 * runs while the benchmark measures. bench/profile uses it. A line of the file
 * that it writes is a block: address, instructions, times run in calls that are
 * measured, and in calls of the other end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin.h"

struct block {
	struct block *next;
	uint64_t address;
	size_t instructions;
	uint64_t runs[NR_MARKS];
};

static struct block *blocks;
/* What has been reached last. */
static enum mark mark;

static void run(unsigned int vcpu, void *data)
{
	struct block *block = data;

	(void)vcpu;
	block->runs[mark]++;
}

static void reached(unsigned int vcpu, void *data)
{
	(void)vcpu;
	mark = (uintptr_t)data;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *block;

	(void)id;
	if (plugin_mark(tb, reached))
		return;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = qemu_plugin_tb_vaddr(tb);
	block->instructions = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run, 0, block);
}

static void write_out(plugin_id id, void *data)
{
	FILE *file = fopen(plugin_out, "w");
	const struct block *block;

	(void)id;
	(void)data;
	if (!file)
		return;
	for (block = blocks; block; block = block->next) {
		if (block->runs[MARK_ENTER] || block->runs[MARK_PEER])
			fprintf(file, "%" PRIx64 " %zu %" PRIu64 " %" PRIu64 "\n",
				block->address, block->instructions,
				block->runs[MARK_ENTER], block->runs[MARK_PEER]);
	}
	fclose(file);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv)
{
	(void)info;
	if (!plugin_arguments(argc, argv))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_out, NULL);
	return 0;
}
