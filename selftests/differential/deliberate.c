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

/* One that drains, in the same submission, is refused, and so is what is linked to it. */
static bool is_drain_after_skip(const struct program *p, const struct difference *d)
{
	const struct step *step = &p->steps[d->step];
	const struct event *theirs = d->events[SIDE_IO_URING];
	bool skips = false, drains = false;
	unsigned int i, end;

	if (d->kind != EVENT_CQE || d->step == STEP_END || step->kind != STEP_SUBMIT ||
	    !d->nr[SIDE_IO_URING] || (theirs[0].res != -EOPNOTSUPP && theirs[0].res != -ECANCELED))
		return false;
	end = step->first + step->nr;
	for (i = 0; i < end; i++) {
		skips |= p->requests[i].sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
		drains |= i >= step->first && p->requests[i].sqe.flags & IOSQE_IO_DRAIN;
	}
	return skips && drains;
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

static bool is_relative_open(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);

	return d->kind == EVENT_CQE && sqe->opcode == IORING_OP_OPENAT && sqe->fd >= 0 &&
	       d->nr[SIDE_RURING] && d->events[SIDE_RURING][0].res == -EOPNOTSUPP;
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
		"NOP selects a buffer",
		"NOP takes IOSQE_BUFFER_SELECT",
		is_nop_with_buffer,
	},
	{
		"names relative to a directory",
		"names relative to another one are ``-EOPNOTSUPP``",
		is_relative_open,
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
