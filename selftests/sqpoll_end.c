// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_SETUP_SQPOLL: the end of the ring, of its owner, of its thread.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sqpoll.h"
#include "worker.h"

TEST_F(bare, close_leaves_entries_alone)
{
	struct ring *r = &self->ring;
	pid_t pid;
	int sv[2];
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, init(r, variant->backend, 0, SOON_MS));
	pid = thread_of(r);
	prep_recv(r, sv[0], &c, 1, 1);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
	ASSERT_TRUE(wait_until(is_consumed, r));
	ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_send(r, sv[1], "x", 1, 2);
	ring_publish(r);
	ring_exit(r);
	ASSERT_TRUE(wait_until(thread_is_gone, &pid));
	EXPECT_EQ(-1, recv(sv[0], &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

/* Closes rings at any moment of their thread's life. */
TEST_F(bare, close_at_any_time)
{
	unsigned int i, k;

	for (i = 0; i < 60; i++) {
		struct ring *r = &self->ring;

		ASSERT_EQ(0, init(r, variant->backend, 0, i % 3));
		for (k = 0; k < i % 17; k++)
			prep_nop(r, k);
		ring_publish(r);
		for (k = 0; k < i * 100; k++)
			__asm__ volatile ("" ::: "memory");
		ring_exit(r);
	}
}

TEST_F(bare, kill_ends_the_thread)
{
	struct shared { pid_t thread; } *shared;
	int sv[2], status;
	pid_t pid;
	char c;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	pid = fork();
	if (!pid) {
		struct ring *r = &self->ring;

		close(sv[1]);
		if (init_awake(r, variant->backend, 0))
			_exit(1);
		prep_recv(r, sv[0], &c, 1, 1);
		ring_publish(r);
		wait_until(is_consumed, r);
		shared->thread = thread_of(r);
		send(sv[0], "!", 1, 0);
		for (;;) {
			prep_nop(r, 2);
			ring_publish(r);
			while (!ring_drain(r))
				;
		}
	}
	close(sv[0]);
	ASSERT_EQ(1, recv(sv[1], &c, 1, 0));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(wait_until(thread_is_gone, &shared->thread));
	/* and the request that waited has let go of its socket */
	EXPECT_EQ(0, recv(sv[1], &c, 1, 0));
}

static bool is_owner_dead(void *arg)
{
	return ring_enter(arg, 0, 0, IORING_ENTER_SQ_WAKEUP) == -EOWNERDEAD;
}

TEST_F(bare, another_process_finds_the_owner_dead)
{
	struct ring *r = &self->ring;
	int fds[2], status;
	pid_t pid;
	char ok;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		if (init_awake(r, variant->backend, 0))
			_exit(1);
		/* the child of the child goes on */
		if (fork())
			_exit(0);
		ok = wait_until(is_owner_dead, r) && needs_wakeup(r) &&
		     ring_enter(r, 1, 1, IORING_ENTER_GETEVENTS) == -EOWNERDEAD;
		_exit(write(fds[1], &ok, 1) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &ok, 1));
	EXPECT_EQ(1, ok);
}

static void *make_ring(void *arg)
{
	struct ring *r = arg;

	return (void *)(long)init_awake(r, r->backend, 0);
}

TEST_F(bare, outlives_the_thread_that_made_it)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	unsigned int i;
	void *ret;

	r->backend = variant->backend;
	ASSERT_EQ(0, pthread_create(&thread, NULL, make_ring, r));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(0, (long)ret);
	/* the next thread that enters goes on with it */
	prep_nop(r, 2);
	ring_publish(r);
	ASSERT_EQ(1, ring_enter(r, 1, 1, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
	ASSERT_CQE(r, 2, 0, 0);
	for (i = 3; i < 20; i++) {
		prep_nop(r, i);
		ring_publish(r);
		ASSERT_COMES(r, i, 0);
	}
}

static unsigned int count_threads(void)
{
	struct dirent *e;
	DIR *dir = opendir("/proc/self/task");
	unsigned int count = 0;

	while (dir && (e = readdir(dir)))
		count += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* The thread is one of the ring's process, whoever wakes it up, and so nobody else can end it. */
TEST_F(bare, others_do_not_have_the_thread)
{
	struct ring *r = &self->ring;
	pthread_t thread;
	int fds[2], status;
	unsigned int i;
	pid_t pid;
	void *ret;
	char ok;

	ASSERT_EQ(0, pipe(fds));
	r->backend = variant->backend;
	ASSERT_EQ(0, pthread_create(&thread, NULL, make_ring, r));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(0, (long)ret);
	ASSERT_EQ(0, ring_enter(r, 0, 0, 0));
	pid = fork();
	if (!pid) {
		ok = ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP) == 0 && count_threads() == 1;
		if (write(fds[1], &ok, 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(fds[0], &ok, 1));
	EXPECT_EQ(1, ok);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	for (i = 0; i < 3; i++) {
		prep_nop(r, i);
		ring_publish(r);
		if (needs_wakeup(r)) {
			ASSERT_EQ(1, ring_enter(r, 1, 0, IORING_ENTER_SQ_WAKEUP));
		}
		ASSERT_COMES(r, i, 0);
	}
}

/* What two processes tell a third, and the ring that they share. */
struct sharers {
	pid_t waiter;
	bool about_to_wait;
	int result;
};

static bool waiter_sleeps(void *arg)
{
	struct sharers *sharers = arg;

	return __atomic_load_n(&sharers->about_to_wait, __ATOMIC_ACQUIRE) &&
	       task_state(sharers->waiter) == 'S';
}

/* How a process waits for a ring of another. */
struct wait_way {
	unsigned int flags;
	/* the owner has a receive under way */
	bool receives;
	/* the waiter does not have the ring mapped */
	bool unmapped;
	/* a third process comes to the ring all the time */
	bool is_watched;
	int expected;
};

/* Has a process wait for a ring whose owner does nothing, and ends then. What the waiter was told is left in `sharers`. */
static bool wait_until_owner_ends(struct ring *r, enum backend backend, struct sharers *sharers, const struct wait_way *way)
{
	struct pollfd told = { .events = POLLIN };
	int fds[2], go[2], status;
	pid_t owner;
	bool is_told;
	char c;

	if (pipe(fds) || pipe(go))
		return false;
	owner = fork();
	if (!owner) {
		unsigned int i;
		pid_t pid;
		int sv[2];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (init_awake(r, backend, 0))
			_exit(1);
		if (way->receives) {
			if (unix_pair(SOCK_STREAM, sv))
				_exit(1);
			prep_recv(r, sv[0], &c, 1, 1);
			ring_publish(r);
			if (!wait_until(is_consumed, r))
				_exit(1);
		}
		pid = fork();
		if (pid < 0)
			_exit(1);
		if (pid) {
			for (;;)
				pause();
		}
		/* whatever comes of the test */
		alarm(2 * DEADLINE_MS / 1000);
		if (way->is_watched && !fork()) {
			alarm(2 * DEADLINE_MS / 1000);
			close(fds[1]);
			while (ring_enter(r, 0, 0, 0) != -EOWNERDEAD)
				;
			_exit(0);
		}
		sharers->waiter = getpid();
		if (write(fds[1], "a", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		for (i = 0; i < 16; i++)
			prep_nop(r, i);
		ring_publish(r);
		if (way->unmapped && (munmap(r->rings, r->rings_size) || munmap(r->sqes, r->sqes_size)))
			_exit(1);
		__atomic_store_n(&sharers->about_to_wait, true, __ATOMIC_RELEASE);
		sharers->result = ring_enter(r, 16, 1, way->flags);
		_exit(write(fds[1], "b", 1) != 1);
	}
	close(fds[1]);
	close(go[0]);
	if (read(fds[0], &c, 1) != 1 || kill(owner, SIGSTOP) || waitpid(owner, &status, WUNTRACED) != owner ||
	    write(go[1], "c", 1) != 1 || !wait_until(waiter_sleeps, sharers) || kill(owner, SIGKILL) ||
	    waitpid(owner, &status, 0) != owner)
		return false;
	told.fd = fds[0];
	is_told = poll(&told, 1, DEADLINE_MS) == 1 && read(fds[0], &c, 1) == 1;
	close(fds[0]);
	close(go[1]);
	return is_told;
}

/* Who waits for room in the SQ ring, or for completions, goes on when there is nobody left who makes some. */
TEST_F(bare, end_of_the_owner_ends_waits)
{
	static const struct wait_way ways[] = {
		{ .flags = IORING_ENTER_SQ_WAIT, .expected = -EOWNERDEAD },
		{ .flags = IORING_ENTER_SQ_WAIT, .unmapped = true, .expected = -EOWNERDEAD },
		{ .flags = IORING_ENTER_GETEVENTS, .expected = -EOWNERDEAD },
		{ .flags = IORING_ENTER_GETEVENTS, .unmapped = true, .expected = -EOWNERDEAD },
		/* it is told of what became of the receive */
		{ .flags = IORING_ENTER_GETEVENTS, .receives = true, .expected = 16 },
	};
	struct sharers *sharers;
	unsigned int i;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring waits until a signal comes");
	sharers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)sharers);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		*sharers = (struct sharers) {};
		ASSERT_TRUE(wait_until_owner_ends(&self->ring, variant->backend, sharers, &ways[i])) {
			TH_LOG("way %u", i);
		}
		EXPECT_EQ(ways[i].expected, sharers->result) {
			TH_LOG("way %u", i);
		}
	}
}

/* Who finds the owner dead first does not have others told before they can see what became of its requests. */
TEST_F(bare, who_comes_first_tells_nobody)
{
	static const struct wait_way way = {
		.flags = IORING_ENTER_GETEVENTS, .receives = true, .is_watched = true, .expected = 16,
	};
	struct sharers *sharers;
	unsigned int i;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring waits until a signal comes");
	sharers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)sharers);
	/* it comes between the owner's end and that of its requests once in a while only */
	for (i = 0; i < 50; i++) {
		*sharers = (struct sharers) {};
		ASSERT_TRUE(wait_until_owner_ends(&self->ring, variant->backend, sharers, &way));
		ASSERT_EQ(way.expected, sharers->result) {
			TH_LOG("round %u", i);
		}
	}
}

static bool thread_submits(void *arg)
{
	return !needs_wakeup(arg) && info(arg, "SqThread:") > 0;
}

/* A ring, who waits for a completion of it, and what it has come to. */
struct wait {
	struct ring *ring;
	pid_t tid;
	int result;
};

static void *wait_for_one(void *arg)
{
	struct wait *wait = arg;

	__atomic_store_n(&wait->tid, gettid(), __ATOMIC_RELEASE);
	wait->result = ring_enter(wait->ring, 0, 1, IORING_ENTER_GETEVENTS);
	return NULL;
}

static bool wait_has_begun(void *arg)
{
	pid_t tid = __atomic_load_n(&((struct wait *)arg)->tid, __ATOMIC_ACQUIRE);

	return tid && task_state(tid) == 'S';
}

/* The ring's owner, a thread that ends when it is told to. */
struct owner {
	struct ring *ring;
	pthread_t thread;
	int go[2];
	int ready[2];
};

static void *own_ring(void *arg)
{
	struct owner *owner = arg;
	bool ok = !init_awake(owner->ring, owner->ring->backend, 0);
	char c;

	if (write(owner->ready[1], ok ? "y" : "n", 1) != 1)
		ok = false;
	return (void *)(long)!(ok && read(owner->go[0], &c, 1) == 1);
}

/* Has it make the ring. */
static bool owner_begins(struct owner *owner)
{
	char c = 0;

	return !pipe(owner->go) && !pipe(owner->ready) && !pthread_create(&owner->thread, NULL, own_ring, owner) &&
	       read(owner->ready[0], &c, 1) == 1 && c == 'y';
}

/* Has it end. */
static bool owner_ends(struct owner *owner)
{
	void *ret = NULL;
	bool ok = write(owner->go[1], "g", 1) == 1 && !pthread_join(owner->thread, &ret) && !ret;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		close(owner->go[i]);
		close(owner->ready[i]);
	}
	return ok;
}

/* Who waits for completions already is the next to submit, and user space need not come for it. */
TEST_F(bare, who_waits_takes_over)
{
	struct ring *r = &self->ring;
	struct wait wait = { .ring = r };
	struct owner owner = { .ring = r };
	pthread_t thread;

	r->backend = variant->backend;
	ASSERT_TRUE(owner_begins(&owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_one, &wait));
	ASSERT_TRUE(wait_until(wait_has_begun, &wait));
	ASSERT_TRUE(owner_ends(&owner));
	ASSERT_TRUE(wait_until(thread_submits, r));
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_COMES(r, 1, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, wait.result);
}

/* One that waits by an argument of which the last bytes are in the second page of memory that is not there. */
struct late_wait {
	struct ring *ring;
	struct slow slow;
	int result;
};

#define LATE_ARG	(PAGE - 8)

static void *wait_late(void *arg)
{
	struct late_wait *wait = arg;
	struct ring *r = wait->ring;

	wait->result = backend_enter(r->backend, r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
				     wait->slow.mem + LATE_ARG, sizeof(struct io_uring_getevents_arg));
	return NULL;
}

/* What was waited for may be consumed before who has taken over waits on. */
TEST_F(bare, what_was_waited_for_is_consumed)
{
	struct ring *r = &self->ring;
	struct late_wait wait = { .ring = r };
	struct owner owner = { .ring = r };
	pthread_t thread;

	r->backend = variant->backend;
	ASSERT_EQ(0, slow_init(&wait.slow, 2));
	ASSERT_TRUE(owner_begins(&owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_late, &wait));
	ASSERT_EQ(0, slow_wait(&wait.slow));
	ASSERT_TRUE(owner_ends(&owner));
	/* nobody is left to submit, before who waits knows */
	if (variant->backend == RURING)
		ASSERT_TRUE(wait_until(needs_wakeup, r));
	prep_nop(r, 1);
	ring_publish(r);
	ASSERT_EQ(0, slow_fill(&wait.slow, 0));
	ASSERT_EQ(1, slow_wait(&wait.slow));
	if (variant->backend == RURING) {
		/* it looks at the argument once more, when it has taken over and submitted */
		ASSERT_EQ(0, madvise(wait.slow.mem, PAGE, MADV_DONTNEED));
		ASSERT_EQ(0, slow_fill(&wait.slow, 1));
		ASSERT_EQ(0, slow_wait(&wait.slow));
		ASSERT_COMES(r, 1, 0);
		ASSERT_EQ(0, slow_fill(&wait.slow, 0));
	} else {
		ASSERT_EQ(0, slow_fill(&wait.slow, 1));
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, wait.result);
	if (variant->backend == IO_URING)
		ASSERT_COMES(r, 1, 0);
	slow_exit(&wait.slow);
}

/* Threads of a process that end one by one, without exit_group(2). */

enum {
	/* the only thread has the ring */
	ALONE,
	/* a thread that has one ends before the others, who share its thread with rings of theirs */
	SHARES,
	/* nobody has enabled the ring */
	DISABLED,
};

static void *share_and_exit(void *arg)
{
	struct ring *r = arg, other;
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ,
		.wq_fd = r->fd,
	};

	if (ring_init_params(&other, r->backend, 4, &params))
		_exit(1);
	syscall(__NR_exit, 0);
	return NULL;
}

static void end_one_by_one(struct ring *r, enum backend backend, int how)
{
	unsigned int flags = how == DISABLED ? IORING_SETUP_R_DISABLED : 0;
	pthread_t thread;

	if (how == DISABLED ? init(r, backend, flags, AWAKE_MS) : init_awake(r, backend, flags))
		_exit(1);
	if (how == SHARES && (pthread_create(&thread, NULL, share_and_exit, r) ||
			      pthread_join(thread, NULL)))
		_exit(1);
	syscall(__NR_exit, 0);
}

struct child {
	pid_t pid;
	int status;
};

static bool has_ended(void *arg)
{
	struct child *child = arg;

	return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
}

TEST_F(bare, keeps_no_process)
{
	int how;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring's does, as long as the ring is mapped");
	for (how = ALONE; how <= DISABLED; how++) {
		struct child child = { .pid = fork() };

		ASSERT_LE(0, child.pid);
		if (!child.pid)
			end_one_by_one(&self->ring, variant->backend, how);
		EXPECT_TRUE(wait_until(has_ended, &child)) {
			TH_LOG("way %d", how);
			kill(child.pid, SIGKILL);
			waitpid(child.pid, NULL, 0);
		}
		EXPECT_EQ(0, child.status);
	}
}

TEST_HARNESS_MAIN
