// SPDX-License-Identifier: GPL-2.0
/*
 * Compares what was seen on the two sides.
 *
 * Of a step the completions are a set, as requests of one step may end in any
 * order; those of one request, which io_uring promises an order for, are a list.
 */
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "trace.h"

const char * const side_names[2] = { "io_uring", "ruring" };

/* The events of one step, those that belong together beside each other. */
struct step_events {
	unsigned int nr;
	const struct event *events[MAX_EVENTS];
};

unsigned int vain_notifications;

/* Whether some requests have the same user_data. */
static bool unclear;

static int order(const struct event *a, const struct event *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return 0;
}

/* Completions of requests that cannot be told apart are a set, too. */
static int order_all(const struct event *a, const struct event *b)
{
	int ret = order(a, b);

	if (ret || a->kind != EVENT_CQE || !unclear)
		return ret;
	if (a->res != b->res)
		return a->res < b->res ? -1 : 1;
	return a->flags == b->flags ? 0 : a->flags < b->flags ? -1 : 1;
}

static bool has_namesakes(const struct program *p)
{
	unsigned int i, j;

	for (i = 0; i < p->nr_requests; i++)
		for (j = 0; j < i; j++)
			if (p->requests[i].sqe.user_data == p->requests[j].sqe.user_data)
				return true;
	return false;
}

/* Whether @p sends without a copy with @user_data, or the notification's @own one. */
static bool sends_without_copy(const struct program *p, __u64 user_data, __u64 own)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (sqe->user_data == user_data && (user_data == own || sqe->addr3 == own) &&
		    (sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC))
			return true;
	}
	return false;
}

/*
 * Whether a send of @t has sent nothing whose notification, if there is one, has
 * @own as its user_data: it is without a meaning.
 */
static bool is_vain(const struct program *p, const struct trace *t, unsigned int nr, __u64 own)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct event *e = &t->events[i];

		if (e->kind == EVENT_CQE && e->res < 0 && !(e->flags & IORING_CQE_F_NOTIF) &&
		    sends_without_copy(p, e->key, own))
			return true;
	}
	return false;
}

/*
 * A copy without notifications of sends that have sent nothing, which io_uring has and
 * ruring has not. Returns whether there were any.
 */
static bool without_vain(const struct program *p, const struct trace *t, struct trace *to)
{
	unsigned int i, nr = t->nr < MAX_EVENTS ? t->nr : MAX_EVENTS;
	bool any = false;

	to->nr = 0;
	for (i = 0; i < nr; i++) {
		struct event *e = &to->events[to->nr];

		*e = t->events[i];
		if (e->kind == EVENT_CQE && e->flags & IORING_CQE_F_NOTIF && is_vain(p, t, nr, e->key)) {
			any = true;
			continue;
		}
		if (e->kind == EVENT_CQE && e->res < 0 && sends_without_copy(p, e->key, e->key))
			e->flags &= ~IORING_CQE_F_MORE;
		to->nr++;
	}
	return any;
}

static void sort_step(const struct trace *t, unsigned int step, struct step_events *s)
{
	unsigned int i, at;

	s->nr = 0;
	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		if (t->events[i].step != step)
			continue;
		/* stable, and quick for what is almost sorted */
		for (at = s->nr; at > 0 && order_all(s->events[at - 1], &t->events[i]) > 0; at--)
			s->events[at] = s->events[at - 1];
		s->events[at] = &t->events[i];
		s->nr++;
	}
}

static bool same(const struct event *a, const struct event *b)
{
	return !order(a, b) && a->res == b->res && a->flags == b->flags && a->sum == b->sum;
}

static void gather(const struct step_events *s, const struct event *like, struct difference *d,
		   unsigned int side)
{
	unsigned int i;

	d->nr[side] = 0;
	for (i = 0; i < s->nr; i++)
		if (!order(s->events[i], like) && d->nr[side] < ARRAY_SIZE(d->events[side]))
			d->events[side][d->nr[side]++] = *s->events[i];
}

/* Results say more than their numbers do only as long as they are errors. */
static int print_result(char *to, size_t size, const struct event *e, const struct event *other)
{
	char flags[24] = "";
	int len;

	if (e->kind == EVENT_CQE)
		name_cqe_flags(flags, sizeof(flags), e->flags);
	if (e->res <= 0 || e->kind == EVENT_POLL || e->kind == EVENT_EPOLL || e->kind == EVENT_FD)
		len = snprintf(to, size, "%lld", (long long)e->res);
	else
		len = snprintf(to, size, "n%s", other && other->res != e->res ? "'" : "");
	if (flags[0])
		len += snprintf(to + len, size - len, ":%s", flags);
	if (other && other->res == e->res && other->flags != e->flags && e->kind != EVENT_CQE)
		len += snprintf(to + len, size - len, "(flags)");
	if (other && other->res == e->res && other->flags == e->flags && other->sum != e->sum)
		len += snprintf(to + len, size - len, "(bytes)");
	return len;
}

static void classify(const struct program *p, struct difference *d)
{
	size_t size = sizeof(d->class), len;
	unsigned int side, i;

	len = name_subject(d->class, size, p, d->step, d->kind, d->key);
	for (side = 0; side < 2; side++) {
		len += snprintf(d->class + len, size - len, " %s[", side_names[side]);
		for (i = 0; i < d->nr[side] && i < 4 && len < size - 40; i++) {
			const struct event *other = i < d->nr[!side] && side ?
						    &d->events[!side][i] : NULL;

			len += snprintf(d->class + len, size - len, i ? " " : "");
			len += print_result(d->class + len, size - len, &d->events[side][i], other);
		}
		len += snprintf(d->class + len, size - len, "]");
	}
}

/* Whether the same was seen in the same order, as most of the time. */
static bool are_equal(const struct trace *one, const struct trace *other)
{
	unsigned int i;

	if (one->nr != other->nr)
		return false;
	for (i = 0; i < one->nr && i < MAX_EVENTS; i++)
		if (one->events[i].step != other->events[i].step || !same(&one->events[i], &other->events[i]))
			return false;
	return true;
}

bool compare(const struct program *p, const struct trace *io_uring, const struct trace *ruring,
	     struct difference *d)
{
	static struct step_events sides[2];
	static struct trace plain[2];
	unsigned int step, i;
	bool vain;

	if (are_equal(io_uring, ruring))
		return false;
	unclear = has_namesakes(p);
	vain = without_vain(p, io_uring, &plain[SIDE_IO_URING]);
	vain_notifications += vain;
	without_vain(p, ruring, &plain[SIDE_RURING]);
	for (step = 0; step <= STEP_END; step++) {
		const struct event *first;

		sort_step(&plain[0], step, &sides[0]);
		sort_step(&plain[1], step, &sides[1]);
		for (i = 0; i < sides[0].nr && i < sides[1].nr; i++)
			if (!same(sides[0].events[i], sides[1].events[i]))
				break;
		if (i == sides[0].nr && i == sides[1].nr)
			continue;
		if (i == sides[0].nr)
			first = sides[1].events[i];
		else if (i == sides[1].nr)
			first = sides[0].events[i];
		else
			first = order(sides[0].events[i], sides[1].events[i]) <= 0 ?
				sides[0].events[i] : sides[1].events[i];
		memset(d, 0, sizeof(*d));
		d->step = step;
		d->kind = first->kind;
		d->ring = first->ring;
		d->key = first->key;
		d->vain = vain;
		gather(&sides[0], first, d, 0);
		gather(&sides[1], first, d, 1);
		classify(p, d);
		return true;
	}
	return false;
}
