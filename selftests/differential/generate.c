// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs: the set-up, the objects and the order of the steps.
 */
#include <poll.h>
#include <string.h>

#include "generate.h"

#define DEFER	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

/* Where what comes back to another thread does not interrupt its sleep, or that cannot submit at all. */
#define LAZY	(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SQPOLL | \
		 IORING_SETUP_REGISTERED_FD_ONLY)

static unsigned int any_setup(void)
{
	static const unsigned int modes[] = {
		0, 0, 0, DEFER, DEFER, DEFER | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	};
	static const unsigned int sizes[] = {
		IORING_SETUP_CQE32, IORING_SETUP_SQE128, IORING_SETUP_CQE32 | IORING_SETUP_SQE128,
		IORING_SETUP_CQE_MIXED, IORING_SETUP_SQE_MIXED,
		IORING_SETUP_CQE_MIXED | IORING_SETUP_SQE_MIXED,
	};
	unsigned int setup = IORING_SETUP_CQSIZE | pick(modes);

	if (once_in(12))
		setup = IORING_SETUP_CQSIZE | IORING_SETUP_SQPOLL | (once_in(2) ? IORING_SETUP_SINGLE_ISSUER : 0);
	if (once_in(2))
		setup |= IORING_SETUP_SUBMIT_ALL;
	if (once_in(12))
		setup |= IORING_SETUP_NO_SQARRAY;
	if (once_in(12))
		setup |= IORING_SETUP_NO_MMAP;
	if (once_in(12))
		setup |= IORING_SETUP_R_DISABLED;
	if (once_in(8))
		setup |= pick(sizes);
	if (once_in(20))
		setup |= IORING_SETUP_SQ_REWIND | IORING_SETUP_NO_SQARRAY;
	if (setup & IORING_SETUP_SQPOLL ? once_in(3) : once_in(30))
		setup |= IORING_SETUP_ATTACH_WQ;
	if (setup & IORING_SETUP_SQPOLL ? once_in(3) : once_in(60))
		setup |= IORING_SETUP_SQ_AFF;
	if (once_in(12))
		setup |= IORING_SETUP_CLAMP;
	if (once_in(50))
		setup |= IORING_SETUP_IOPOLL;
	if (once_in(16))
		setup |= IORING_SETUP_REGISTERED_FD_ONLY | IORING_SETUP_NO_MMAP;
	if (once_in(60))
		setup ^= 1u << below(22);
	if (setup & IORING_SETUP_REGISTERED_FD_ONLY) {
		/* other threads of the program, which see to it that this one's comes to rest, have no index */
		setup &= ~IORING_SETUP_SQPOLL;
		/* nobody can poll it */
		if (setup & IORING_SETUP_DEFER_TASKRUN)
			setup |= IORING_SETUP_TASKRUN_FLAG;
	}
	/* what there is not */
	return setup & ~IORING_SETUP_HYBRID_IOPOLL;
}

/* The same, with what belongs to the program's subject. */
static unsigned int any_setup_of(const struct maker *m)
{
	unsigned int setup = any_setup(), more = setup_for_subject(m);

	/* what there is not together, or nobody could enter */
	if (more & IORING_SETUP_SQPOLL)
		setup &= ~(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_DEFER_TASKRUN |
			   IORING_SETUP_SQ_REWIND | IORING_SETUP_REGISTERED_FD_ONLY);
	return setup | more;
}

static unsigned int any_kind(const struct maker *m)
{
	__u8 kind;

	if (may_be_kind_of_subject(m, &kind))
		return kind;
	/* sockets more often than other things */
	if (once_in(10))
		return SECOND_RING;
	if (once_in(30))
		return NETLINK;
	return once_in(3) ? 1 + below(NR_OBJECT_KINDS - 1) : 1 + below(UNIX_ALONE);
}

static void any_objects(const struct maker *m)
{
	struct program *p = m->p;
	unsigned int nr = 1 + below(MAX_OBJECTS), i;

	for (i = 0; i < nr; i++) {
		struct object *o = &p->objects[i];

		o->kind = any_kind(m);
		if (once_in(4))
			o->flags |= OBJECT_NONBLOCK;
		if (once_in(3))
			o->flags |= OBJECT_SMALL;
	}
}

static bool suits(struct maker *m, unsigned int i, unsigned int kinds)
{
	return KIND(m->p->objects[i].kind) & kinds;
}

bool has_second_ring(const struct maker *m)
{
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++)
		if (m->p->objects[i].kind == SECOND_RING)
			return true;
	return false;
}

int any_fd_of(struct maker *m, unsigned int kinds)
{
	unsigned int tries;

	if (once_in(60))
		return once_in(2) ? BAD_FD : -1;
	if (once_in(30))
		return PEER_FD + below(3);
	for (tries = 0; tries < 16; tries++) {
		unsigned int i = below(MAX_OBJECTS);

		/* the kernel is spoken to by who knows how */
		if (m->p->objects[i].kind == OBJECT_NONE ||
		    (m->p->objects[i].kind == NETLINK && kinds != KIND(NETLINK)))
			continue;
		if (suits(m, i, kinds) || tries == 15 || once_in(40))
			/* the first end is what requests work on, mostly */
			return FIRST_FD + 2 * i + once_in(4);
	}
	return BAD_FD;
}

unsigned int any_len(void)
{
	static const unsigned int lens[] = {
		0, 1, 2, 7, 16, 60, 100, 100, 100, 200, 256, 300, 1000, 1000, 4000,
	};

	return pick(lens);
}

static void any_peer(struct maker *m, struct step *step)
{
	static const __u8 ops[] = {
		PEER_WRITE, PEER_WRITE, PEER_WRITE, PEER_WRITE, PEER_WRITE, PEER_WRITE,
		PEER_READ, PEER_READ, PEER_READ, PEER_SHUTDOWN, PEER_SHUTDOWN, PEER_CLOSE,
		PEER_RESET, PEER_CONNECT, PEER_CONNECT, PEER_ACCEPT, PEER_POLL, PEER_FILL,
		PEER_FILL, PEER_DRAIN, PEER_DRAIN, PEER_URGENT, PEER_EXPIRE, PEER_NONBLOCK,
		PEER_MUTE, PEER_BURST, PEER_BURST, PEER_SIGNAL, PEER_MAP, PEER_LOOK,
	};
	unsigned int kinds = ~0u;

	step->kind = STEP_PEER;
	if (!may_be_peer_of_subject(m, &step->op))
		step->op = pick(ops);
	step->len = may_be_in_bulk_for_subject(m) ? 300 + below(30) * 100 : any_len();
	step->offset = below(100) * 100;
	switch (step->op) {
	case PEER_CONNECT:
	case PEER_ACCEPT:
		kinds = LISTENERS;
		break;
	case PEER_SHUTDOWN:
	case PEER_RESET:
		kinds = CONNECTED;
		break;
	case PEER_URGENT:
		kinds = KIND(TCP) | KIND(UNIX_STREAM);
		break;
	case PEER_BURST:
		kinds = CONNECTED;
		step->len = 1 + below(20);
		break;
	case PEER_EXPIRE:
		kinds = KIND(TIMERFD);
	}
	step->fd = any_fd_of(m, kinds);
	if (step->op == PEER_SHUTDOWN || step->op == PEER_EXPIRE)
		step->len = below(step->op == PEER_EXPIRE ? 2 : 3);
	/* at the other end */
	if (step->op <= PEER_RESET || step->op == PEER_URGENT || step->op == PEER_FILL ||
	    step->op == PEER_DRAIN || step->op == PEER_BURST)
		step->fd ^= !once_in(6);
	if (step->op == PEER_CONNECT)
		step->fd &= ~1;
	if (step->op == PEER_SIGNAL || step->op == PEER_MAP || step->op == PEER_LOOK) {
		step->fd = RING_FD;
		step->len = below(4);
		step->offset = below(9);
	}
	/* megabytes are full no sooner than a few pages */
	if (step->op == PEER_FILL && object_of(m->p, step->fd))
		m->p->objects[(step->fd - FIRST_FD) / 2].flags |= OBJECT_SMALL;
	/* what is for the kernel */
	if (step->op == PEER_WRITE && step->fd >= FIRST_FD && object_of(m->p, step->fd) &&
	    object_of(m->p, step->fd)->kind == NETLINK)
		step->offset = KERNEL_MESSAGES + KERNEL_MESSAGE_SIZE * below(NR_KERNEL_MESSAGES);
	/* a timer's or counter's eight bytes */
	if (step->op == PEER_WRITE && step->fd >= FIRST_FD && object_of(m->p, step->fd) &&
	    object_of(m->p, step->fd)->kind == EVENTFD)
		step->len = 8;
}

/* The argument of a wait, which is over at once or not before there are completions. */
static void any_wait(struct step *step)
{
	static const unsigned int offsets[] = { 0, 0, 64, 128, 4096, 8, 4, 1u << 20, -64U };
	struct io_uring_reg_wait *arg = &step->wait_arg;

	/* what is the last thing in a region of one page or of two is another argument in io_uring */
	step->wait_offset = pick(offsets);
	if (!once_in(3))
		arg->flags = IORING_REG_WAIT_TS;
	/* one that there is, or not */
	if (once_in(6))
		arg->flags |= 1u << below(4);
	arg->ts.tv_sec = once_in(2) ? 0 : 1000;
	arg->min_wait_usec = once_in(4);
	if (once_in(4)) {
		arg->sigmask = once_in(4) ? 8 : REGION + 256;
		arg->sigmask_sz = once_in(4) ? 3 : 8;
	}
	if (once_in(12))
		arg->pad[0] = 1;
}

static void any_submit(struct maker *m, struct step *step)
{
	struct program *p = m->p;
	unsigned int nr = 1 + (once_in(2) ? 0 : below(4));
	bool is_link = false, limited;

	if (once_in(24)) {
		nr = 4 + below(4);
		is_link = !once_in(3);
	}
	step->kind = STEP_SUBMIT;
	step->first = p->nr_requests;
	if (p->nr_requests < MAX_REQUESTS && (once_in(3) || may_ask_kernel_for_subject(m)) &&
	    any_request_to_kernel(m, p->nr_requests)) {
		p->nr_requests++;
		nr = 0;
	}
	while (nr-- && p->nr_requests < MAX_REQUESTS) {
		any_request(m, p->nr_requests);
		limited = p->nr_requests + 1 < MAX_REQUESTS &&
			  (once_in(24) || may_have_limit_for_subject(m));
		if (limited || (is_link && !once_in(8)))
			p->requests[p->nr_requests].sqe.flags |= once_in(4) ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
		p->nr_requests++;
		if (limited)
			any_request_of(m, p->nr_requests++, IORING_OP_LINK_TIMEOUT);
	}
	step->nr = p->nr_requests - step->first;
	if (once_in(2))
		step->enter |= IORING_ENTER_GETEVENTS;
	if (once_in(20))
		step->enter |= 1u << below(9);
	if ((step->ring ? p->setup2 : p->setup) & IORING_SETUP_SQPOLL && once_in(4))
		step->enter |= IORING_ENTER_SQ_WAIT;
	/* with arguments there would have to be some; and of another ring than the descriptor's */
	step->enter &= ~(IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING);
	if (has_second_ring(m) && once_in(3))
		step->ring = 1;
	may_go_by_index(m, step);
	if (once_in(60))
		step->flags |= STEP_NOWHERE;
	if (once_in(8) && !step->by && !((step->ring ? p->setup2 : p->setup) & LAZY))
		step->flags |= STEP_OTHER;
	if (step->flags & STEP_OTHER || !once_in(m->region ? 3 : 7))
		return;
	step->wait = once_in(30) ? WAIT_HUGE : 1 + below(3);
	step->enter |= IORING_ENTER_GETEVENTS;
	step->during = below(4);
	if (once_in(m->region ? 2 : 4))
		step->timed = m->region && !once_in(6) ? TIMED_REGION : 1 + below(TIMED_REGION);
	if (step->timed == TIMED_REGION)
		any_wait(step);
	if (step->timed && once_in(6))
		step->enter |= IORING_ENTER_ABS_TIMER;
}

static void any_step(struct maker *m, struct step *step)
{
	switch (may_register_for_subject(m) ? 19 : below(24)) {
	case 0 ... 10:
		any_submit(m, step);
		break;
	case 11 ... 18:
		any_peer(m, step);
		break;
	case 19 ... 20:
		any_registration(m, step);
		break;
	case 21 ... 22:
		any_refill(m, step);
		break;
	default:
		if (once_in(m->p->setup & IORING_SETUP_SQPOLL ? 1 : 3)) {
			step->kind = STEP_WATCH;
			step->op = m->p->setup & IORING_SETUP_SQPOLL && once_in(2) ? WATCH_FULL : below(NR_WATCH_OPS);
		} else {
			any_submit(m, step);
		}
	}
	if (once_in(8))
		step->flags |= STEP_AT_ONCE;
	if (once_in(10))
		step->flags |= STEP_KEEP;
	if (once_in(10))
		step->flags |= STEP_NO_ENTER;
}

static struct step *next_step(struct program *p)
{
	return &p->steps[p->nr_steps++];
}

/* The buffers of a group that is no ring, some of them at a time. */
static void provide_buffers(struct maker *m, struct step *step)
{
	step->kind = STEP_SUBMIT;
	step->first = m->p->nr_requests;
	step->nr = 1 + below(6);
	while (m->p->nr_requests < (unsigned int)step->first + step->nr)
		any_request_of(m, m->p->nr_requests++, IORING_OP_PROVIDE_BUFFERS);
}

/* Whether packets may have a buffer of it: by execve(2) io_uring would go round until these are gone. */
static bool sends_without_copy(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.opcode == IORING_OP_SEND_ZC || p->requests[i].sqe.opcode == IORING_OP_SENDMSG_ZC)
			return true;
	return false;
}

void generate(struct program *p, __u64 seed, __u64 branch)
{
	struct maker m = { .p = p };
	unsigned int nr, during = 0;

	memset(p, 0, sizeof(*p));
	rnd_seed(seed, 0);
	p->seed = seed;
	p->branch = branch;
	choose_subject(&m);
	p->setup = any_setup_of(&m);
	p->setup2 = any_setup_of(&m);
	p->sq_entries = once_in(6) ? 2 : 8;
	p->cq_entries = once_in(6) ? p->sq_entries : 64;
	/* too many, or too few */
	if (once_in(60))
		p->sq_entries = once_in(2) ? 0 : 40000;
	if (once_in(60))
		p->cq_entries = below(8);
	p->shared_fd = once_in(2) ? BAD_FD : -1;
	p->cpu = once_in(4) ? 5 : 0;
	p->epoll = once_in(4);
	p->edge = once_in(2);
	p->ending = once_in(5) ? below(once_in(4) ? NR_ENDINGS : ENDING_EXECUTE) : ENDING_CANCEL;
	p->descriptors = once_in(12) ? 1 + below(5) : 0;
	/* nobody could do anything with those that are one thread's */
	p->orphans = once_in(p->setup & IORING_SETUP_SQPOLL ? 4 : 24) &&
		     !((p->setup | p->setup2) & (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_REGISTERED_FD_ONLY));
	any_objects(&m);
	if (once_in(5))
		register_rings(&m, next_step(p));
	if (once_in(3))
		register_files(&m, next_step(p));
	if (has_second_ring(&m) && once_in(3)) {
		struct maker other = m;
		struct step *step = next_step(p);

		register_files(&other, step);
		step->ring = 1;
	}
	if (once_in(3))
		register_buffers(&m, next_step(p));
	while (!once_in(3) && p->nr_steps < 6) {
		register_group(&m, next_step(p));
		if (!once_in(6))
			any_refill(&m, next_step(p));
	}
	if (p->setup & IORING_SETUP_R_DISABLED) {
		struct step *step = next_step(p);

		/* before it is enabled only some things can be done, and only then there can be restrictions */
		if (once_in(3)) {
			any_restrictions(step);
			step = next_step(p);
		}
		if (once_in(2)) {
			register_region(&m, step, true);
			step = next_step(p);
		}
		if (once_in(4)) {
			any_submit(&m, step);
			step->wait = step->during = step->timed = 0;
			step = next_step(p);
		}
		step->kind = STEP_REGISTER;
		step->reg.opcode = IORING_REGISTER_ENABLE_RINGS;
		step->reg.null = true;
	}
	if (once_in(4))
		provide_buffers(&m, next_step(p));
	nr = p->nr_steps + 4 + below(16);
	while (p->nr_steps < nr && p->nr_steps < MAX_STEPS) {
		struct step *step;

		if (branch && p->nr_steps == 2 + branch % 12) {
			rnd_seed(branch, 1);
			nr = p->nr_steps + 4 + below(12);
		}
		step = next_step(p);
		if (during) {
			any_peer(&m, step);
			during--;
			continue;
		}
		any_step(&m, step);
		during = step->during;
	}
	if (p->ending == ENDING_EXECUTE && sends_without_copy(p))
		p->ending = ENDING_KILL;
}
