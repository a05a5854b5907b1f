/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What calls that are to fail are made with, and which of them did what they should. See failnth.h.
 */
#ifndef SELFTESTS_FAILNTH_CALL_H
#define SELFTESTS_FAILNTH_CALL_H

#include "failnth.h"

#define BY	IORING_ENTER_REGISTERED_RING
#define USE	IORING_REGISTER_USE_REGISTERED_RING
/* As an index: none, or any. */
#define NONE	(-1)

struct calls {
	/* the one that is registered with, and another one */
	struct ring ring, from;
	/* of the ring that is to be set up */
	unsigned int flags;
	char *mem;
	int fd, eventfd;
	/* a ring's that was registered */
	int index;
	__u64 tags[2];
};

/* What was called, and did what it should. */
static struct {
	__u32 set_up, entered;
	bool registered[256];
} seen;

static int reg(struct calls *c, unsigned int opcode, const void *arg, unsigned int nr)
{
	int ret = ring_register(&c->ring, opcode, arg, nr);

	if (ret >= 0)
		seen.registered[opcode] = true;
	return ret;
}

static void see_enter(unsigned int flags, int ret)
{
	if (ret >= 0 || ret == -ETIME)
		seen.entered |= flags;
}

/* A ring that has no descriptor ends with its index. */
static void end_index(struct calls *c)
{
	struct io_uring_rsrc_update update = { .offset = c->index };

	if (c->index == NONE)
		return;
	/* which, too, may be where it fails */
	while (backend_register(RURING, c->index, IORING_UNREGISTER_RING_FDS | USE, &update, 1) < 0)
		;
	c->index = NONE;
}

#endif
