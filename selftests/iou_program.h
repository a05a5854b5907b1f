/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of iou_program share: a program that knows nothing of ruring. */
#ifndef RURING_SELFTESTS_IOU_PROGRAM_H
#define RURING_SELFTESTS_IOU_PROGRAM_H

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s: line %d: %s, errno %d\n",	\
				__func__, __LINE__, #condition, errno);	\
			exit(1);					\
		}							\
	} while (0)

/* iou_program.c */
int make_ring(unsigned int flags);
int enter(int fd, unsigned int submit, unsigned int wait, unsigned int flags);
/* Wait for a completion that never comes. */
int wait_in_vain(int fd, long milliseconds);
/* How many descriptors are open, of those below what the runner uses. */
unsigned int open_fds(void);
void nop(void);
void children(void);

/* iou_registered.c */
int change_rings(int fd, unsigned int opcode, unsigned int offset, __u64 data);
void registered_rings(void);
void registered_only(void);
void registered_hybrid(void);

/* iou_detach.c */
void detaches(void);
void detaches_threads(void);

/* iou_hot.c */
/* The call as compilers inline it: its number comes last. */
long enter_inline(int fd, unsigned int flags);
void denied_later(void);
void denied_to_itself(void);
void hot_calls(void);
void hot_registrations(void);
void hot_setups(void);
void hot_threads(void);
void hot_sleepers(void);
void made_at_run_time(void);
void writes_or_executes(void);
void executes_nothing_new(void);
void executes_nothing_new_in_two_stops(void);

#endif /* RURING_SELFTESTS_IOU_PROGRAM_H */
