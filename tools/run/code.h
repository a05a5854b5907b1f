/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is written into programs, and where it can be: for the runner, which does
 * it from outside, and for libruring.so, which does it from inside.
 */
#ifndef RURING_RUN_CODE_H
#define RURING_RUN_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define PAGE_BYTES	4096UL
#define JUMP_SIZE	5

/* What a jump reaches, with a page to spare. */
#define REACH		(0x7fffffffUL - PAGE_BYTES)

/* Instructions that a jump takes the place of, and what stands for them. */
#define DISPLACED_MAX	36
#define CODE_MAX	(DISPLACED_MAX + 56)

/* What becomes of a call. */
struct site {
	__u64 start;		/* where the jump to the new instructions goes */
	__u64 call;		/* its "syscall" */
	unsigned int len;	/* of the instructions between */
	bool with_call;		/* the jump takes the place of the "syscall" too */
	__u8 displaced[DISPLACED_MAX];
};

/* Where these instructions go on. */
struct targets {
	__u64 enter;		/* for io_uring_enter() */
	__u64 others;		/* for io_uring_register() */
	bool setup;		/* and for io_uring_setup(), which is made like any call otherwise */
};

/*
 * The instructions at @code, none of which goes elsewhere, up to a "syscall": how many bytes they have
 * if they begin with one that loads the number of one of the three calls. Else 0.
 */
unsigned int code_straight(const __u8 *code, size_t size);
/*
 * Is this, just before a "syscall", an instruction of five bytes that does the same
 * anywhere? @before is the byte in front of it, which may be its first one.
 */
bool code_displaceable(const __u8 *insn, __u8 before);
/* The instructions for a site, which are going to be at @at: how many bytes. */
unsigned int code_assemble(__u8 code[CODE_MAX], __u64 at, const struct site *site,
			   const struct targets *targets);
void code_jump(__u8 jump[JUMP_SIZE], __u64 address, __u64 target);
bool code_reaches(__u64 from, __u64 to);

/* A stretch of addresses that is mapped. */
struct mapping {
	__u64 start;
	__u64 end;
	bool text;		/* of a file, executable, not writable, private */
	bool stack;
};

/* What a line of /proc/PID/maps says. */
bool mapping_parse(const char *line, struct mapping *mapping);

/* Looks for a free page near @call, below it, while it is shown one mapping after the other. */
struct gap {
	__u64 call;
	__u64 size;
	__u64 end;		/* of the last mapping */
	__u64 free;		/* 0 if there is none */
};

bool gap_next(struct gap *gap, const struct mapping *mapping);

#endif /* RURING_RUN_CODE_H */
