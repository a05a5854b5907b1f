// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait in a queue of ruring's are taken out of it at once, however many others are in it: those that ran out of
 * buffers, polls whose report has not been seen, sends behind another, and what waits for a worker. Else who has many could
 * keep the ring's lock for long.
 *
 * What a removal needs is measured with few others and with many, as the processor's time of the least of several batches.
 */
#include <linux/ruring.h>
#include <time.h>

#include "worker.h"

#define FEW	512
#define MANY	16384
/* Caches are smaller than many. */
#define FACTOR	4
#define BATCH	32
#define BATCHES	8
#define GROUP	3
/* What requests are found by is none of what is measured: those of the crowd are in one list of the table. */
#define CROWD	(1ULL << 40)
#define DONE	(1ULL << 41)

struct crowd {
	struct ring ring;
	struct pbuf pb;
	struct slow slow;
	int sv[2];
	int file;
};

struct kind {
	/* Prepares the next one of the queue. */
	struct io_uring_sqe *(*prep)(struct crowd *f, __u64 data);
	/* Has others wait from here on. */
	bool (*begin)(struct crowd *f);
	unsigned int remove;
	unsigned int flags;
	bool slow;
};

FIXTURE(unqueue) {
	struct crowd crowd;
};

FIXTURE_VARIANT(unqueue) {
	struct kind kind;
};

static struct io_uring_sqe *prep_level(struct crowd *f, __u64 data)
{
	struct io_uring_sqe *sqe = prep_poll(&f->ring, f->sv[0], POLLOUT, data);

	sqe->len = IORING_POLL_ADD_MULTI | RURING_POLL_ADD_LEVEL;
	return sqe;
}

static struct io_uring_sqe *prep_keep(struct crowd *f, __u64 data)
{
	struct io_uring_sqe *sqe = prep_recv_multi(&f->ring, f->sv[0], GROUP, data);

	sqe->ioprio |= RURING_RECV_KEEP;
	return sqe;
}

static struct io_uring_sqe *prep_ordered(struct crowd *f, __u64 data)
{
	struct io_uring_sqe *sqe = prep_send(&f->ring, f->sv[0], "x", 1, data);

	sqe->ioprio = RURING_SEND_ORDERED;
	return sqe;
}

static struct io_uring_sqe *prep_worker(struct crowd *f, __u64 data)
{
	static char buf[1];

	return prep_rw(&f->ring, false, f->file, buf, 1, 0, data);
}

static bool has_input(struct crowd *f)
{
	return write(f->sv[1], "x", 1) == 1;
}

static bool is_full(struct crowd *f)
{
	return fill_socket(f->sv[0]) > 0;
}

/* Its only worker is at something that takes long. */
static bool is_busy(struct crowd *f)
{
	unsigned int most[2] = { 1, 1 };

	if (ring_register(&f->ring, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2))
		return false;
	prep_rw(&f->ring, false, f->file, f->slow.mem, 1, 0, CROWD);
	return ring_submit(&f->ring) == 1 && slow_wait(&f->slow) == 0;
}

FIXTURE_VARIANT_ADD(unqueue, removed_level) {
	.kind.prep = prep_level,
	.kind.remove = IORING_OP_POLL_REMOVE,
};

FIXTURE_VARIANT_ADD(unqueue, updated_level) {
	.kind.prep = prep_level,
	.kind.remove = IORING_OP_POLL_REMOVE,
	.kind.flags = IORING_POLL_UPDATE_USER_DATA,
};

FIXTURE_VARIANT_ADD(unqueue, cancelled_level) {
	.kind.prep = prep_level,
	.kind.remove = IORING_OP_ASYNC_CANCEL,
};

FIXTURE_VARIANT_ADD(unqueue, keep) {
	.kind.prep = prep_keep,
	.kind.begin = has_input,
	.kind.remove = IORING_OP_ASYNC_CANCEL,
};

FIXTURE_VARIANT_ADD(unqueue, ordered) {
	.kind.prep = prep_ordered,
	.kind.begin = is_full,
	.kind.remove = IORING_OP_ASYNC_CANCEL,
};

FIXTURE_VARIANT_ADD(unqueue, worker) {
	.kind.prep = prep_worker,
	.kind.begin = is_busy,
	.kind.remove = IORING_OP_ASYNC_CANCEL,
	.kind.slow = true,
};

FIXTURE_SETUP(unqueue)
{
	struct crowd *c = &self->crowd;

	ASSERT_EQ(0, ring_init_cq(&c->ring, RURING, 1024, 65536, 0));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, c->sv));
	c->file = new_file(false);
	ASSERT_EQ(1, pwrite(c->file, "x", 1, 0));
	ASSERT_EQ(0, pbuf_init(&c->pb, &c->ring, GROUP, 8, 64));
	if (variant->kind.slow)
		ASSERT_EQ(0, slow_init(&c->slow, 1));
	if (variant->kind.begin)
		ASSERT_TRUE(variant->kind.begin(c));
}

FIXTURE_TEARDOWN(unqueue)
{
	struct crowd *c = &self->crowd;

	if (variant->kind.slow)
		slow_fill(&c->slow, 0);
	ring_exit(&c->ring);
	pbuf_exit(&c->pb);
	if (variant->kind.slow)
		slow_exit(&c->slow);
}

/* Has @nr wait whose user_data is @first and, unless they are to be alike, those after it. */
static void queue_up(struct __test_metadata *_metadata, struct crowd *f,
		     const struct kind *v, unsigned int nr, __u64 first, bool alike)
{
	unsigned int i;

	while (nr) {
		for (i = 0; i < 1024 && nr; i++, nr--)
			v->prep(f, alike ? first : first++);
		EXPECT_EQ((int)i, ring_submit(&f->ring));
	}
}

/* The least time that a batch of removals takes, of requests between halves of a crowd. */
static long long least(struct __test_metadata *_metadata, struct crowd *f,
		       const struct kind *v, unsigned int crowd)
{
	long long least = 0, took;
	unsigned int batch, i;
	__u64 target = crowd;

	queue_up(_metadata, f, v, crowd / 2, CROWD, true);
	queue_up(_metadata, f, v, BATCH * BATCHES, target, false);
	queue_up(_metadata, f, v, crowd / 2, CROWD, true);
	for (batch = 0; batch < BATCHES; batch++) {
		for (i = 0; i < BATCH; i++, target++) {
			struct io_uring_sqe *sqe = prep(&f->ring, v->remove, -1, (void *)target,
							v->flags, DONE);

			if (v->flags)
				sqe->off = CROWD;
		}
		took = now_ns(CLOCK_THREAD_CPUTIME_ID);
		EXPECT_EQ(BATCH, ring_submit(&f->ring));
		took = now_ns(CLOCK_THREAD_CPUTIME_ID) - took;
		if (!batch || took < least)
			least = took;
	}
	return least;
}

/* Completions of removals that have found something. */
static unsigned int count_done(struct ring *r)
{
	struct io_uring_cqe cqe;
	unsigned int done = 0;

	while (ring_peek(r, &cqe))
		done += cqe.user_data == DONE && cqe.res == 0;
	return done;
}

TEST_F(unqueue, is_as_quick_with_many)
{
	long long few = least(_metadata, &self->crowd, &variant->kind, FEW);
	long long many = least(_metadata, &self->crowd, &variant->kind, MANY);

	TH_LOG("%lld ns with %u, %lld ns with %u", few / BATCH, FEW, many / BATCH, MANY);
	EXPECT_LT(many, few * FACTOR);
	EXPECT_EQ(2 * BATCH * BATCHES, count_done(&self->crowd.ring));
}

TEST_HARNESS_MAIN
