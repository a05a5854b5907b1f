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

/* A notification on the one side, of a send that has sent nothing. */
static bool is_send_without_notification(const struct program *p, const struct difference *d)
{
	const struct io_uring_sqe *sqe = sqe_of(p, d->key);
	const struct event *theirs = d->events[SIDE_IO_URING], *ours = d->events[SIDE_RURING];

	return d->kind == EVENT_CQE &&
	       (sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC) &&
	       d->nr[SIDE_IO_URING] >= 1 && d->nr[SIDE_RURING] >= 1 &&
	       theirs[0].res == ours[0].res && theirs[0].res < 0 &&
	       theirs[0].flags & IORING_CQE_F_MORE && !(ours[0].flags & IORING_CQE_F_MORE);
}

static bool is_drain_after_skip(const struct program *p, const struct difference *d)
{
	return d->kind == EVENT_CQE && sqe_of(p, d->key)->flags & IOSQE_IO_DRAIN &&
	       d->nr[SIDE_IO_URING] && d->events[SIDE_IO_URING][0].res == -EOPNOTSUPP;
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
