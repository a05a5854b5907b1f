// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there. Each belongs to a sentence of
 * Documentation/differences.rst, which is quoted: if that goes, so does this.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deliberate.h"
#include "names.h"

#define PAGE_NAME	"Documentation/differences.rst"

static const struct io_uring_sqe *sqe_of(const struct program *p, __u64 user_data)
{
	static const struct io_uring_sqe none;

	if (user_data < USER_DATA || user_data >= USER_DATA + MAX_REQUESTS)
		return &none;
	return &p->requests[user_data - USER_DATA].sqe;
}

static bool has_notification(const struct difference *d, enum side side)
{
	unsigned int i;

	for (i = 0; i < d->nr[side]; i++)
		if (d->events[side][i].flags & (IORING_CQE_F_MORE | IORING_CQE_F_NOTIF))
			return true;
	return false;
}

/* A notification on the one side, of a send that has sent nothing. */
static bool is_send_without_notification(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	if (d->kind != EVENT_CQE || !has_notification(d, SIDE_IO_URING) ||
	    has_notification(d, SIDE_RURING))
		return false;
	/* with a name of its own it is the only one that differs */
	if (d->key >> 8 == 0x77)
		return d->nr[SIDE_RURING] == 0;
	return (sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC) &&
	       d->nr[SIDE_RURING] && d->events[SIDE_RURING][0].res < 0;
}

/* Whether the ring has been told to drain up to that step, after one that skips its completion. */
static bool drains_after_skip(const struct program *p, const struct step *step)
{
	bool skips = false, drains = false;
	unsigned int i, end = step->first + step->nr;

	for (i = 0; i < end; i++) {
		skips |= p->requests[i].sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
		drains |= i >= step->first && p->requests[i].sqe.flags & IOSQE_IO_DRAIN;
	}
	return skips && drains;
}

/* One that drains, in the same submission, is refused, which ends that, and so is what is linked to it. */
static bool is_drain_after_skip(const struct program *p, const struct difference *d)
{
	const struct step *step = &p->steps[d->step];
	const struct event *theirs = d->events[SIDE_IO_URING];

	if (d->step == STEP_END || step->kind != STEP_SUBMIT || !d->nr[SIDE_IO_URING])
		return false;
	if (d->kind == EVENT_CQE && theirs[0].res != -EOPNOTSUPP && theirs[0].res != -ECANCELED)
		return false;
	return drains_after_skip(p, step);
}

/* Whether a worker of io_uring may have taken a buffer. */
static bool has_selection_by_worker(const struct program *p)
{
	bool selects = false, drains = false, both = false;
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		__u8 flags = p->requests[i].sqe.flags;

		selects |= flags & IOSQE_BUFFER_SELECT;
		drains |= flags & IOSQE_IO_DRAIN;
		both |= flags & IOSQE_BUFFER_SELECT && flags & IOSQE_ASYNC;
	}
	return both || (selects && drains);
}

/* The same error on both sides, of which the one names a buffer; or a buffer that is gone. */
static bool is_buffer_of_a_failure(const struct program *p, const struct difference *d)
{
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];

	if (d->kind == EVENT_GROUP)
		return has_selection_by_worker(p);
	return d->kind == EVENT_CQE && d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       theirs[0].res < 0 && theirs[0].res == ours[0].res &&
	       theirs[0].flags & IORING_CQE_F_BUFFER && !(ours[0].flags & IORING_CQE_F_BUFFER);
}

static bool is_bundle_by_worker(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_SEND &&
	       sqe->ioprio & IORING_RECVSEND_BUNDLE && sqe->flags & IOSQE_ASYNC;
}

/* What io_uring does at once, if all that it takes is at hand, can be cancelled here. */
static bool is_cancel_of_a_name(const struct program *p, const struct difference *d)
{
	switch (sqe_of(p, d->key)->opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_STATX:
		return d->kind == EVENT_CQE && d->nr[SIDE_RURING] == 1 &&
		       d->events[SIDE_RURING][0].res == -ECANCELED;
	default:
		return false;
	}
}

static bool is_limit_that_was_over(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_LINK_TIMEOUT &&
	       d->nr[SIDE_IO_URING] == 1 && d->nr[SIDE_RURING] == 1 &&
	       d->events[SIDE_IO_URING][0].res == -ENOENT &&
	       d->events[SIDE_RURING][0].res == -ECANCELED;
}

/* Nothing happens on the one side any more, because of a notification of what has not begun. */
static bool is_drain_of_a_notification(const struct program *p, const struct difference *d)
{
	bool drains = false, sends = false;
	unsigned int i;

	if (d->nr[SIDE_IO_URING] > d->nr[SIDE_RURING])
		return false;
	for (i = 0; i < p->nr_requests; i++) {
		__u8 op = p->requests[i].sqe.opcode;

		drains |= p->requests[i].sqe.flags & IOSQE_IO_DRAIN;
		sends |= op == IORING_OP_SEND_ZC || op == IORING_OP_SENDMSG_ZC;
	}
	return drains && sends;
}

/* The one says less than the other. */
static bool is_merged_poll(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->opcode == IORING_OP_POLL_ADD &&
	       d->nr[SIDE_IO_URING] && d->nr[SIDE_RURING] &&
	       d->events[SIDE_IO_URING][0].res > 0 && d->events[SIDE_RURING][0].res > 0;
}

static bool is_iopoll(const struct program *p, const struct difference *d)
{
	(void)d;
	return p->setup & IORING_SETUP_IOPOLL;
}

static bool is_nop_with_buffer(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_NOP &&
	       sqe->flags & IOSQE_BUFFER_SELECT;
}

static const struct deliberate {
	const char *name;
	/* words of the page, which may be broken into lines differently there */
	const char *quote;
	bool (*is)(const struct program *p, const struct difference *d);
} differences[] = {
	{
		"a send that has handed over nothing has no notification",
		"SEND_ZC and SENDMSG_ZC that end before they have handed their buffer to the socket complete once",
		is_send_without_notification,
	},
	{
		"a ring that polls for completions has no file to poll",
		"A ring with IORING_SETUP_IOPOLL has no file that it could poll",
		is_iopoll,
	},
	{
		"a request that drains, after one that skips its completion",
		"IOSQE_IO_DRAIN also works in a ring in which a request has had IOSQE_CQE_SKIP_SUCCESS",
		is_drain_after_skip,
	},
	{
		"a failure names no buffer",
		"What ends without a transfer has taken no buffer of a ring",
		is_buffer_of_a_failure,
	},
	{
		"a bundle that a worker sends",
		"A SEND with IORING_RECVSEND_BUNDLE and IOSQE_ASYNC sends at once",
		is_bundle_by_worker,
	},
	{
		"a cancel of what a worker is to open",
		"A worker always does OPENAT",
		is_cancel_of_a_name,
	},
	{
		"a limit that was over",
		"The LINK_TIMEOUT of a request that is over at once is ``-ECANCELED``",
		is_limit_that_was_over,
	},
	{
		"a zero-copy send that waits for others to drain",
		"A SEND_ZC or SENDMSG_ZC that waits for others to drain does not count as one of them",
		is_drain_of_a_notification,
	},
	{
		"several wake-ups of a POLL_ADD",
		"POLL_ADD says what its file is ready for when its task looks",
		is_merged_poll,
	},
	{
		"NOP selects a buffer",
		"NOP takes IOSQE_BUFFER_SELECT",
		is_nop_with_buffer,
	},
};

static unsigned int met[ARRAY_SIZE(differences)];

const char *deliberate(const struct program *p, const struct difference *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (differences[i].is(p, d)) {
			met[i]++;
			return differences[i].name;
		}
	}
	return NULL;
}

unsigned int print_met(void)
{
	unsigned int i, unmet = 0;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		printf("  %6u deliberate: %s\n", met[i], differences[i].name);
		unmet += !met[i];
	}
	return unmet;
}

/* Whether @text says @words, with any space between them. */
static bool says(const char *text, const char *words)
{
	for (; *text; text++) {
		const char *t = text, *w = words;

		while (*w && (*t == *w || (*w == ' ' && (*t == '\n' || *t == '\t')))) {
			bool space = *w == ' ';

			t++;
			w++;
			while (space && (*t == ' ' || *t == '\n' || *t == '\t'))
				t++;
		}
		if (!*w)
			return true;
	}
	return false;
}

bool quotes_are_right(void)
{
	static char text[1 << 16];
	FILE *page = fopen(PAGE_NAME, "r");
	bool right = true;
	unsigned int i;

	if (!page || !fread(text, 1, sizeof(text) - 1, page)) {
		printf("# %s cannot be read\n", PAGE_NAME);
		return false;
	}
	fclose(page);
	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (says(text, differences[i].quote))
			continue;
		printf("# %s does not say: %s\n", PAGE_NAME, differences[i].quote);
		right = false;
	}
	return right;
}
