/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions that stand for io_uring_enter() and io_uring_register(), and the places in them.
 *
 * The runner copies them into programs. libruring.so, which is in the program
 * already, has them among its own instructions.
 */
#ifndef RURING_RUN_STUB_H
#define RURING_RUN_STUB_H

#include <linux/types.h>
#include <linux/ruring.h>

#define SYSCALL_INSN_SIZE	2

#define STUB_PLACE	__attribute__((visibility("hidden")))

extern STUB_PLACE const char stub_begin[];
extern STUB_PLACE const char stub_registered[];	/* entry for a registered ring */
extern STUB_PLACE const char stub_plain[];		/* entry for any other */
extern STUB_PLACE const char stub_kept[];		/* all registers are kept */
extern STUB_PLACE const char stub_called[];	/* the ioctl has just returned */
extern STUB_PLACE const char stub_over[];		/* all is as after the call */
extern STUB_PLACE const char stub_doubtful[];	/* with an error about the descriptor? */
extern STUB_PLACE const char stub_judge[];		/* the call that says so has trapped */
/* The same of io_uring_register(), which libruring.so has none of. */
extern STUB_PLACE const char stub_registration[];
extern STUB_PLACE const char stub_registration_kept[];
extern STUB_PLACE const char stub_registration_called[];
extern STUB_PLACE const char stub_registration_over[];
extern STUB_PLACE const char stub_registration_doubtful[];
extern STUB_PLACE const char stub_registration_judge[];
extern STUB_PLACE const char stub_end[];

/* How far the entries' first instruction goes, and the next one. */
#define STUB_LOWERED		8
#define STUB_MOVE		5

/* What the instructions keep on the stack. */
struct kept {
	union {
		struct ruring_enter enter;
		struct ruring_register registration;
	};
	__u64 rdi;
	__u64 rsi;
	__u64 rdx;
	__u64 back;		/* where the call returns to */
};

/* The 128 bytes below the stack pointer are the program's. */
#define STUB_FRAME_SIZE	(128 + sizeof(struct kept))

/* Makes the instructions known by their names; does nothing else. */
void stub_instructions(void);

#endif /* RURING_RUN_STUB_H */
