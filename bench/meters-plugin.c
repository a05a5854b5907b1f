// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for qemu's emulator: counts what instructions do not show while the
 * benchmark measures. bench/run uses it. It writes a line "row" for each row on
 * a side, and below it one for each sample in which something was measured: of
 * the calls that are measured, and then of the other end's,
 *
 *	locked instructions, cache lines, cache lines written, misses, far misses
 *
 * An instruction is locked by its prefix, or as an exchange with memory. Lines are
 * those of data, by where they are in the machine's memory, each once for a
 * call. Misses are those of two caches that see all that the processor does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define LINE		64
/* Of a call, more than the largest has. */
#define MAX_LINES	(1U << 20)

struct counts {
	uint64_t locked, lines, written, misses, far_misses;
};

/* What has been reached last, and what was counted in this sample since. */
static enum mark mark;
static struct counts counts[NR_MARKS];
static FILE *out;

/* The lines of a call: a hash table, of which other calls' entries are free. */
struct line {
	uint64_t number;
	uint64_t call;
	bool written;
};

static struct line lines[MAX_LINES];
static uint64_t call = 1, lines_of_call;

/* In each set the lines are in the order in which they were used. */
struct cache {
	unsigned int sets, ways;
	uint64_t *lines;
};

static struct cache near = { 32768 / LINE / 8, 8 };
static struct cache far = { (1 << 20) / LINE / 16, 16 };

static bool cached(struct cache *cache, uint64_t number)
{
	uint64_t *set = cache->lines + number % cache->sets * cache->ways;
	unsigned int i;
	bool hit;

	for (i = 0; i < cache->ways && set[i] != number; i++)
		;
	hit = i < cache->ways;
	if (!hit)
		i = cache->ways - 1;
	memmove(set + 1, set, i * sizeof(*set));
	set[0] = number;
	return hit;
}

static void touch(uint64_t number, bool store)
{
	struct counts *now = &counts[mark];
	struct line *line;
	uint64_t hash;

	if (!cached(&near, number)) {
		now->misses++;
		if (!cached(&far, number))
			now->far_misses++;
	}
	if (mark != MARK_ENTER && mark != MARK_PEER)
		return;
	hash = number * 0x9e3779b97f4a7c15ULL >> 44;
	for (line = &lines[hash]; line->call == call && line->number != number;
	     line = &lines[hash])
		hash = (hash + 1) % MAX_LINES;
	if (line->call != call) {
		if (++lines_of_call == MAX_LINES)
			abort();
		*line = (struct line){ number, call, false };
		now->lines++;
	}
	if (store && !line->written) {
		line->written = true;
		now->written++;
	}
}

static void accessed(unsigned int vcpu, qemu_plugin_meminfo info,
		     uint64_t address, void *data)
{
	struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
	bool store = qemu_plugin_mem_is_store(info);
	uint64_t first, last;

	(void)vcpu;
	(void)data;
	/* Registers of devices are in no cache. */
	if (!where || qemu_plugin_hwaddr_is_io(where))
		return;
	first = qemu_plugin_hwaddr_phys_addr(where);
	last = first + (1U << qemu_plugin_mem_size_shift(info)) - 1;
	touch(first / LINE, store);
	if (last / LINE != first / LINE)
		touch(last / LINE, store);
}

static void locked(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	counts[mark].locked++;
}

static bool is_locked(struct qemu_plugin_insn *insn)
{
	uint8_t code[16] = { };
	unsigned int i;

	plugin_insn_code(insn, code, sizeof(code));
	for (i = 0; i < 12; i++) {
		switch (code[i]) {
		case 0xf0:
			return true;
		/* Prefixes of sizes, of segments, of repetition; REX. */
		case 0x66: case 0x67:
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
		case 0xf2: case 0xf3:
		case 0x40 ... 0x4f:
			continue;
		/* XCHG, of which the operand can be a register. */
		case 0x86: case 0x87:
			return code[i + 1] < 0xc0;
		default:
			return false;
		}
	}
	return false;
}

static void reached(unsigned int vcpu, void *data)
{
	const struct counts *enter = &counts[MARK_ENTER];
	const struct counts *peer = &counts[MARK_PEER];
	const struct counts *of;

	(void)vcpu;
	mark = (uintptr_t)data;
	switch (mark) {
	case MARK_ENTER:
	case MARK_PEER:
		call++;
		lines_of_call = 0;
		break;
	case MARK_ROW:
		fputs("row\n", out);
		break;
	case MARK_SAMPLE:
		if (!enter->lines && !peer->lines)
			break;
		for (of = enter; of <= peer; of += peer - enter)
			fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
				" %" PRIu64 "%c", of->locked, of->lines,
				of->written, of->misses, of->far_misses,
				of == enter ? ' ' : '\n');
		break;
	default:
		return;
	}
	if (mark == MARK_SAMPLE || mark == MARK_ROW)
		memset(counts, 0, sizeof(counts));
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;

	(void)id;
	plugin_mark(tb, reached);
	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		qemu_plugin_register_vcpu_mem_cb(insn, accessed, 0,
						 PLUGIN_READ | PLUGIN_WRITE,
						 NULL);
		if (is_locked(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, locked, 0,
							       NULL);
	}
}

static void end(plugin_id id, void *data)
{
	(void)id;
	(void)data;
	fclose(out);
}

static bool make(struct cache *cache)
{
	cache->lines = calloc(cache->sets * cache->ways, sizeof(*cache->lines));
	return cache->lines;
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv)
{
	(void)info;
	if (!plugin_arguments(argc, argv) || !make(&near) || !make(&far))
		return -1;
	out = fopen(plugin_out, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, end, NULL);
	return 0;
}
