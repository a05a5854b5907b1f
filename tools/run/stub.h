/* SPDX-License-Identifier: GPL-2.0 */
/* Places in the instructions of stub.c, which are copied into programs. */
#ifndef RURING_RUN_STUB_H
#define RURING_RUN_STUB_H

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
extern STUB_PLACE const char stub_end[];

/* How far the entries' first instruction goes, and the next one. */
#define STUB_LOWERED		8
#define STUB_MOVE		5

#endif /* RURING_RUN_STUB_H */
