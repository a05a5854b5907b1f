// SPDX-License-Identifier: GPL-2.0
/*
 * Each opcode when memory is short after its submission, or for another thread than the submitter: what comes back
 * to its task, what the thread of IORING_SETUP_SQPOLL does, what workers do, and the ring's end with all of it under way. Each place
 * fails once, see failnth.h; the rest is as in failnth_submit.
 */
#include "failnth_ops.h"

FIXTURE(fail) {
	struct world world;
	/* so that the module does not come to rest in between */
	struct ring other;
};

struct way {
	/* of the ring, besides */
	unsigned int flags;
	/* whatever can is done by workers */
	bool by_workers;
	/* the ring is closed instead */
	bool closes;
};

FIXTURE_VARIANT(fail) {
	struct submission what;
	struct way way;
};

#define COMPLETE(name, setup, is_once)								\
	FIXTURE_VARIANT_ADD(fail, name##_complete) { { op_##name, setup, is_once }, { .flags = DEFER_FLAGS } };
#define SQPOLL(name, setup, is_once)								\
	FIXTURE_VARIANT_ADD(fail, name##_sqpoll) {						\
		{ op_##name, setup, is_once }, { .flags = IORING_SETUP_SQPOLL }			\
	};
#define WORKER(name, setup, is_once)								\
	FIXTURE_VARIANT_ADD(fail, name##_worker) { { op_##name, setup, is_once }, { .by_workers = true } };
#define END(name, setup, is_once)									\
	FIXTURE_VARIANT_ADD(fail, name##_end) { { op_##name, setup, is_once }, { .closes = true } };

FOR_EACH_CASE(COMPLETE)
FOR_EACH_CASE(SQPOLL)
FOR_EACH_CASE(WORKER)
FOR_EACH_CASE(END)

FIXTURE_SETUP(fail)
{
	if (!set_up_to_fail(_metadata, &self->other))
		SKIP(return, "no fault injection");
}

FIXTURE_TEARDOWN(fail)
{
}

/* Threads that were told to fail. */
static struct armed {
	int tids[16];
	unsigned int nr;
} armed;

static int open_nth(const char *tid)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/self/task/%s/fail-nth", tid);
	return open(path, O_RDWR);
}

/*
 * Each thread of ruring's in this process: the @n-th place of its own from here on fails. False if
 * none was seen, which may be while one of them ends: what lists them stops there.
 */
static bool arm_seen(void *arg)
{
	unsigned int n = *(unsigned int *)arg;
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	armed.nr = 0;
	while (armed.nr < ARRAY_SIZE(armed.tids) && (entry = readdir(dir))) {
		char path[300], text[32] = {};
		int fd, len;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		close(fd);
		if (len < 0 || strncmp(text, "ruring-", 7))
			continue;
		fd = open_nth(entry->d_name);
		len = snprintf(text, sizeof(text), "%u", n);
		if (fd >= 0 && pwrite(fd, text, len, 0) == len)
			armed.tids[armed.nr++] = atoi(entry->d_name);
		close(fd);
	}
	closedir(dir);
	return armed.nr;
}

static bool arm_threads(unsigned int n)
{
	return wait_until(arm_seen, &n);
}

/* No more. Whether one of them had come to that; those that are gone have not. */
static bool disarm_threads(void)
{
	bool failed = false;
	unsigned int i;

	for (i = 0; i < armed.nr; i++) {
		char text[16] = {};
		int fd;

		snprintf(text, sizeof(text), "%d", armed.tids[i]);
		fd = open_nth(text);
		if (fd < 0)
			continue;
		memset(text, 0, sizeof(text));
		failed |= pread(fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
		pwrite(fd, "0", 1, 0);
		close(fd);
	}
	return failed;
}

/* Two workers that have nothing to do, one for what ends by itself and one for what may not, and never more. */
static int workers_make(struct world *w)
{
	unsigned int most[2] = { 1, 1 };
	int fds[2] = { w->file, w->pipe[0] }, i;
	struct io_uring_cqe cqe;

	if (ring_register(&w->ring, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2) ||
	    write(w->pipe[1], "x", 1) != 1)
		return -1;
	for (i = 0; i < 2; i++) {
		prep(&w->ring, IORING_OP_READ, fds[i], w->mem, 1, 99)->flags = IOSQE_ASYNC;
		if (ring_submit(&w->ring) != 1 || ring_take(&w->ring, &cqe) || cqe.res != 1)
			return -1;
	}
	return 0;
}

static bool thread_sleeps(void *arg)
{
	struct ring *r = arg;

	return ring_flags(r) & IORING_SQ_NEED_WAKEUP &&
	       __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) == r->prepared;
}

/* Submit what is prepared, and wait until the ring's thread has nothing to do. */
static bool submit_to_thread(struct ring *r)
{
	int ret;

	ring_publish(r);
	ret = ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP);
	/* this call may have had the place that fails */
	if (ret == -ENOMEM || ret == -EFAULT)
		ret = ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return !ret && wait_until(thread_sleeps, r);
}

/* With the @n-th place failing. Whether there was one; what is not over afterwards can be cancelled. */
static bool run_at(struct __test_metadata *_metadata, struct world *w, const struct way *v,
		   unsigned int n)
{
	struct ring *r = &w->ring;
	unsigned int first = *r->sq_tail, i;
	bool failed;

	if (v->flags & IORING_SETUP_SQPOLL) {
		/* ruring's only looks, and has this one submit where it is. */
		EXPECT_TRUE(arm_threads(n));
		arm(n);
		EXPECT_TRUE(submit_to_thread(r));
		failed = disarm();
		EXPECT_EQ(0, poke(w));
		/* it runs what has come back before it sleeps once more */
		prep_nop(r, 99);
		EXPECT_TRUE(submit_to_thread(r));
		return disarm_threads() || failed;
	}
	if (v->by_workers) {
		for (i = first; i < r->prepared; i++)
			r->sqes[i].flags |= IOSQE_ASYNC;
		EXPECT_TRUE(arm_threads(n));
	}
	EXPECT_EQ((int)(r->prepared - first), ring_submit(r));
	if (v->closes) {
		arm(n);
		close(r->fd);
		failed = disarm();
		ring_unmap(r);
		r->fd = -1;
		return failed;
	}
	EXPECT_EQ(0, poke(w));
	if (v->by_workers)
		/* What they have is cancelled, and waited for, with them as they are. */
		return false;
	arm(n);
	ring_run(r);
	return disarm();
}

static bool ring_is_over(void *arg)
{
	const struct before *b = arg;

	return module_users() <= b->refs;
}

TEST_F(fail, at_each_place)
{
	struct before before = { open_files(), pinned_pages(), module_users() };
	struct io_uring_params params = {
		.flags = variant->what.flags | variant->way.flags,
		.sq_thread_idle = 1,
	};
	bool sqpoll = params.flags & IORING_SETUP_SQPOLL;
	struct world *w = &self->world;
	unsigned int n, over;
	bool failed = true;
	int ret, first;

	for (n = 1; failed && n < MANY; n++) {
		if (n == 1 || variant->what.once)
			ASSERT_EQ(0, world_make(w));
		ASSERT_EQ(0, world_begin(w, &params));
		if (variant->way.by_workers)
			ASSERT_EQ(0, workers_make(w));
		/* What a worker has opened may take the place of the ring that was closed. */
		first = variant->way.closes ? w->ring.fd : next_fd();
		variant->what.prep(w);
		failed = run_at(_metadata, w, &variant->way, n);
		if (variant->way.closes) {
			ASSERT_TRUE(wait_until(ring_is_over, &before));
		} else {
			prep_cancel(&w->ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, 99);
			ret = sqpoll ? submit_to_thread(&w->ring) : ring_submit_and_run(&w->ring);
			ASSERT_EQ(1, ret);
			over = 0;
			ret = reap(w, &over);
			if (variant->way.by_workers)
				failed = disarm_threads();
			ASSERT_EQ(0, ret) {
				TH_LOG("place %u: requests that are over: %#x of %u", n, over, w->nr);
			}
			ring_drain(&w->ring);
		}
		world_leave(w, first, variant->what.once || !failed);
	}
	ASSERT_FALSE(failed);
	ASSERT_AS_BEFORE(before);
	TH_LOG("%u places", n - 2);
}

TEST_HARNESS_MAIN
