// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that a task names by an index: IORING_REGISTER_RING_FDS, and calls by
 * it. On ruring such a call is on /dev/ruring, or any ring.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fds.h"
#include "fixture.h"
#include "rsrc.h"
#include "system.h"

#define MOST	16
#define ANY	(~0U)
#define BY	IORING_ENTER_REGISTERED_RING
#define USE	IORING_REGISTER_USE_REGISTERED_RING

static int change(struct ring *r, unsigned int opcode, unsigned int offset, __u64 data)
{
	struct io_uring_rsrc_update update = { .offset = offset, .data = data };
	int ret = ring_register(r, opcode, &update, 1);

	return ret == 1 ? (int)update.offset : ret;
}

/* The ring itself, wherever there is room. */
static int register_ring(struct ring *r)
{
	return change(r, IORING_REGISTER_RING_FDS, ANY, r->fd);
}

static int enter_by(enum backend backend, unsigned int index)
{
	return backend_enter(backend, index, 0, 0, BY, NULL, 0);
}

static int unregister_by(enum backend backend, unsigned int by, unsigned int index)
{
	struct io_uring_rsrc_update update = { .offset = index };

	return backend_register(backend, by, IORING_UNREGISTER_RING_FDS | USE, &update, 1);
}

/* Submits what is prepared, and waits for it. */
static int submit_by(struct ring *r, unsigned int index)
{
	return backend_enter(r->backend, index, ring_publish(r), 1, BY | IORING_ENTER_GETEVENTS, NULL, 0);
}

/* Has the ring keep one end of a pair, whose other end tells when it does no more. */
static int keep_socket(enum backend backend, int fd, unsigned int use)
{
	int sv[2], ret = unix_pair(SOCK_STREAM, sv);

	if (ret)
		return ret;
	ret = backend_register(backend, fd, IORING_REGISTER_FILES | use, &sv[0], 1);
	close(sv[0]);
	return ret ?: sv[1];
}

static int is_kept(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static int is_let_go(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, DEADLINE_MS) == 1 && p.revents & POLLHUP;
}

TEST_F(ring, by_index)
{
	struct ring *r = &self->ring;
	int efd = eventfd(0, 0), kept = keep_socket(r->backend, r->fd, 0);
	__u64 count = 0;

	ASSERT_LE(0, kept);
	EXPECT_TRUE(r->params.features & IORING_FEAT_REG_REG_RING);
	ASSERT_EQ(0, register_ring(r));
	prep_nop(r, 1);
	EXPECT_EQ(1, submit_by(r, 0));
	ASSERT_CQE(r, 1, 0, 0);
	EXPECT_EQ(0, backend_register(r->backend, 0, IORING_REGISTER_EVENTFD | USE, &efd, 1));
	/* the descriptor is as good */
	prep_nop(r, 2);
	ASSERT_COMPLETES(r, 2, 0, 0);
	EXPECT_EQ(8, read(efd, &count, sizeof(count)));
	EXPECT_EQ(1, count);
	/* and not needed */
	close(r->fd);
	prep_nop(r, 3);
	EXPECT_EQ(1, submit_by(r, 0));
	ASSERT_CQE(r, 3, 0, 0);
	EXPECT_EQ(-EINVAL, backend_enter(r->backend, 0, 0, 0, BY | 1U << 20, NULL, 0));
	EXPECT_EQ(-EINVAL, backend_register(r->backend, 0, IORING_REGISTER_LAST | USE, NULL, 0));
	ring_unmap(r);
	EXPECT_TRUE(is_kept(kept));
	EXPECT_EQ(1, unregister_by(r->backend, 0, 0));
	EXPECT_TRUE(is_let_go(kept));
	EXPECT_EQ(-EBADF, enter_by(r->backend, 0));
	EXPECT_EQ(-EBADF, unregister_by(r->backend, 0, 0));
	close(efd);
	close(kept);
	ASSERT_EQ(0, ring_init(r, variant->backend, 4, 0));
}

TEST_F(ring, what_is_refused)
{
	struct io_uring_rsrc_update update = { .offset = ANY, .data = self->ring.fd }, many[MOST + 1];
	struct ring *r = &self->ring;
	int null = open("/dev/null", O_RDWR), i;
	char *page = anon_alloc(PAGE);

	ASSERT_LE(0, null);
	ASSERT_NE(NULL, page);
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RING_FDS, &update, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RING_FDS, many, MOST + 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_RING_FDS, &update, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_RING_FDS, many, MOST + 1));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_RING_FDS, (void *)8, 1));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_UNREGISTER_RING_FDS, (void *)8, 1));
	EXPECT_EQ(-EINVAL, change(r, IORING_REGISTER_RING_FDS, MOST, r->fd));
	EXPECT_EQ(-EOPNOTSUPP, change(r, IORING_REGISTER_RING_FDS, ANY, null));
	EXPECT_EQ(-EBADF, change(r, IORING_REGISTER_RING_FDS, ANY, 999));
	update.resv = 1;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_RING_FDS, &update, 1));
	update.data = 0;
	update.offset = 0;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_RING_FDS, &update, 1));
	/* none of them has */
	EXPECT_EQ(-EBADF, enter_by(r->backend, 0));
	EXPECT_EQ(-EINVAL, enter_by(r->backend, MOST));
	EXPECT_EQ(-EINVAL, enter_by(r->backend, ANY - 1));
	/* nor is one whose index cannot be told */
	memcpy(page, &(struct io_uring_rsrc_update) { .offset = ANY, .data = r->fd }, sizeof(update));
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_RING_FDS, page, 1));
	EXPECT_EQ(-EBADF, enter_by(r->backend, 0));
	/* the same one as often as there is room, up to what is wrong */
	for (i = 0; i <= MOST; i++)
		many[i] = (struct io_uring_rsrc_update) { .offset = ANY, .data = i == 5 ? null : r->fd };
	EXPECT_EQ(5, ring_register(r, IORING_REGISTER_RING_FDS, many, MOST));
	EXPECT_EQ(4, many[4].offset);
	EXPECT_EQ(ANY, many[5].offset);
	EXPECT_EQ(-EBUSY, change(r, IORING_REGISTER_RING_FDS, 4, r->fd));
	EXPECT_EQ(15, change(r, IORING_REGISTER_RING_FDS, 15, r->fd));
	many[5] = (struct io_uring_rsrc_update) { .offset = ANY, .data = r->fd };
	for (i = 5; i < MOST - 1; i++)
		EXPECT_EQ(i, register_ring(r));
	EXPECT_EQ(-EBUSY, register_ring(r));
	for (i = 0; i < MOST; i++) {
		EXPECT_EQ(0, enter_by(r->backend, i));
		many[i] = (struct io_uring_rsrc_update) { .offset = i, .data = i == 14 };
	}
	EXPECT_EQ(14, ring_register(r, IORING_UNREGISTER_RING_FDS, many, MOST));
	EXPECT_EQ(-EBADF, enter_by(r->backend, 13));
	EXPECT_EQ(0, enter_by(r->backend, 14));
	/* one that is not there is none the less right */
	EXPECT_EQ(13, change(r, IORING_UNREGISTER_RING_FDS, 13, 0));
	EXPECT_EQ(1, unregister_by(r->backend, 14, 14));
	EXPECT_EQ(1, unregister_by(r->backend, 15, 15));
	EXPECT_EQ(-EBADF, enter_by(r->backend, 15));
	munmap(page, PAGE);
	close(null);
}

/* A ring may not be allowed to. */
TEST_F(ring, restricted)
{
	struct io_uring_restriction those[] = {
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_RING_FDS },
	};
	struct ring r;

	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, IORING_SETUP_R_DISABLED));
	ASSERT_EQ(0, register_ring(&r));
	EXPECT_EQ(-EBADFD, enter_by(r.backend, 0));
	ASSERT_EQ(0, backend_register(r.backend, 0, IORING_REGISTER_RESTRICTIONS | USE, those, 2));
	ASSERT_EQ(0, backend_register(r.backend, 0, IORING_REGISTER_ENABLE_RINGS | USE, NULL, 0));
	EXPECT_EQ(0, enter_by(r.backend, 0));
	EXPECT_EQ(-EACCES, register_ring(&r));
	EXPECT_EQ(-EACCES, backend_register(r.backend, 0, IORING_UNREGISTER_FILES | USE, NULL, 0));
	EXPECT_EQ(1, unregister_by(r.backend, 0, 0));
	ring_exit(&r);
}

/* Another thread's indices are its own, and end with it. */
struct thread {
	struct ring *ring;
	int ret;
};

static void *use_in_thread(void *arg)
{
	struct thread *t = arg;
	struct ring *r = t->ring;

	if (enter_by(r->backend, 0) >= 0)
		t->ret = -EEXIST;
	else
		t->ret = register_ring(r) ?: enter_by(r->backend, 0);
	return NULL;
}

TEST_F(ring, of_a_thread)
{
	struct ring *r = &self->ring, other;
	struct thread t = { .ring = &other };
	pthread_t id;
	int kept;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, 0));
	ring_unmap(&other);
	kept = keep_socket(other.backend, other.fd, 0);
	ASSERT_LE(0, kept);
	ASSERT_EQ(0, register_ring(r));
	ASSERT_EQ(0, pthread_create(&id, NULL, use_in_thread, &t));
	ASSERT_EQ(0, pthread_join(id, NULL));
	EXPECT_EQ(0, t.ret);
	EXPECT_TRUE(is_kept(kept));
	close(other.fd);
	/* the thread's, with no descriptor left, has ended with it */
	EXPECT_TRUE(is_let_go(kept));
	EXPECT_EQ(0, enter_by(r->backend, 0));
	EXPECT_EQ(1, unregister_by(r->backend, 0, 0));
	close(kept);
}

/* A process that has a ring by nothing but an index. */
static int has_by_index(enum backend backend)
{
	struct ring r;
	int kept;

	if (ring_init(&r, backend, 4, 0))
		return -EIO;
	ring_unmap(&r);
	kept = keep_socket(backend, r.fd, 0);
	if (kept < 0 || register_ring(&r))
		return -EIO;
	close(r.fd);
	return is_kept(kept) && !enter_by(backend, 0) ? kept : -EIO;
}

/* Not a child's, and no longer than its process. */
TEST_F(ring, of_a_process)
{
	struct ring *r = &self->ring;
	int sv[2], kept;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, register_ring(r));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* it has the descriptor, and may register it itself */
		if (enter_by(r->backend, 0) >= 0 || register_ring(r) || enter_by(r->backend, 0) ||
		    unregister_by(r->backend, 0, 0) != 1)
			_exit(1);
		kept = has_by_index(r->backend);
		if (kept < 0 || send_fd(sv[1], kept))
			_exit(2);
		pause();
	}
	/* one that fails ends instead */
	close(sv[1]);
	kept = recv_fd(sv[0]);
	ASSERT_LT(0, kept);
	EXPECT_TRUE(is_kept(kept));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(is_let_go(kept));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(0, enter_by(r->backend, 0));
	EXPECT_EQ(1, unregister_by(r->backend, 0, 0));
	close(kept);
	close(sv[0]);
}

TEST_F(ring, of_a_program)
{
	struct ring *r = &self->ring;
	int sv[2], in[2], kept;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		kept = has_by_index(r->backend);
		if (kept < 0 || send_fd(sv[1], kept))
			_exit(1);
		dup2(in[0], 0);
		execlp("cat", "cat", NULL);
		_exit(1);
	}
	close(sv[1]);
	kept = recv_fd(sv[0]);
	ASSERT_LT(0, kept);
	/* as long as the other program runs, which ends with what it reads */
	EXPECT_TRUE(is_let_go(kept));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	close(in[1]);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	close(kept);
	close(sv[0]);
	close(in[0]);
}

/* A ring that never has a descriptor. */
static int only_init(struct ring *r, enum backend backend)
{
	memset(r, 0, sizeof(*r));
	r->backend = backend;
	r->params.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY;
	if (ring_give_memory(r, 4))
		return -ENOMEM;
	r->fd = backend_setup(backend, 4, &r->params);
	if (r->fd < 0)
		return r->fd;
	return ring_map(r) ?: r->fd;
}

TEST_F(ring, without_a_descriptor)
{
	enum backend backend = variant->backend;
	int lowest = dup(0), kept, i;
	struct ring r[MOST + 1];

	ASSERT_LE(0, lowest);
	close(lowest);
	for (i = 0; i < MOST; i++)
		ASSERT_EQ(i, only_init(&r[i], backend));
	EXPECT_TRUE(r[3].params.flags & IORING_SETUP_REGISTERED_FD_ONLY);
	EXPECT_EQ(-EBUSY, only_init(&r[MOST], backend));
	ring_unmap(&r[MOST]);
	/* none has taken one */
	i = dup(0);
	EXPECT_EQ(lowest, i);
	close(i);
	for (i = 0; i < MOST; i++) {
		prep_nop(&r[i], i);
		EXPECT_EQ(1, submit_by(&r[i], i));
		ASSERT_CQE(&r[i], i, 0, 0);
	}
	kept = keep_socket(backend, 7, USE);
	ASSERT_LE(0, kept);
	EXPECT_TRUE(is_kept(kept));
	EXPECT_EQ(1, unregister_by(backend, 3, 7));
	EXPECT_TRUE(is_let_go(kept));
	EXPECT_EQ(-EBADF, enter_by(backend, 7));
	for (i = 0; i < MOST; i++) {
		EXPECT_EQ(i == 7 ? -EBADF : 1, unregister_by(backend, i, i));
		ring_unmap(&r[i]);
	}
	close(kept);
}

/* What only ruring has: a call by an index is on any of its files. */

static int enter_on(int fd, unsigned int flags, unsigned int index)
{
	struct ruring_enter enter = { .flags = flags, .index = index };

	return ioctl(fd, RURING_IOC_ENTER, &enter) < 0 ? -errno : 0;
}

static int register_on(int fd, unsigned int opcode, unsigned int index, unsigned int resv, const void *arg)
{
	struct ruring_register_indexed reg = {
		.arg = (uintptr_t)arg,
		.opcode = opcode,
		.nr_args = 1,
		.index = index,
		.resv = resv,
	};

	return ioctl(fd, RURING_IOC_REGISTER_INDEXED, &reg) < 0 ? -errno : 0;
}

TEST(on_any_file)
{
	struct io_uring_rsrc_update first = { .offset = 1 };
	struct ring a, b;
	int on[2], i;

	ASSERT_EQ(0, ring_init(&a, RURING, 4, 0));
	ASSERT_EQ(0, ring_init(&b, RURING, 4, 0));
	ASSERT_EQ(0, register_ring(&b));
	ASSERT_EQ(1, register_ring(&b));
	on[0] = a.fd;
	on[1] = device_fd();
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, enter_on(on[i], BY, 0));
		EXPECT_EQ(0, enter_on(on[i], BY, 1));
		EXPECT_EQ(-EBADF, enter_on(on[i], BY, 2));
		EXPECT_EQ(-EINVAL, enter_on(on[i], BY, MOST));
		EXPECT_EQ(-EINVAL, enter_on(on[i], BY | 1U << 20, 0));
		EXPECT_EQ(-EINVAL, enter_on(on[i], BY | 1U << 20, 1));
		/* without the flag no ring is meant but the one that it is on */
		EXPECT_EQ(i ? -ENOTTY : -EINVAL, enter_on(on[i], 0, 1));
		EXPECT_EQ(i ? -ENOTTY : 0, enter_on(on[i], 0, 0));
		EXPECT_EQ(-EINVAL, register_on(on[i], IORING_UNREGISTER_RING_FDS, 0, 0, &first));
		EXPECT_EQ(-EINVAL, register_on(on[i], IORING_UNREGISTER_RING_FDS | USE, 0, 1, &first));
		EXPECT_EQ(-EINVAL, register_on(on[i], IORING_UNREGISTER_RING_FDS | USE, MOST, 0, &first));
		EXPECT_EQ(-EBADF, register_on(on[i], IORING_UNREGISTER_RING_FDS | USE, 2, 0, &first));
	}
	/* it is the ring of the index that takes what is submitted */
	prep_nop(&a, 1);
	prep_nop(&b, 2);
	ring_publish(&a);
	ring_publish(&b);
	EXPECT_EQ(1, ioctl(a.fd, RURING_IOC_ENTER,
			   &(struct ruring_enter) { .to_submit = 1, .flags = BY, .index = 1 }));
	EXPECT_EQ(0, ring_ready(&a));
	ASSERT_CQE(&b, 2, 0, 0);
	/* also on the descriptor of a ring that is kept by its index alone */
	close(b.fd);
	EXPECT_EQ(0, register_on(a.fd, IORING_UNREGISTER_RING_FDS | USE, 1, 0, &first));
	EXPECT_EQ(-EBADF, enter_on(a.fd, BY, 1));
	EXPECT_EQ(0, enter_on(a.fd, BY, 0));
	first.offset = 0;
	EXPECT_EQ(0, register_on(device_fd(), IORING_UNREGISTER_RING_FDS | USE, 0, 0, &first));
	b.fd = -1;
	ring_exit(&a);
	ring_exit(&b);
}

/* The file of the call may be closed by what the call does. */
TEST(file_of_the_call_is_closed)
{
	int dev = open("/dev/ruring", O_RDWR), i;
	struct ring a, r;

	ASSERT_LE(0, dev);
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	ASSERT_EQ(0, register_ring(&r));
	for (i = 0; i < 2; i++) {
		struct ruring_enter enter = {
			.to_submit = 1,
			.min_complete = 1,
			.flags = BY | IORING_ENTER_GETEVENTS,
		};

		ASSERT_EQ(0, ring_init(&a, RURING, 4, 0));
		ring_unmap(&a);
		prep(&r, IORING_OP_CLOSE, i ? a.fd : dev, NULL, 0, 1);
		ring_publish(&r);
		ASSERT_EQ(1, ioctl(i ? a.fd : dev, RURING_IOC_ENTER, &enter));
		/* a ring is not closed by a request */
		ASSERT_CQE(&r, 1, i ? -EBADF : 0, 0);
		close(a.fd);
	}
	EXPECT_EQ(1, unregister_by(RURING, 0, 0));
	ring_exit(&r);
}

static bool users_are(void *arg)
{
	return module_users() <= *(long long *)arg;
}

/* Nothing of it stays, so that the module can go. */
TEST(nothing_is_left)
{
	long long before;
	struct ring r;
	int i, status;
	pid_t pid;

	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	ring_exit(&r);
	device_close();
	before = 0;
	ASSERT_TRUE(wait_until(users_are, &before));
	for (i = 0; i < 10; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(has_by_index(RURING) < 0);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_TRUE(wait_until(users_are, &before));
	/* nor of a task that goes on */
	ASSERT_LE(0, has_by_index(RURING));
	EXPECT_EQ(1, unregister_by(RURING, 0, 0));
	device_close();
	EXPECT_TRUE(wait_until(users_are, &before));
}

static int set_parameter(const char *name, const char *value)
{
	return write_to("/sys/module/ruring/parameters", name, value);
}

/* What the administrator takes away. */
TEST(not_allowed)
{
	struct ring r, only;

	if (geteuid())
		SKIP(return, "only root sets parameters");
	ASSERT_EQ(0, set_parameter("registers", "-RING_FDS"));
	EXPECT_EQ(0, ring_init(&r, RURING, 4, 0));
	EXPECT_EQ(-EACCES, register_ring(&r));
	EXPECT_EQ(-EPERM, only_init(&only, RURING));
	ring_unmap(&only);
	ring_exit(&r);
	ASSERT_EQ(0, set_parameter("registers", "all"));
	ASSERT_EQ(0, only_init(&only, RURING));
	/* all rings are ended, those without a descriptor, too */
	EXPECT_EQ(0, set_parameter("enabled", "N"));
	EXPECT_EQ(0, set_parameter("enabled", "Y"));
	EXPECT_EQ(-EBADFD, enter_by(RURING, 0));
	EXPECT_EQ(-EBADFD, unregister_by(RURING, 0, 0));
	ASSERT_EQ(0, ring_init(&r, RURING, 4, 0));
	EXPECT_EQ(0, change(&r, IORING_UNREGISTER_RING_FDS, 0, 0));
	EXPECT_EQ(-EBADF, enter_by(RURING, 0));
	ring_unmap(&only);
	ring_exit(&r);
}

TEST_HARNESS_MAIN
