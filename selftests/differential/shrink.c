// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a program that differs as small as it can be while it differs in the
 * same way, by leaving out one thing after the other.
 */
#include <string.h>

#include "deliberate.h"
#include "oracle.h"

static struct program *best;
static struct difference *found;
/* enough for what matters, and an end for what changes all the time */
static unsigned int tries_left;

/* Take @p instead, if it still differs like that. */
static bool try_it(const struct program *p)
{
	struct difference d;

	if (!tries_left || !memcmp(p, best, sizeof(*p)))
		return false;
	tries_left--;
	if (!differs_once(p, &d) || strcmp(d.class, found->class) || deliberate(p, &d))
		return false;
	*best = *p;
	*found = d;
	return true;
}

/* Try the program with @statement done to it. */
#define TRY(statement) do {		\
	struct program p = *best;	\
	statement;			\
	changed |= try_it(&p);		\
} while (0)

static void drop_steps(struct program *p, unsigned int from, unsigned int nr)
{
	while (nr--)
		p->steps[from++].kind = STEP_NONE;
}

static bool shrink_steps(void)
{
	bool changed = false;
	unsigned int i, nr;

	if (found->step != STEP_END)
		TRY(p.nr_steps = found->step + 1);
	/* many at once first */
	for (nr = best->nr_steps / 2; nr > 1; nr /= 2) {
		for (i = 0; i + nr <= best->nr_steps; i += nr)
			TRY(drop_steps(&p, i, nr));
	}
	for (i = best->nr_steps; i-- > 0;)
		if (best->steps[i].kind != STEP_NONE)
			TRY(p.steps[i].kind = STEP_NONE);
	return changed;
}

static bool is_submitted(unsigned int request)
{
	unsigned int i;

	for (i = 0; i < best->nr_steps; i++) {
		const struct step *s = &best->steps[i];

		if (s->kind == STEP_SUBMIT && request >= s->first && request < (unsigned int)s->first + s->nr)
			return true;
	}
	return false;
}

static bool shrink_requests(void)
{
	bool changed = false;
	unsigned int i;

	for (i = best->nr_requests; i-- > 0;) {
		if (best->requests[i].dropped)
			continue;
		if (!is_submitted(i))
			best->requests[i].dropped = true;
		else
			TRY(p.requests[i].dropped = true);
	}
	return changed;
}

static bool shrink_world(void)
{
	bool changed = false;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++) {
		if (best->objects[i].kind == OBJECT_NONE)
			continue;
		TRY(p.objects[i].kind = OBJECT_NONE);
		TRY(p.objects[i].flags = 0);
		TRY(p.objects[i].flags &= ~OBJECT_SMALL);
	}
	TRY(p.setup = 0);
	for (i = 0; i < 20; i++)
		TRY(p.setup &= ~(1u << i));
	TRY(p.setup2 = 0);
	TRY(p.cq_entries = 64);
	TRY(p.sq_entries = 8);
	TRY(p.epoll = false);
	TRY(p.edge = false);
	TRY(p.ending = ENDING_CANCEL);
	TRY(p.descriptors = 0);
	TRY(p.orphans = false);
	return changed;
}

static bool shrink_step_fields(void)
{
	bool changed = false;
	unsigned int i, bit;

	for (i = 0; i < best->nr_steps; i++) {
		if (best->steps[i].kind == STEP_NONE)
			continue;
		for (bit = 0; bit < 5; bit++)
			TRY(p.steps[i].flags &= ~(1u << bit));
		TRY(p.steps[i].ring = 0);
		TRY(p.steps[i].by = 0);
		if (best->steps[i].kind != STEP_SUBMIT)
			continue;
		TRY(p.steps[i].wait = 0);
		TRY(p.steps[i].during = 0);
		for (bit = 0; bit < 8; bit++)
			TRY(p.steps[i].enter &= ~(1u << bit));
	}
	return changed;
}

static bool shrink_request_fields(void)
{
	bool changed = false;
	unsigned int i, bit;

	for (i = 0; i < best->nr_requests; i++) {
		if (best->requests[i].dropped)
			continue;
		for (bit = 0; bit < 8; bit++)
			if (best->requests[i].sqe.flags & 1u << bit)
				TRY(p.requests[i].sqe.flags &= ~(1u << bit));
		for (bit = 0; bit < 16; bit++)
			if (best->requests[i].sqe.ioprio & 1u << bit)
				TRY(p.requests[i].sqe.ioprio &= ~(1u << bit));
		for (bit = 0; bit < 32; bit++)
			if (best->requests[i].sqe.msg_flags & 1u << bit)
				TRY(p.requests[i].sqe.msg_flags &= ~(1u << bit));
		TRY(p.requests[i].sqe.personality = 0);
		TRY(p.requests[i].sqe.buf_index = 0);
		TRY(p.requests[i].sqe.file_index = 0);
		TRY(p.requests[i].sqe.off = 0);
		TRY(p.requests[i].sqe.addr3 = 0);
		TRY(p.requests[i].sqe.len = 0);
		TRY(p.requests[i].sqe.len = 100);
		TRY(memset(&p.requests[i].structs, 0, sizeof(struct structs)));
		TRY(p.requests[i].structs.msg.msg_control = NULL);
		TRY(p.requests[i].structs.msg.msg_name = NULL);
	}
	return changed;
}

void shrink(struct program *p, struct difference *d)
{
	bool changed;

	best = p;
	found = d;
	tries_left = 400;
	do {
		changed = shrink_steps();
		changed |= shrink_requests();
	} while (changed && tries_left);
	/* what is gone needs no look at its fields; but one thing may have kept another */
	changed = shrink_world();
	changed |= shrink_step_fields();
	changed |= shrink_request_fields();
	if (changed)
		shrink_steps();
}
