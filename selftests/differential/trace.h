/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is seen of a program as it runs.
 */
#ifndef DIFFERENTIAL_TRACE_H
#define DIFFERENTIAL_TRACE_H

#include "program.h"

#define MAX_EVENTS	2000
/* What comes after the last step. */
#define STEP_END	MAX_STEPS

enum event_kind {
	/* what a call returned */
	EVENT_RETURN,
	/* a completion, @key is its user_data; @sum is that of the bytes that came */
	EVENT_CQE,
	/* completions that can be seen, their queue is not emptied */
	EVENT_VISIBLE,
	EVENT_POLL,
	EVENT_EPOLL,
	EVENT_EVENTFD,
	EVENT_SIGNAL,
	/* somebody who waits: is through, or not */
	EVENT_WATCH,
	/* a group of buffers */
	EVENT_GROUP,
	EVENT_OVERFLOW,
	/* memory of request @key at the end */
	EVENT_STRUCTS,
	EVENT_DEST,
	EVENT_MEMORY,
	/* a descriptor */
	EVENT_FD,
	/* the program's directory */
	EVENT_DIRECTORY,
	/* it does not come to rest */
	EVENT_RESTLESS,
	EVENT_HANG,
	NR_EVENT_KINDS,
};

struct event {
	__u8 step;
	__u8 kind;
	__u8 ring;
	__u64 key;
	__s64 res;
	__u32 flags;
	__u32 sum;
};

struct trace {
	unsigned int nr;
	/* the step that is under way */
	unsigned int step;
	struct event events[MAX_EVENTS];
};

/* Where the traces of the two sides part. */
struct difference {
	unsigned int step;
	__u8 kind;
	__u8 ring;
	__u64 key;
	/* the events of that step, kind and key, on either side */
	unsigned int nr[2];
	struct event events[2][8];
	/* whether there are notifications on the one side that mean nothing */
	bool vain;
	/* says what kind of difference it is, and nothing of numbers that are by chance */
	char class[160];
};

/* Sides are IO_URING first here: what is right comes first. */
enum side { SIDE_IO_URING, SIDE_RURING };

extern const char * const side_names[2];

/* How often there was one of a send that has sent nothing: it is not compared. */
extern unsigned int vain_notifications;

/* Whether traces differ, and where first. */
bool compare(const struct program *p, const struct trace *io_uring, const struct trace *ruring,
	     struct difference *d);
void print_difference(const struct program *p, const struct difference *d);
/* What comes at the end is only shown where it differs. */
void print_trace(const struct program *p, const struct trace *t, unsigned int to_step);

#endif /* DIFFERENTIAL_TRACE_H */
