// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for qemu's emulator: counts how often each block of instructions
 * runs while the benchmark measures. bench/profile uses it.
 *
 * The benchmark calls a function of its own before and after each call that it
 * measures. Their addresses are arguments of the plugin, with the file to write
 * to: "enter=ADDRESS,peer=ADDRESS,end=ADDRESS,out=FILE". A line there is a
 * block: address, instructions, times run in calls that are measured, and in
 * calls of the other end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-plugin.h"

int qemu_plugin_version = PLUGIN_VERSION;

enum mode {
	QUIET,
	ENTER,
	PEER,
	NR_MODES,
};

struct block {
	struct block *next;
	uint64_t address;
	size_t instructions;
	uint64_t runs[NR_MODES];
};

static struct block *blocks;
static enum mode mode;
static uint64_t marks[NR_MODES];
static const char *out;

static void run(unsigned int vcpu, void *data)
{
	struct block *block = data;

	(void)vcpu;
	block->runs[mode]++;
}

static void set_mode(unsigned int vcpu, void *data)
{
	(void)vcpu;
	mode = (uintptr_t)data;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	struct block *block;
	uintptr_t i;

	(void)id;
	for (i = 0; i < NR_MODES; i++) {
		if (address == marks[i]) {
			qemu_plugin_register_vcpu_tb_exec_cb(tb, set_mode, 0,
							     (void *)i);
			return;
		}
	}
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->instructions = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run, 0, block);
}

static void write_out(plugin_id id, void *data)
{
	FILE *file = fopen(out, "w");
	const struct block *block;

	(void)id;
	(void)data;
	if (!file)
		return;
	for (block = blocks; block; block = block->next) {
		if (block->runs[ENTER] || block->runs[PEER])
			fprintf(file, "%" PRIx64 " %zu %" PRIu64 " %" PRIu64 "\n",
				block->address, block->instructions,
				block->runs[ENTER], block->runs[PEER]);
	}
	fclose(file);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "enter=", 6))
			marks[ENTER] = strtoull(argv[i] + 6, NULL, 16);
		else if (!strncmp(argv[i], "peer=", 5))
			marks[PEER] = strtoull(argv[i] + 5, NULL, 16);
		else if (!strncmp(argv[i], "end=", 4))
			marks[QUIET] = strtoull(argv[i] + 4, NULL, 16);
		else if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_out, NULL);
	return 0;
}
