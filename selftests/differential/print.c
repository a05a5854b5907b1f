// SPDX-License-Identifier: GPL-2.0
/*
 * Shows programs and what was seen of them.
 */
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "trace.h"

/* An address, as what is there. */
static void print_address(const char *name, unsigned long at)
{
	if (at >= SOURCE && at < PLACE_END)
		printf(" %s=source+%lu", name, at - SOURCE);
	else if (at >= BIG && at < BIG + BIG_SIZE)
		printf(" %s=big+%lu", name, at - BIG);
	else if (at >= DEST && at < DEST + MAX_REQUESTS * PAGE)
		printf(" %s=dest[%lu]+%lu", name, (at - DEST) / PAGE, (at - DEST) % PAGE);
	else if (at >= BUFFERS && at < BUFFERS + NR_BUFFERS * BUFFER_SIZE)
		printf(" %s=buffer[%lu]+%lu", name, (at - BUFFERS) / BUFFER_SIZE,
		       (at - BUFFERS) % BUFFER_SIZE);
	else if (at >= GROUP_MEM && at < GROUP_MEM + GROUPS * GROUP_SIZE)
		printf(" %s=group[%lu]+%lu", name, (at - GROUP_MEM) / GROUP_SIZE,
		       (at - GROUP_MEM) % GROUP_SIZE);
	else if (at >= STRUCTS && at < STRUCTS + MAX_REQUESTS * STRUCTS_SIZE)
		printf(" %s=structs[%lu]+%lu", name, (at - STRUCTS) / STRUCTS_SIZE,
		       (at - STRUCTS) % STRUCTS_SIZE);
	else if (at)
		printf(" %s=%#lx", name, at);
}

static void print_structs(const struct request *r)
{
	static const char * const addresses[] = {
		"", "of the first", "of the second", "of an unknown family", "unspecified", "in the directory",
		"in the directory that there is not",
	};
	const struct structs *s = &r->structs;
	unsigned int i;

	switch (r->sqe.opcode) {
	case IORING_OP_RECVMSG:
	case IORING_OP_SENDMSG:
	case IORING_OP_SENDMSG_ZC:
		printf(" msg{name=%d:%u iovlen=%zu control=%zu}", !!s->msg.msg_name, s->msg.msg_namelen,
		       s->msg.msg_iovlen, s->msg.msg_controllen);
		/* fall through */
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
	case IORING_OP_READV_FIXED:
	case IORING_OP_WRITEV_FIXED:
	case IORING_OP_SEND:
	case IORING_OP_SEND_ZC:
		if (r->sqe.opcode == IORING_OP_SEND && !(r->sqe.ioprio & IORING_SEND_VECTORIZED))
			break;
		printf(" iov{");
		for (i = 0; i < ARRAY_SIZE(s->iov); i++) {
			print_address("", (unsigned long)s->iov[i].iov_base);
			printf(":%zu", s->iov[i].iov_len);
		}
		printf(" }");
		break;
	case IORING_OP_TIMEOUT:
	case IORING_OP_LINK_TIMEOUT:
	case IORING_OP_TIMEOUT_REMOVE:
		printf(" time=%lld.%09lld", (long long)s->time.tv_sec, (long long)s->time.tv_nsec);
		break;
	case IORING_OP_FILES_UPDATE:
		printf(" fds=%d,%d,%d,%d", s->ints[0], s->ints[1], s->ints[2], s->ints[3]);
		break;
	case IORING_OP_OPENAT2:
		printf(" how=%#x%08x,%#x%08x,%#x%08x", s->ints[1], s->ints[0], s->ints[3], s->ints[2],
		       s->ints[5], s->ints[4]);
		break;
	case IORING_OP_URING_CMD:
		printf(" int=%d", s->ints[0]);
		break;
	}
	if (is_of_a_name(r->sqe.opcode))
		printf(" path=\"%s\"", s->path);
	if (is_of_a_name(r->sqe.opcode) && s->path2[0])
		printf(",\"%s\"", s->path2);
	if (r->address)
		printf(" address %s of object %u", addresses[r->address], r->address_of);
	if (s->addr_len != sizeof(s->addr))
		printf(" addr_len=%u", s->addr_len);
}

static void print_request(const struct request *r)
{
	const struct io_uring_sqe *sqe = &r->sqe;
	char flags[100];

	printf("      %llx: %s fd=%d", sqe->user_data, opcode_name(sqe->opcode), sqe->fd);
	if (name_sqe_flags(flags, sizeof(flags), sqe->flags))
		printf(" flags=%s", flags);
	if (sqe->ioprio)
		printf(" ioprio=%#x", sqe->ioprio);
	print_address("addr", sqe->addr);
	if (sqe->len)
		printf(" len=%u", sqe->len);
	print_address("off", sqe->off);
	if (sqe->msg_flags)
		printf(" op_flags=%#x", sqe->msg_flags);
	if (sqe->buf_index)
		printf(" buf_index=%u", sqe->buf_index);
	if (sqe->personality)
		printf(" personality=%u", sqe->personality);
	if (sqe->file_index)
		printf(" file_index=%d", sqe->file_index);
	print_address("addr3", sqe->addr3);
	print_structs(r);
	printf("\n");
}

static void print_registration(const struct registration *reg)
{
	const __u32 *words = (const void *)reg->arg.words;
	unsigned int i;

	printf("register %s nr=%u%s%s:", register_name(reg->opcode), reg->nr, reg->null ? " NULL" : "",
	       reg->blind ? " without a ring" : "");
	if (reg->elsewhere)
		printf(" (of an argument at %#llx)", reg->elsewhere);
	for (i = 0; i < 2 * ARRAY_SIZE(reg->arg.words) && !reg->null; i++)
		printf(" %x", words[i]);
	if (reg->arg.fds[0] || reg->arg.fds[1]) {
		printf("; fds");
		for (i = 0; i < SLOTS; i++)
			printf(" %d", reg->arg.fds[i]);
	}
	if (reg->arg.iov[0].iov_base || reg->arg.iov[1].iov_base) {
		printf("; iov");
		for (i = 0; i < NR_BUFFERS; i++) {
			print_address("", (unsigned long)reg->arg.iov[i].iov_base);
			printf(":%zu", reg->arg.iov[i].iov_len);
		}
	}
	printf("\n");
}

static void print_step(const struct program *p, const struct step *step)
{
	static const char * const times[] = {
		"", "for no time", "for 1000 s at most", "with an argument of 8 bytes",
		"with signals blocked", "with a set of 3 bytes", "for a moment at least, 1000 s at most",
		"with a time that cannot be read", "with an argument in a region",
	};
	char flags[100];
	unsigned int i;

	if (step->ring)
		printf("(second ring) ");
	if (step->by)
		printf("(by index %u) ", step->by - 1);
	if (step->flags & STEP_AT_ONCE)
		printf("(next at once) ");
	if (step->flags & STEP_KEEP)
		printf("(not reaped) ");
	if (step->flags & STEP_NO_ENTER)
		printf("(no enter after it) ");
	if (step->flags & STEP_OTHER)
		printf("(another thread) ");
	if (step->flags & STEP_NOWHERE)
		printf("(last entry nowhere) ");
	switch (step->kind) {
	case STEP_SUBMIT:
		name_enter_flags(flags, sizeof(flags), step->enter);
		printf("submit %s", flags);
		if (step->wait)
			printf(" min_complete=%u, during the next %u steps",
			       min_complete(step->ring ? p->setup2 : p->setup, step->wait), step->during);
		if (step->timed)
			printf(", %s", times[step->timed]);
		if (step->timed == TIMED_REGION)
			printf(" at %#x: %lld s, flags %#x, at least %u us, signals at %#llx",
			       step->wait_offset, (long long)step->wait_arg.ts.tv_sec, step->wait_arg.flags,
			       step->wait_arg.min_wait_usec, step->wait_arg.sigmask);
		printf("\n");
		for (i = step->first; i < (unsigned int)step->first + step->nr; i++)
			if (!p->requests[i].dropped)
				print_request(&p->requests[i]);
		break;
	case STEP_REGISTER:
		print_registration(&step->reg);
		break;
	case STEP_REFILL:
		printf("refill bgid=%u with %u of length %u from buffer %u on, ring of %u\n", step->group,
		       step->nr, step->len, step->offset, step->op);
		break;
	case STEP_PEER:
		printf("%s fd=%d len=%u", peer_name(step->op), step->fd, step->len);
		printf(step->op == PEER_WRITE ? " from source+%u\n" : "\n", step->offset);
		break;
	case STEP_WATCH:
		printf("watch: %s\n", watch_name(step->op));
		break;
	}
}

void print_program(const struct program *p)
{
	char flags[200];
	unsigned int i;

	static const char * const endings[NR_ENDINGS] = {
		[ENDING_EXIT] = ", exits at the end", [ENDING_THREAD] = ", its thread ends at the end",
		[ENDING_CLOSE] = ", closes it at the end", [ENDING_KILL] = ", is killed at the end",
		[ENDING_EXECUTE] = ", executes another program at the end",
	};

	name_setup_flags(flags, sizeof(flags), p->setup);
	printf("  ring setup=%s sq=%u cq=%u cpu=%u%s%s\n", flags, p->sq_entries, p->cq_entries, p->cpu,
	       p->epoll ? p->edge ? ", in an epoll (edge)" : ", in an epoll" : "",
	       p->ending < NR_ENDINGS && endings[p->ending] ? endings[p->ending] : "");
	if (p->orphans)
		printf("  the thread that has made them is gone\n");
	if (p->descriptors)
		printf("  %d descriptors are left\n", p->descriptors - 1);
	for (i = 0; i < MAX_OBJECTS; i++) {
		const struct object *o = &p->objects[i];

		if (o->kind == OBJECT_NONE)
			continue;
		printf("  fd %u,%u: %s%s%s", FIRST_FD + 2 * i, FIRST_FD + 2 * i + 1, kind_name(o->kind),
		       o->flags & OBJECT_NONBLOCK ? " nonblocking" : "",
		       o->flags & OBJECT_SMALL ? " small" : "");
		name_setup_flags(flags, sizeof(flags), p->setup2);
		printf(o->kind == SECOND_RING ? " setup=%s\n" : "\n", flags);
	}
	for (i = 0; i < p->nr_steps; i++) {
		if (p->steps[i].kind == STEP_NONE)
			continue;
		printf("  %2u ", i);
		print_step(p, &p->steps[i]);
	}
}

static void print_event(const struct program *p, const struct event *e)
{
	char subject[80], flags[24];

	name_subject(subject, sizeof(subject), p, e->step, e->kind, e->key);
	name_cqe_flags(flags, sizeof(flags), e->flags);
	printf("    %s%s %llx: %lld", e->ring ? "(second ring) " : "", subject, e->key, (long long)e->res);
	if (e->kind == EVENT_CQE && e->flags)
		printf(":%s", flags);
	if (e->kind == EVENT_CQE && e->flags & IORING_CQE_F_BUFFER)
		printf("#%u", e->flags >> IORING_CQE_BUFFER_SHIFT);
	if (e->kind != EVENT_CQE && e->flags)
		printf(" flags %#x", e->flags);
	if (e->sum)
		printf(" bytes %08x", e->sum);
	printf("\n");
}

void print_trace(const struct program *p, const struct trace *t, unsigned int to_step)
{
	unsigned int i, step = ~0u;

	for (i = 0; i < t->nr && i < MAX_EVENTS; i++) {
		const struct event *e = &t->events[i];

		if (e->step > to_step || e->step == STEP_END)
			continue;
		if (e->step != step)
			printf("   step %u\n", e->step);
		step = e->step;
		print_event(p, e);
	}
}

void print_difference(const struct program *p, const struct difference *d)
{
	unsigned int side, i;

	printf("  step %u differs in: %s\n", d->step, d->class);
	for (side = 0; side < 2; side++) {
		printf("   %s%s\n", side_names[side], d->nr[side] ? "" : " (nothing)");
		for (i = 0; i < d->nr[side]; i++)
			print_event(p, &d->events[side][i]);
	}
}
