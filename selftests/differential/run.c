// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the steps of a program.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "../random.h"
#include "run.h"

#define FILL_MAX	(1 << 20)
#define FILE_MAX	(16 << 20)
/* More than a request takes in one go. */
#define BURST		40
/* For how long a step is put off at most: so that more than one timer interrupt of the kernel may come before it. */
#define LATER_NS	6000000

unsigned int signals_seen;
static struct run *running;

static void on_pipe(int signal)
{
	(void)signal;
	__atomic_add_fetch(&signals_seen, 1, __ATOMIC_RELAXED);
}

static void on_wake(int signal)
{
	(void)signal;
}

static void on_alarm(int signal)
{
	(void)signal;
	running->trace->nr = running->trace->nr < MAX_EVENTS ? running->trace->nr : MAX_EVENTS - 1;
	event(running, EVENT_HANG, 0, 0, 0, 0, 0);
	_exit(3);
}

static void handle_signals(unsigned int seconds)
{
	struct sigaction pipes = { .sa_handler = on_pipe, .sa_flags = SA_RESTART };
	struct sigaction wakes = { .sa_handler = on_wake };
	struct sigaction alarms = { .sa_handler = on_alarm };
	struct itimerval limit = { .it_value.tv_sec = seconds };

	sigaction(SIGPIPE, &pipes, NULL);
	sigaction(SIGUSR1, &wakes, NULL);
	sigaction(SIGALRM, &alarms, NULL);
	signal(SIGURG, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setitimer(ITIMER_REAL, &limit, NULL);
}

/* No file is to take all of the machine's memory. */
static void limit_files(void)
{
	struct rlimit limit = { FILE_MAX, FILE_MAX };

	setrlimit(RLIMIT_FSIZE, &limit);
}

/* Everybody else is to be served before this process goes on. */
static void be_last(void)
{
	struct sched_param none = {};

	sched_setscheduler(0, SCHED_IDLE, &none);
}

static void make_descriptors(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	dup2(fd, SIGNALLED_FD);
	close(fd);
}

/* Entries from buffer @offset on, of @len bytes each. */
static void refill(const struct step *step)
{
	struct io_uring_buf_ring *br = (void *)GROUP_RING(step->group);
	unsigned int i, tail = br->tail;

	for (i = 0; i < step->nr; i++) {
		unsigned int bid = (step->offset + i) % GROUP_ENTRIES;
		struct io_uring_buf *buf = &br->bufs[(tail + i) % step->op];

		/* one by one: the tail lies over the first entry's last field */
		buf->addr = GROUP_BUFS(step->group) + bid * GROUP_BUF;
		buf->len = step->len;
		buf->bid = bid;
	}
	__atomic_store_n(&br->tail, tail + step->nr, __ATOMIC_RELEASE);
}

/* What the ring's eventfd is told from here on: nothing, or everything again. */
static long mute(struct ring *r)
{
	unsigned int *flags = r->rings + r->params.cq_off.flags;

	return __atomic_xor_fetch(flags, IORING_CQ_EVENTFD_DISABLED, __ATOMIC_RELAXED);
}

/*
 * Requests may go on between two calls of a peer, or not before the last. So
 * all that they are waited for is part of filling and draining.
 */
long do_peer_step(struct run *run, const struct step *step)
{
	long ret, sum = 0;
	unsigned int i;
	__u32 bytes = 0;

	switch (step->op) {
	case PEER_MUTE:
		return mute(&run->rings[0]);
	case PEER_SIGNAL:
		return tgkill(getpid(), run->id, SIGUSR1);
	case PEER_FILL:
		do {
			ret = peer_fill(step->fd, FILL_MAX - sum);
			sum += ret > 0 ? ret : 0;
			rest(run, false);
		} while (ret > 0 && sum < FILL_MAX);
		return sum ?: ret;
	case PEER_BURST:
		for (i = 0; i < BURST; i++) {
			ret = peer_write(step->fd, step->len, i);
			if (ret < 0)
				break;
			sum += ret;
			rest(run, false);
		}
		return sum ?: ret;
	case PEER_DRAIN:
		do {
			ret = peer_drain(step->fd, &bytes);
			sum += ret;
			rest(run, false);
		} while (ret > 0);
		return sum | (long)bytes << 20;
	}
	return peer_step(run->p, step);
}

/* Whether a worker may do something of it: what then comes first is nobody's promise. */
static bool may_have_worker(const struct program *p, const struct step *step)
{
	unsigned int i;

	if (step->kind != STEP_SUBMIT)
		return false;
	/* nor when the thread does that finds what is submitted */
	if ((step->ring ? p->setup2 : p->setup) & IORING_SETUP_SQPOLL)
		return true;
	for (i = step->first; i < (unsigned int)step->first + step->nr; i++) {
		const struct io_uring_sqe *sqe = &p->requests[i].sqe;

		if (sqe->flags & (IOSQE_ASYNC | IOSQE_IO_DRAIN))
			return true;
		switch (sqe->opcode) {
		case IORING_OP_FSYNC ... IORING_OP_WRITE_FIXED:
		case IORING_OP_SYNC_FILE_RANGE:
		case IORING_OP_FALLOCATE ... IORING_OP_CLOSE:
		case IORING_OP_STATX:
		case IORING_OP_READ ... IORING_OP_MADVISE:
		case IORING_OP_OPENAT2:
		case IORING_OP_SPLICE:
		case IORING_OP_TEE ... IORING_OP_LINKAT:
		case IORING_OP_FTRUNCATE ... IORING_OP_LISTEN:
		case IORING_OP_READV_FIXED:
		case IORING_OP_WRITEV_FIXED:
			return true;
		}
	}
	return false;
}

/* Whether a worker of io_uring may sleep in what it goes on with, so that who is first at a file is nobody's promise. */
static bool may_wait_in_worker(const struct program *p, unsigned int index)
{
	unsigned int i, j;

	for (i = 0; i < index; i++) {
		const struct step *step = &p->steps[i];

		if (!may_have_worker(p, step))
			continue;
		for (j = step->first; j < (unsigned int)step->first + step->nr; j++)
			if (p->requests[j].sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK))
				return true;
	}
	return false;
}

/* All that may depend on how long a program takes is to do so. What is to follow at once does. */
static void put_off(const struct program *p, unsigned int index)
{
	long long until = now_ns(CLOCK_MONOTONIC) + below(LATER_NS);

	if (index && p->steps[index - 1].flags & STEP_AT_ONCE)
		return;
	while (now_ns(CLOCK_MONOTONIC) < until)
		;
}

static void run_step(struct run *run, unsigned int index)
{
	const struct step *step = &run->p->steps[index];

	switch (step->kind) {
	case STEP_SUBMIT:
		if (step->flags & STEP_OTHER)
			elsewhere(run, index);
		else
			submit(run, index);
		break;
	case STEP_REGISTER:
		registers(run, step);
		break;
	case STEP_REFILL:
		refill(step);
		break;
	case STEP_PEER:
		event(run, EVENT_RETURN, 0, 0, do_peer_step(run, step), 0, 0);
		break;
	case STEP_WATCH:
		watch(run, step);
		break;
	default:
		return;
	}
	if (step->flags & STEP_AT_ONCE && !may_have_worker(run->p, step) &&
	    (step->kind != STEP_PEER || !may_wait_in_worker(run->p, index)))
		return;
	rest(run, false);
	/* what a ring with DEFER_TASKRUN shows before its task asks for it is nobody's business */
	if (!defers(run))
		observe(run);
	if (defers(run) || !(step->flags & STEP_NO_ENTER)) {
		rest(run, true);
		observe(run);
	}
	if (!(step->flags & STEP_KEEP))
		reap(run);
}

static bool has_kind(const struct program *p, unsigned int kind)
{
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++)
		if (p->objects[i].kind == kind)
			return true;
	return false;
}

/* Whether io_uring may try something 128 times of which poll(2) always says that it is ready. */
static bool may_try_again(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++)
		if ((p->requests[i].sqe.opcode == IORING_OP_RECV || p->requests[i].sqe.opcode == IORING_OP_RECVMSG) &&
		    p->requests[i].sqe.msg_flags & (MSG_ERRQUEUE | MSG_PEEK))
			return true;
	return has_kind(p, EVENTFD);
}

static bool has_timers(const struct program *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_requests; i++)
		if (p->requests[i].sqe.opcode == IORING_OP_TIMEOUT ||
		    p->requests[i].sqe.opcode == IORING_OP_LINK_TIMEOUT)
			return true;
	return has_kind(p, TIMERFD);
}

void run_program(const struct program *p, struct trace *trace, enum backend backend,
		 unsigned int seconds, unsigned int chance)
{
	static struct run run;
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	running = &run;
	run = (struct run) {
		.p = p,
		.trace = trace,
		.backend = backend,
		.seconds = seconds,
		.id = gettid(),
		.has_timers = has_timers(p),
		.tries_again = may_try_again(p),
	};
	memset(run.at, -1, sizeof(run.at));
	trace->nr = 0;
	trace->step = 0;
	handle_signals(seconds);
	limit_files();
	be_last();
	begin_to_look();
	make_descriptors();
	i = -(make_directory() ?: make_world(p));
	if (i) {
		event(&run, EVENT_FD, 0, 0, i, 0, 0);
		_exit(1);
	}
	if (p->orphans)
		make_orphans(&run);
	else
		make_rings(&run);
	if (p->descriptors)
		limit_descriptors(p->descriptors - 1);
	rnd_seed(p->seed, chance);
	for (i = 0; i < p->nr_steps; i++) {
		trace->step = i;
		if (chance)
			put_off(p, i);
		run_step(&run, i);
		if (p->steps[i].wait)
			i += p->steps[i].during;
	}
	trace->step = STEP_END;
	submit_rest(&run);
	end_watchers(&run);
	if (p->ending == ENDING_CANCEL)
		cancel_all(&run);
	lift_limit();
	observe_end(&run);
	end_program(&run);
}
