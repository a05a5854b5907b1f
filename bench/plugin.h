/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the plugins share. The benchmark calls a function of its own before and
 * after each call that it measures, after each sample and before each row. Their
 * addresses are arguments of a plugin, with the file to write to:
 * "enter=ADDRESS,peer=ADDRESS,end=ADDRESS,sample=ADDRESS,row=ADDRESS,out=FILE".
 */
#ifndef RURING_BENCH_PLUGIN_H
#define RURING_BENCH_PLUGIN_H

#include <stdbool.h>

#include "qemu-plugin.h"

enum mark {
	MARK_END,
	MARK_ENTER,
	MARK_PEER,
	MARK_SAMPLE,
	MARK_ROW,
	NR_MARKS,
};

/* Where to write to. */
extern const char *plugin_out;

/* Takes the arguments; false if one is missing. */
bool plugin_arguments(int argc, char **argv);

/*
 * Whether the block is where a mark begins: @reached is then called each time
 * that it runs, with the mark.
 */
bool plugin_mark(struct qemu_plugin_tb *tb,
		 void (*reached)(unsigned int vcpu, void *mark));

#endif /* RURING_BENCH_PLUGIN_H */
