/* SPDX-License-Identifier: GPL-2.0 */
/* Places in the instructions of stub.c, which are copied into programs. */
#ifndef RURING_RUN_STUB_H
#define RURING_RUN_STUB_H

extern const char stub_begin[];
extern const char stub_registered[];	/* entry for a registered ring */
extern const char stub_plain[];		/* entry for any other */
extern const char stub_called[];	/* the ioctl has just returned */
extern const char stub_doubtful[];	/* with an error about the descriptor? */
extern const char stub_judge[];		/* the call that says so has trapped */
extern const char stub_end[];

#endif /* RURING_RUN_STUB_H */
