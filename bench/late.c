// SPDX-License-Identifier: GPL-2.0
/*
 * Zero-copy sends whose buffers are free late: over TCP, when the far end has
 * acknowledged what was in them. The sender is an event loop: it submits what
 * there is and waits for at least one completion, handles all that there are,
 * and sends a buffer again once it is free. By the time of the acknowledgement
 * it is asleep.
 *
 * The far end is a thread that runs when the sender sleeps, and only then: both
 * have one processor and one real-time priority. It acknowledges once what has
 * left by then, as after one round trip. What the sender costs is the time of its
 * thread, which is exact like the clock: falling asleep and waking up is in it,
 * what the far end does meanwhile is not.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <sys/uio.h>

#include "far.h"
#include "zerocopy.h"

struct sender {
	struct bench *b;
	struct ring ring;
	struct far far;
	unsigned int mode;
	unsigned int left;	/* sends to begin */
	unsigned int busy;	/* buffers that are not free */
	__u64 app;		/* the sender's own work */
	sem_t begin, ended;	/* of a sample, for the far end */
	bool over;
};

static void send_one(struct sender *s, unsigned int i)
{
	struct io_uring_sqe *sqe = zc_prep(&s->ring, s->far.fd, s->mode,
					   s->b->row->size, i);

	sqe->user_data = i;
	if (s->b->row->count)
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	s->left--;
	s->busy++;
}

/* What any sender does with a completion: the same for one and for two. */
static void handle(struct sender *s, const struct completion *cqe)
{
	/* The second of two has no result. */
	if (s->mode != ZERO_COPY || !(cqe->flags & IORING_CQE_F_NOTIF)) {
		if (cqe->res != (int)s->b->row->size)
			errx(1, "result %d", cqe->res);
	}
	if (cqe->flags & IORING_CQE_F_MORE)
		return;
	s->busy--;
	if (s->left)
		send_one(s, cqe->user_data);
}

static void serve(struct sender *s)
{
	struct bench *b = s->b;
	struct completion cqe;
	unsigned int i;
	__u64 begun;

	begun = bench_clock();
	for (i = 0; i < b->row->batch; i++)
		send_one(s, i);
	while (s->busy) {
		s->app += bench_clock() - begun - bench_clock_cost;
		bench_enter(b, &s->ring, 1);
		begun = bench_clock();
		while (ring_peek_cqe(&s->ring)) {
			cqe = bench_cqe(&s->ring);
			handle(s, &cqe);
		}
	}
	s->app += bench_clock() - begun - bench_clock_cost;
}

static void *far_end(void *data)
{
	struct sender *s = data;

	for (;;) {
		sem_wait(&s->begin);
		while (!s->over) {
			sched_yield();
			bench_mark_end();
			far_acknowledge(s->b, &s->far);
			/* The sender goes on in the call in which it sleeps. */
			if (!s->over)
				bench_mark(s->b, ENTER);
		}
		sem_post(&s->ended);
	}
	return NULL;
}

/* Time that this thread has run. */
static __u64 own_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* What two readings of it with nothing in between say. */
static __u64 own_time_cost(void)
{
	__u64 begun, cost, least = ~0ULL;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		begun = own_time();
		cost = own_time() - begun;
		if (cost < least)
			least = cost;
	}
	return least;
}

static void start_far_end(struct sender *s)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	pthread_t thread;

	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		err(1, "real-time priority");
	if (sem_init(&s->begin, 0, 0) || sem_init(&s->ended, 0, 0) ||
	    pthread_create(&thread, NULL, far_end, s))
		errx(1, "no far end");
}

static unsigned int rounds(const struct bench *b)
{
	return b->row->batch == 1 ? 64 : 16;
}

/* Sends that copy, of which each leaves its buffer free. */
static void send_early(struct bench *b)
{
	unsigned int i, j, size = b->row->size, batch = b->row->batch;
	__u64 begun, counted;
	struct ring ring;
	struct far far;

	far_open(&far);
	if (b->side != SIDE_CALLS)
		zc_ring(b, &ring);
	while (bench_sample(b)) {
		for (i = 0; i < rounds(b); i++) {
			for (j = 0; j < batch; j++) {
				if (b->side == SIDE_CALLS)
					bench_send(b, ENTER, far.fd, size);
				else
					zc_prep(&ring, far.fd, COPY, size, j);
			}
			if (b->side != SIDE_CALLS) {
				bench_enter(b, &ring, batch);
				bench_reap(&ring, batch, size);
			}
			begun = bench_clock();
			counted = b->spent[PEER];
			while (far_acknowledge(b, &far))
				;
			b->spent[OTHER] += bench_clock() - begun -
					   (b->spent[PEER] - counted);
		}
		bench_end(b, rounds(b) * batch);
	}
}

static void send_late(struct bench *b)
{
	static struct sender s;
	struct iovec iov = { bench_memory, sizeof(bench_memory) };
	unsigned int sends = rounds(b) * b->row->batch;
	__u64 begun, cost, spent;

	/* Nothing is late in a system call that copies. */
	if (b->side == SIDE_CALLS)
		return send_early(b);
	s.b = b;
	s.mode = zc_mode(b);
	far_open(&s.far);
	zc_ring(b, &s.ring);
	if (b->row->count &&
	    ring_register(&s.ring, IORING_REGISTER_BUFFERS, &iov, 1) < 0)
		errx(1, "cannot register buffers");
	start_far_end(&s);
	cost = own_time_cost();
	while (bench_sample(b)) {
		s.over = false;
		s.left = sends;
		s.app = 0;
		sem_post(&s.begin);
		/* Until it yields itself. */
		sched_yield();
		begun = own_time();
		serve(&s);
		spent = own_time() - begun - cost;
		s.over = true;
		sem_wait(&s.ended);
		b->spent[ENTER] = spent - s.app;
		b->spent[OTHER] = bench_clock() - b->begun - spent -
				  b->spent[PEER];
		bench_end(b, sends);
	}
}

/* Each once from memory as it is, and once (.count) from a registered buffer. */
const struct row late_rows[] = {
	{ "send-late/copy/64/1", send_early, ON_ALL, DEFER, TCP, 64, 1,
	  .mode = COPY },
	{ "send-late/zc/64/1", send_late, ON_ALL, DEFER, TCP, 64, 1,
	  .mode = ZERO_COPY },
	{ "send-late/combined/64/1", send_late, ON_ALL, DEFER, TCP, 64, 1,
	  .mode = COMBINED },
	{ "send-late/copy/64/8", send_early, ON_ALL, DEFER, TCP, 64, 8,
	  .mode = COPY },
	{ "send-late/zc/64/8", send_late, ON_ALL, DEFER, TCP, 64, 8,
	  .mode = ZERO_COPY },
	{ "send-late/combined/64/8", send_late, ON_ALL, DEFER, TCP, 64, 8,
	  .mode = COMBINED },
	{ "send-late/copy/4096/8", send_early, ON_ALL, DEFER, TCP, 4096, 8,
	  .mode = COPY },
	{ "send-late/zc/4096/8", send_late, ON_ALL, DEFER, TCP, 4096, 8,
	  .mode = ZERO_COPY },
	{ "send-late/combined/4096/8", send_late, ON_ALL, DEFER, TCP, 4096, 8,
	  .mode = COMBINED },
	{ "send-late-fixed/zc/64/1", send_late, ON_ALL, DEFER, TCP,
	  64, 1, .mode = ZERO_COPY, .count = 1 },
	{ "send-late-fixed/combined/64/1", send_late, ON_ALL, DEFER, TCP,
	  64, 1, .mode = COMBINED, .count = 1 },
	{ "send-late-fixed/zc/64/8", send_late, ON_ALL, DEFER, TCP,
	  64, 8, .mode = ZERO_COPY, .count = 1 },
	{ "send-late-fixed/combined/64/8", send_late, ON_ALL, DEFER, TCP,
	  64, 8, .mode = COMBINED, .count = 1 },
	{ "send-late-fixed/zc/4096/8", send_late, ON_ALL, DEFER, TCP,
	  4096, 8, .mode = ZERO_COPY, .count = 1 },
	{ "send-late-fixed/combined/4096/8", send_late, ON_ALL, DEFER, TCP,
	  4096, 8, .mode = COMBINED, .count = 1 },
	{ }
};
