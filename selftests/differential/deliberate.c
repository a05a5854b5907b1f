// SPDX-License-Identifier: GPL-2.0
/*
 * Differences that are meant to be there. Each belongs to a sentence of
 * Documentation/differences.rst, which is quoted: if that goes, so does this.
 */
#include <stdio.h>
#include <string.h>

#include "deliberate.h"
#include "oracle.h"

#define PAGE_NAME	"Documentation/differences.rst"

static const struct deliberate {
	const char *name;
	/* words of the page, which may be broken into lines differently there */
	const char *quote;
	/* or nothing: it is left out of what is compared */
	bool (*is)(const struct program *p, const struct difference *d);
} differences[] = {
	{
		"a send that has handed over nothing has no notification",
		"SEND_ZC and SENDMSG_ZC that end before they have handed their buffer to the socket complete once",
		NULL,
	},
	{
		"a notification of a send whose link has failed",
		"If a link is cancelled, that comes without the mark that it does in io_uring, and not at all in ruring",
		is_lone_notification,
	},
	{
		"a ring that polls for completions has no file to poll",
		"A ring with IORING_SETUP_IOPOLL has no file that it could poll",
		is_iopoll,
	},
	{
		"what has come back to a ring that polls",
		"io_uring runs nothing there as long as there are completions",
		is_behind_completions,
	},
	{
		"a terminal for which the kernel sleeps",
		"sleeps there if another reader has been faster",
		is_sleep_in_enter,
	},
	{
		"an index of who has registered no ring",
		"and used no ring either, is told ``-EBADF`` for any index below 16",
		is_index_of_none,
	},
	{
		"the number of workers",
		"which here sets a ring's limit, not a task's",
		is_limit_of_workers,
	},
	{
		"a wake-up that tells of no event",
		"is woken up without being told of an event",
		is_woken_for_nothing,
	},
	{
		"urgent data beside a receive",
		"RECV and RECVMSG go on waiting beside urgent data",
		is_beside_urgent,
	},
	{
		"what is looked at until all is there",
		"What is only looked at (MSG_PEEK) until all is there (MSG_WAITALL)",
		is_look_at_all,
	},
	{
		"a count that begins with a worker",
		"a TIMEOUT counts completions from when it is submitted",
		is_count_of_a_worker,
	},
	{
		"a part that a worker makes do with",
		"A transfer of a socket with MSG_WAITALL goes on until all is there",
		is_part_of_a_worker,
	},
	{
		"a first attempt",
		"a multishot request finds out at its first attempt that it cannot be done",
		is_attempt_of_a_worker,
	},
	{
		"a completion that is not the last one waited for",
		"a completion of one is in the ring before that has as many as somebody waits for",
		is_seen_before_a_worker,
	},
	{
		"a wait for several completions",
		"and so may sleep on although there are enough",
		is_wait_for_several,
	},
	{
		"a wait behind what a timeout has counted",
		"does not end because of a TIMEOUT that is one, or counts the completion of one",
		is_wait_behind_a_count,
	},
	{
		"a cancel of any one of several",
		"or by its opcode alone, ends any of those that it is for",
		is_cancel_of_any_one,
	},
	{
		"a cancel of what another one has ended",
		"An ASYNC_CANCEL with IOSQE_ASYNC finds nothing of what another cancel has ended",
		is_cancelled_before,
	},
	{
		"what a worker does here",
		"A worker always does OPENAT, OPENAT2, STATX",
		is_told_of_what_a_worker_does,
	},
	{
		"a read behind a write",
		"which may be before a worker reads what was submitted before it",
		is_read_behind_a_write,
	},
	{
		"a multishot read that stays one",
		"stays multishot whatever the file",
		is_multishot_that_stays,
	},
	{
		"a group that a worker makes",
		"what PROVIDE_BUFFERS with IOSQE_ASYNC brings may be there for what is submitted behind it",
		is_group_by_a_worker,
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
		"another buffer than a worker has kept",
		"What waits there keeps the buffer that its worker has taken",
		is_buffer_that_was_kept,
	},
	{
		"a part of a buffer",
		"and of a buffer that is consumed in parts all that the request may use",
		is_all_of_a_part,
	},
	{
		"all of a buffer that is received into from the kernel",
		"What is received from the kernel (netlink) takes the whole of a provided buffer",
		is_all_from_the_kernel,
	},
	{
		"a bundle that a worker sends",
		"A SEND with IORING_RECVSEND_BUNDLE and IOSQE_ASYNC, or one that has drained, sends at once",
		is_bundle_by_worker,
	},
	{
		"a cancel of what a worker is to do",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_cancel_of_a_name,
	},
	{
		"how many a cancel has found",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_count_of_cancelled,
	},
	{
		"the descriptor of what a worker has opened",
		"The descriptor of what is opened is there when its completion is",
		is_descriptor_of_a_worker,
	},
	{
		"a worker that goes on with a link",
		"What is linked behind a request that a worker has done is started by its task",
		is_impatient_worker,
	},
	{
		"a limit that was over",
		"The LINK_TIMEOUT of a request that is over at once is ``-ECANCELED``",
		is_limit_that_was_over,
	},
	{
		"a count of what comes behind",
		"after it has unlocked the ring, and so behind what else that call submits",
		is_count_of_what_is_behind,
	},
	{
		"a limit of no time",
		"A LINK_TIMEOUT whose time is over when its request begins to wait ends it",
		is_limit_of_no_time,
	},
	{
		"a limit of another with the same user_data",
		"In io_uring it cancels one with the ``user_data`` of that",
		is_limit_of_another,
	},
	{
		"a notification that is counted",
		"io_uring posts a notification then as well",
		is_count_of_a_notification,
	},
	{
		"a zero-copy send that waits for others to drain",
		"A SEND_ZC or SENDMSG_ZC that waits for others to drain does not count as one of them",
		is_drain_of_a_notification,
	},
	{
		"what a peer sees of what a worker does",
		"who looks at the other end of its socket while the call waits may see it done already, or not yet",
		is_seen_by_a_peer,
	},
	{
		"a count that begins beside no time",
		"A TIMEOUT of no time may expire before another one begins to count that is submitted with it, or after",
		is_count_beside_no_time,
	},
	{
		"several wake-ups of a POLL_ADD",
		"POLL_ADD says what its file is ready for when its task looks",
		is_merged_poll,
	},
	{
		"a transfer that a file has no operation for",
		"READ and WRITE of what has no operation for that",
		is_transfer_of_nothing,
	},
	{
		"room of another buffer",
		"In io_uring it takes no more than the buffer would have had room for",
		is_room_of_the_first,
	},
	{
		"a send of a large page",
		"counts for as many pages as it lies in, also of registered memory in a large page",
		is_send_of_a_large_page,
	},
	{
		"a vector for a file that knows none",
		"READV_FIXED and WRITEV_FIXED of a file that knows no vectors",
		is_vector_itself,
	},
	{
		"a datagram socket that is shut down",
		"RECV, RECVMSG and READ of a socket that is shut down for reading end at once",
		is_datagram_of_shut,
	},
	{
		"who is told that there is something to do",
		"Who polls a ring with IORING_SETUP_DEFER_TASKRUN, or its eventfd, is told at once",
		is_told_in_time,
	},
	{
		"who is served first",
		"Of several requests that wait for one file the one that is served first",
		is_served_first,
	},
	{
		"an open for which there is no descriptor left",
		"OPENAT and OPENAT2 are ``-EMFILE`` also with flags that they do not take",
		is_open_at_the_limit,
	},
	{
		"an error of what a worker would do",
		"An error that shows when a request is submitted does not signal it",
		is_error_that_is_found,
	},
	{
		"a file that a worker has opened",
		"Nor is it for an OPENAT or OPENAT2 that creates nothing and finds what it names",
		is_open_by_a_worker,
	},
	{
		"an error that a worker leaves to the task",
		"also where that worker leaves it to the task to tell of it",
		is_error_of_a_worker,
	},
	{
		"a cancel that is in time",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_cancelled_in_time,
	},
	{
		"what is linked behind a cancel that finds more, or less",
		"Whether a cancel finds what a worker is to do before one has begun with it",
		is_behind_a_cancel,
	},
	{
		"what a worker has done of a ring whose task has other work",
		"An eventfd that is registered for asynchronous completions only is signalled",
		is_told_of_a_worker,
	},
	{
		"a cancel of what no thread waits for",
		"a cancel of one is always ``-ECANCELED``",
		is_interrupted,
	},
	{
		"a cancel of what need not drain any more",
		"A cancel also finds what has waited for others to drain",
		is_cancel_of_the_next,
	},
	{
		"a datagram that another has taken",
		"A multishot RECV or RECVMSG of datagrams that has no buffer",
		is_datagram_of_another,
	},
	{
		"data that another has taken",
		"one of a stream waits on",
		is_data_of_another,
	},
	{
		"an end behind the last bytes",
		"is told of that right behind the last of them",
		is_end_behind_data,
	},
	{
		"no room for ever",
		"WRITE and SENDMSG to a peer that has half-closed end at once",
		is_full_for_ever,
	},
	{
		"a multishot read of a terminal",
		"A READ_MULTISHOT of one ends with its first completion",
		is_read_of_a_terminal,
	},
	{
		"a message that is posted by who sends it",
		"it is there without a call of ``enter`` and without the ring's task",
		is_message_by_then,
	},
	{
		"the last buffer of a group, by then",
		"In io_uring it also does if that was the last one when it began to wait",
		is_last_buffer_before,
	},
	{
		"a provided buffer at address 0",
		"A provided buffer at address 0 is a buffer like any other",
		is_buffer_at_zero,
	},
	{
		"a worker that is interrupted",
		"A worker is interrupted by a cancel alone",
		is_interrupted_worker,
	},
	{
		"a shutdown beside other requests",
		"BIND, SHUTDOWN, EPOLL_CTL, EPOLL_WAIT, CONNECT of UNIX sockets",
		is_shut_meanwhile,
	},
	{
		"a close beside other requests",
		"may be closed before that begins, or after",
		is_closed_meanwhile,
	},
	{
		"a change of an epoll that is behind a close",
		"EPOLL_CTL does not find a second descriptor",
		is_behind_a_close,
	},
	{
		"a ring in user memory that is to get another size",
		"IORING_REGISTER_RESIZE_RINGS is ``-EINVAL`` for a ring in user memory",
		is_resize_of_user_memory,
	},
	{
		"NOP selects a buffer",
		"NOP takes IOSQE_BUFFER_SELECT",
		is_nop_with_buffer,
	},
};

static unsigned int met[ARRAY_SIZE(differences)];

static const char *find(const struct program *p, const struct difference *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		if (differences[i].is && differences[i].is(p, d)) {
			met[i]++;
			return differences[i].name;
		}
	}
	return NULL;
}

/* Of completions that stay in their queue: where those differ that are taken in step @from or later. */
static bool completions_differ(const struct program *p, unsigned int from, struct difference *later)
{
	static struct trace sides[2];
	unsigned int side, i;

	for (side = 0; side < 2; side++) {
		const struct trace *t = last_trace(side);

		sides[side].nr = 0;
		for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
			if (t->events[i].kind == EVENT_CQE && t->events[i].step >= from)
				sides[side].events[sides[side].nr++] = t->events[i];
	}
	return compare(p, &sides[SIDE_IO_URING], &sides[SIDE_RURING], later);
}

static bool is_told_of_what_stays(const struct program *p, const struct difference *d)
{
	return (d->kind == EVENT_POLL || d->kind == EVENT_EPOLL) && d->step < p->nr_steps &&
	       p->steps[d->step].flags & STEP_KEEP;
}

/* The step that waits while that of @d is done, in which its completions are taken; that of @d if none does. */
static unsigned int waits_meanwhile(const struct program *p, const struct difference *d)
{
	unsigned int i;

	if (d->kind != EVENT_POLL && d->kind != EVENT_EPOLL && d->kind != EVENT_VISIBLE && d->kind != EVENT_WATCH)
		return d->step;
	for (i = 0; i < d->step && i < p->nr_steps; i++)
		if (p->steps[i].kind == STEP_SUBMIT && i + p->steps[i].during >= d->step)
			return i;
	return d->step;
}

/* What is left of @d if what both sides have is left out, of requests that cannot be told apart. */
static struct difference without_common(const struct difference *d)
{
	struct difference rest = *d;
	unsigned int side, i, j;

	for (i = 0; i < rest.nr[0]; i++) {
		const struct event *e = &rest.events[0][i];

		for (j = 0; j < rest.nr[1]; j++)
			if (rest.events[1][j].res == e->res && rest.events[1][j].flags == e->flags &&
			    rest.events[1][j].sum == e->sum)
				break;
		if (j == rest.nr[1])
			continue;
		for (side = 0; side < 2; side++) {
			unsigned int at = side ? j : i;

			rest.nr[side]--;
			memmove(&rest.events[side][at], &rest.events[side][at + 1],
				(rest.nr[side] - at) * sizeof(rest.events[0][0]));
			memset(&rest.events[side][rest.nr[side]], 0, sizeof(rest.events[0][0]));
		}
		i--;
	}
	return rest;
}

/* What requests were told in a step of the last run on a side. */
static void gather_told(enum side side, unsigned int step, __u64 user_data, struct difference *d)
{
	const struct trace *t = last_trace(side);
	unsigned int i;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++)
		if (t->events[i].kind == EVENT_CQE && t->events[i].step == step && t->events[i].key == user_data &&
		    d->nr[side] < ARRAY_SIZE(d->events[side]))
			d->events[side][d->nr[side]++] = t->events[i];
}

/*
 * The name of what else differs in the step of @d, and is meant to: on what one request has come to may depend what another one
 * finds, and which of them is looked at first says nothing.
 */
static const char *deliberate_beside(const struct program *p, const struct difference *d)
{
	unsigned int i, j;

	for (i = 0; i < p->nr_requests; i++) {
		struct difference other = {
			.kind = EVENT_CQE, .step = d->step, .ring = d->ring, .key = p->requests[i].sqe.user_data, .vain = d->vain,
		};
		const char *name;
		bool same;

		if (p->requests[i].dropped || other.key == d->key)
			continue;
		gather_told(SIDE_IO_URING, d->step, other.key, &other);
		gather_told(SIDE_RURING, d->step, other.key, &other);
		same = other.nr[0] == other.nr[1];
		for (j = 0; same && j < other.nr[0]; j++)
			same = other.events[0][j].res == other.events[1][j].res &&
			       other.events[0][j].flags == other.events[1][j].flags;
		name = same ? NULL : find(p, &other);
		if (name)
			return name;
	}
	return NULL;
}

const char *deliberate(const struct program *p, const struct difference *d)
{
	static struct program like;
	const char *name = find(p, d);
	__u64 of = d->key - USER_DATA;
	struct difference later, rest = without_common(d);
	unsigned int i;

	if (!name && is_told_of_what_stays(p, d) && completions_differ(p, d->step, &later))
		return deliberate(p, &later);
	i = waits_meanwhile(p, d);
	if (!name && i < d->step && completions_differ(p, i, &later))
		return deliberate(p, &later);
	if (d->kind != EVENT_CQE || of >= MAX_REQUESTS)
		return name;
	/* nobody can tell which one it is of several that have the same user_data */
	for (i = 0; i < p->nr_requests && !name; i++) {
		if (i == of || p->requests[i].dropped || p->requests[i].sqe.user_data != d->key)
			continue;
		like = *p;
		like.requests[of] = p->requests[i];
		name = find(&like, d);
		if (!name)
			name = find(&like, &rest);
		if (!name)
			name = find(p, &rest);
	}
	return name ?: deliberate_beside(p, d);
}

unsigned int print_met(void)
{
	unsigned int i, unmet = 0;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		unsigned int times = differences[i].is ? met[i] : vain_notifications;

		printf("  %6u deliberate: %s\n", times, differences[i].name);
		unmet += !times;
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
