// SPDX-License-Identifier: GPL-2.0
/*
 * What the administrator lets rings have: the parameters of the module.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/ruring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"
#include "worker.h"

#define PARAMETERS	"/sys/module/ruring/parameters/"

static int set(const char *name, const char *value)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

FIXTURE(policy) {
	struct ring ring;
};

FIXTURE_VARIANT(policy) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(policy, plain) {
};

FIXTURE_VARIANT_ADD(policy, defer) {
	.flags = DEFER_FLAGS,
};

FIXTURE_SETUP(policy)
{
	if (geteuid())
		SKIP(return, "only root sets the parameters");
	ASSERT_LE(0, device_fd());
}

FIXTURE_TEARDOWN(policy)
{
	EXPECT_EQ(0, set("enabled", "Y"));
	EXPECT_EQ(0, set("ops", "all"));
	EXPECT_EQ(0, set("registers", "all"));
	EXPECT_EQ(0, set("families", "all"));
	EXPECT_EQ(0, set("max_entries", "4294967295"));
	EXPECT_EQ(0, set("max_rings", "4294967295"));
	EXPECT_EQ(0, set("max_workers", "4294967295"));
	EXPECT_EQ(0, set("max_pinned", "18446744073709551615"));
}

static int result_of(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) < 0 || ring_take(r, &cqe))
		return -ENOTRECOVERABLE;
	return cqe.res;
}

TEST_F(policy, opcodes)
{
	struct ring *r = &self->ring;
	struct ring before;
	char byte;

	ASSERT_EQ(0, ring_init(&before, RURING, 8, variant->flags));
	ASSERT_EQ(0, set("ops", "base,poll,RECV\n"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_NOP));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_POLL_ADD));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_RECV));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_SEND));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_OPENAT));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_TIMEOUT));
	prep_nop(r, 1);
	EXPECT_EQ(0, result_of(r));
	prep_recv(r, -1, &byte, 1, 1);
	EXPECT_EQ(-EBADF, result_of(r));
	prep_send(r, -1, &byte, 1, 1);
	EXPECT_EQ(-EACCES, result_of(r));
	/* One that there was keeps what it had. */
	prep_send(&before, -1, &byte, 1, 1);
	EXPECT_EQ(-EBADF, result_of(&before));
	if (!(variant->flags & IORING_SETUP_DEFER_TASKRUN))
		EXPECT_EQ(-EPERM, ring_init(&before, RURING, 8, IORING_SETUP_SQPOLL));

	/* Ruring's own is not past it, nor what stands beside another one. */
	prep_nop(r, 1)->opcode = RURING_OP_SENDFILE;
	EXPECT_EQ(-EACCES, result_of(r));
	prep_nop(r, 1)->opcode = IORING_OP_SPLICE;
	EXPECT_EQ(-EACCES, result_of(r));
	ring_exit(r);
	ASSERT_EQ(0, set("ops", "all,-file"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_SPLICE));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_TEE));
	prep_nop(r, 1)->opcode = RURING_OP_SENDFILE;
	EXPECT_EQ(-EACCES, result_of(r));
	ring_exit(r);

	ASSERT_EQ(0, set("ops", "all,-net,-OPENAT"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_READ));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_FSYNC));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_OPENAT));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_CONNECT));
	EXPECT_FALSE(ring_op_supported(r, IORING_OP_URING_CMD128));
	ring_exit(r);
	EXPECT_EQ(-EINVAL, set("ops", "net,NONSENSE"));
	EXPECT_EQ(-EINVAL, set("ops", "\n"));
}

TEST_F(policy, entries)
{
	ASSERT_EQ(0, set("max_entries", "16"));
	EXPECT_EQ(-EPERM, ring_init(&self->ring, RURING, 17, variant->flags));
	EXPECT_EQ(-EPERM, ring_init(&self->ring, RURING, 32, variant->flags));
	ASSERT_EQ(0, ring_init(&self->ring, RURING, 16, variant->flags));
	ring_exit(&self->ring);
}

TEST_F(policy, registrations)
{
	struct ring *r = &self->ring;
	int fds[1] = { -1 }, fd = -1;
	struct ring before;

	ASSERT_EQ(0, ring_init(&before, RURING, 8, variant->flags));
	ASSERT_EQ(0, set("registers", "base,files,EVENTFD_ASYNC\n"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_TRUE(ring_op_supported(r, IORING_OP_NOP));
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_FILES, fds, 1));
	EXPECT_EQ(-EBADF, ring_register(r, IORING_REGISTER_EVENTFD_ASYNC, &fd, 1));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_EVENTFD, &fd, 1));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_PBUF_RING, &fd, 1));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_BUFFERS, &fd, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_LAST, &fd, 1));
	/* One that there was keeps what it had. */
	EXPECT_EQ(1, ring_register(&before, IORING_REGISTER_PERSONALITY, NULL, 0));
	ring_exit(&before);
	ring_exit(r);

	ASSERT_EQ(0, set("registers", "all,-PROBE,-pbuf"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_PROBE, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_UNREGISTER_PBUF_RING, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, RURING_REGISTER_PBUF_LOW, NULL, 0));
	EXPECT_EQ(1, ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0));
	ring_exit(r);
	ASSERT_EQ(0, set("registers", "base,PBUF_LOW"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	EXPECT_EQ(-EINVAL, ring_register(r, RURING_REGISTER_PBUF_LOW, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0));
	ring_exit(r);
	EXPECT_EQ(-EINVAL, set("registers", "base,NONSENSE"));
	EXPECT_EQ(-EINVAL, set("registers", "\n"));
}

/* What may be done is what both allow: the device's policy, and what the program has restricted the ring to. */
TEST_F(policy, on_top_of_restrictions)
{
	struct io_uring_restriction those[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SEND },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_PERSONALITY },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_FILES },
	};
	struct ring *r = &self->ring;
	int fds[1] = { -1 };
	char byte;

	ASSERT_EQ(0, set("ops", "base,RECV"));
	ASSERT_EQ(0, set("registers", "base,files"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags | IORING_SETUP_R_DISABLED));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_RESTRICTIONS, those, ARRAY_SIZE(those)));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	/* both; the policy, not the restrictions; these, not the policy; neither */
	prep_nop(r, 1);
	EXPECT_EQ(0, result_of(r));
	prep_recv(r, -1, &byte, 1, 1);
	EXPECT_EQ(-EACCES, result_of(r));
	prep_send(r, -1, &byte, 1, 1);
	EXPECT_EQ(-EACCES, result_of(r));
	prep_poll(r, -1, POLLIN, 1);
	EXPECT_EQ(-EACCES, result_of(r));
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_FILES, fds, 1));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_UNREGISTER_FILES, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0));
	EXPECT_EQ(-EACCES, ring_register(r, IORING_REGISTER_EVENTFD, fds, 1));
	ring_exit(r);
}

static struct io_uring_sqe *prep_socket(struct ring *r, int domain, int type)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_SOCKET, domain, NULL, 0, 1);

	sqe->off = type;
	return sqe;
}

/* However a ring comes by a socket. */
TEST_F(policy, families)
{
	struct ring *r = &self->ring;
	int inet[2], local[2], pipes[2], listener, fd;
	struct sockaddr_in addr;
	struct msghdr msg = {};
	char byte = 0;

	ASSERT_EQ(0, tcp_pair(inet));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, local));
	ASSERT_EQ(0, pipe(pipes));
	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	ASSERT_EQ(1, write(inet[1], "x", 1));
	ASSERT_EQ(0, set("families", "AF_UNIX"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	prep_socket(r, AF_INET, SOCK_STREAM);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_socket(r, AF_INET6, SOCK_DGRAM);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_socket(r, -1, SOCK_DGRAM);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_socket(r, AF_UNIX, SOCK_DGRAM);
	fd = result_of(r);
	EXPECT_LE(0, fd);
	close(fd);
	/* Made by others. */
	prep_recv(r, inet[0], &byte, 1, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_recv(r, inet[0], &byte, 1, 1)->flags = IOSQE_ASYNC;
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep(r, IORING_OP_READ, inet[0], &byte, 1, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep(r, IORING_OP_READ, inet[0], &byte, 1, 1)->flags = IOSQE_ASYNC;
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep(r, IORING_OP_SENDMSG, inet[0], &msg, 1, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_accept(r, listener, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep(r, IORING_OP_CONNECT, inet[0], &addr, 0, 1)->off = sizeof(addr);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep(r, IORING_OP_BIND, inet[0], &addr, 0, 1)->off = sizeof(addr);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_poll(r, inet[0], POLLIN, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	if (ring_op_supported(r, IORING_OP_SPLICE)) {
		struct io_uring_sqe *sqe = prep(r, IORING_OP_SPLICE, pipes[1], NULL, 1, 1);

		sqe->off = -1;
		sqe->splice_off_in = -1;
		sqe->splice_fd_in = inet[0];
		EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	}
	/* Registered, and behind a link. */
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_FILES, inet, 2));
	prep_recv(r, 0, &byte, 1, 1)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_recv(r, 0, &byte, 1, 2)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, -EAFNOSUPPORT, 0);
	/* What is allowed, and what is no socket. */
	prep_send(r, local[0], "y", 1, 1);
	EXPECT_EQ(1, result_of(r));
	prep_recv(r, local[1], &byte, 1, 1);
	EXPECT_EQ(1, result_of(r));
	EXPECT_EQ('y', byte);
	prep(r, IORING_OP_WRITE, pipes[1], "z", 1, 1);
	EXPECT_EQ(1, result_of(r));
	/* Nothing was received of what must not be. */
	EXPECT_EQ(1, recv(inet[0], &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ('x', byte);
	ring_exit(r);

	ASSERT_EQ(0, set("families", "all,-1,-AF_PACKET"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	prep_send(r, local[0], "y", 1, 1);
	EXPECT_EQ(-EAFNOSUPPORT, result_of(r));
	prep_send(r, inet[0], "y", 1, 1);
	EXPECT_EQ(1, result_of(r));
	ring_exit(r);
	EXPECT_EQ(-EINVAL, set("families", "AF_NONSENSE"));
	EXPECT_EQ(-EINVAL, set("families", "64"));
	close(listener);
}

/* Runs in a process of a user of his own. */
static int as_user(uid_t uid, int (*what)(struct ring *rings, unsigned int flags),
		   unsigned int flags)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct ring rings[3];
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setrlimit(RLIMIT_MEMLOCK, &unlimited) || setresuid(uid, uid, uid))
			_exit(100);
		_exit(what(rings, flags));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status;
}

static int two_rings(struct ring *rings, unsigned int flags)
{
	if (ring_init(&rings[0], RURING, 8, flags) || ring_init(&rings[1], RURING, 8, flags))
		return 1;
	if (ring_init(&rings[2], RURING, 8, flags) != -EMFILE)
		return 2;
	ring_exit(&rings[0]);
	if (ring_init(&rings[2], RURING, 8, flags))
		return 3;
	return 0;
}

TEST_F(policy, rings_of_a_user)
{
	ASSERT_EQ(0, set("max_rings", "2"));
	EXPECT_EQ(0, as_user(4242, two_rings, variant->flags));
	/* They have gone with him, and another user has as many. */
	EXPECT_EQ(0, as_user(4242, two_rings, variant->flags));
	EXPECT_EQ(0, as_user(4243, two_rings, variant->flags));
	ASSERT_EQ(0, set("max_rings", "0"));
	EXPECT_EQ(-EMFILE, ring_init(&self->ring, RURING, 8, variant->flags));
}

/* How many pages can be pinned at all, by a registered buffer, and by a send. */
static int pin_pages(struct ring *rings, unsigned int flags)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct ring *r = &rings[0];
	struct iovec four, five;
	int pair[2];
	char *mem;

	mem = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || madvise(mem, 16 * page, MADV_NOHUGEPAGE) ||
	    ring_init(r, RURING, 8, flags))
		return 1;
	memset(mem, 0, 16 * page);
	four = (struct iovec){ mem, 4 * page };
	five = (struct iovec){ mem, 5 * page };
	if (ring_register(r, IORING_REGISTER_BUFFERS, &five, 1) != -ENOMEM)
		return 2;
	if (ring_register(r, IORING_REGISTER_BUFFERS, &four, 1))
		return 3;
	/* Another ring of the user has nothing left. */
	if (ring_init(&rings[1], RURING, 8, flags) ||
	    ring_register(&rings[1], IORING_REGISTER_BUFFERS, &four, 1) != -ENOMEM)
		return 4;
	if (inet_pair(AF_INET, SOCK_DGRAM, pair))
		return 5;
	prep(r, IORING_OP_SEND_ZC, pair[0], mem, 64, 1);
	if (result_of(r) != -ENOMEM)
		return 6;
	if (ring_register(r, IORING_UNREGISTER_BUFFERS, NULL, 0))
		return 7;
	prep(r, IORING_OP_SEND_ZC, pair[0], mem, 64, 1);
	if (result_of(r) != 64)
		return 8;
	return 0;
}

TEST_F(policy, pinned_pages_of_a_user)
{
	struct iovec iov = { self, 1 };

	ASSERT_EQ(0, set("max_pinned", "4"));
	EXPECT_EQ(0, as_user(4244, pin_pages, variant->flags));
	/* CAP_IPC_LOCK is about another limit. */
	ASSERT_EQ(0, set("max_pinned", "0"));
	ASSERT_EQ(0, ring_init(&self->ring, RURING, 8, variant->flags));
	EXPECT_EQ(-ENOMEM, ring_register(&self->ring, IORING_REGISTER_BUFFERS, &iov, 1));
	ring_exit(&self->ring);
}

/* How many threads the process has. */
static unsigned int threads(void)
{
	unsigned int count = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* What workers would do is done nevertheless. */
TEST_F(policy, workers_of_a_ring)
{
	static const char * const limits[] = { "0", "1" };
	struct ring *r = &self->ring;
	unsigned int i, limit, before;
	char byte = 0;
	int fd;

	fd = new_file(true);
	ASSERT_LE(0, fd);
	before = threads();
	for (limit = 0; limit < 2; limit++) {
		ASSERT_EQ(0, set("max_workers", limits[limit]));
		ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
		for (i = 0; i < 8; i++)
			prep(r, IORING_OP_WRITE, fd, &byte, 1, i)->flags = IOSQE_ASYNC;
		ASSERT_EQ(8, ring_submit(r));
		ASSERT_EQ(0, ring_wait(r, 8));
		EXPECT_EQ(before + limit, threads());
		for (i = 0; i < 8; i++) {
			struct io_uring_cqe cqe;

			ASSERT_EQ(0, ring_take(r, &cqe));
			EXPECT_EQ(1, cqe.res);
		}
		ring_exit(r);
	}
	close(fd);
}

/* Who waits in a ring that is ended is let go, and finds nothing in it. */
TEST_F(policy, all_rings_end)
{
	struct ring *r = &self->ring;
	int sv[2], ready[2], status, ret;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		/* It keeps a socket that nobody else has any more. */
		close(sv[1]);
		if (ring_init(r, RURING, 8, variant->flags) ||
		    ring_register(r, IORING_REGISTER_FILES, sv, 1))
			_exit(1);
		prep_recv(r, 0, &byte, 1, 1)->flags = IOSQE_FIXED_FILE;
		if (ring_submit(r) != 1)
			_exit(2);
		close(sv[0]);
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		/* More than there will ever be. */
		ring_enter(r, 0, 2, IORING_ENTER_GETEVENTS);
		prep_nop(r, 2);
		ret = ring_submit(r);
		_exit(ret == -EBADFD && ring_register(r, IORING_REGISTER_PROBE, r, 0) == -EBADFD ?
		      0 : 4);
	}
	close(sv[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, set("enabled", "N"));
	/* What was registered is gone with the ring, not with the process. */
	EXPECT_EQ(0, read(sv[1], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EPERM, ring_init(r, RURING, 8, variant->flags));
	ASSERT_EQ(0, set("enabled", "Y"));
	ASSERT_EQ(0, ring_init(r, RURING, 8, variant->flags));
	prep_nop(r, 1);
	EXPECT_EQ(0, result_of(r));
	ring_exit(r);
}

/* What a ring that ends leaves to a worker: the other thread of this process fills the page that it waits for. */
struct held {
	struct slow slow;
	int go;
};

static void *fill_when_told(void *arg)
{
	struct held *held = arg;
	char byte;

	if (read(held->go, &byte, 1) != 1)
		return (void *)-1L;
	return (void *)(long)slow_fill(&held->slow, 0);
}

static bool sleeps(void *arg)
{
	return task_state(*(pid_t *)arg) == 'S';
}

/* Ends with 0 if all went well in a process that waits for a request which its ring lets go of, with @opcode behind it. */
static int wait_for_what_is_let_go(struct ring *r, unsigned int flags, int opcode, int socket, int ready, int go)
{
	struct io_uring_sync_cancel_reg cancel = {
		.addr = 1, .fd = -1, .timeout = { .tv_sec = -1, .tv_nsec = -1 },
	};
	struct held held = { .go = go };
	struct io_uring_sqe *sqe;
	pthread_t thread;
	void *filled;
	int fd, i;

	fd = new_file(false);
	if (fd < 0 || slow_init(&held.slow, 1) || ring_init(r, RURING, 8, flags))
		return 1;
	sqe = prep_rw(r, true, fd, held.slow.mem, 1, 0, 1);
	sqe->flags |= IOSQE_IO_LINK;
	for (i = 0; i < 3; i++)
		prep(r, opcode, socket, "x", 1, 2 + i)->flags = i < 2 ? IOSQE_IO_LINK : 0;
	if (ring_submit(r) != 4 || slow_wait(&held.slow))
		return 2;
	if (pthread_create(&thread, NULL, fill_when_told, &held))
		return 3;
	if (write(ready, "x", 1) != 1)
		return 4;
	ring_register(r, IORING_REGISTER_SYNC_CANCEL, &cancel, 1);
	if (pthread_join(thread, &filled) || filled)
		return 5;
	return ring_enter(r, 0, 0, IORING_ENTER_GETEVENTS) == -EBADFD ? 0 : 6;
}

/* What a worker is in the middle of when a ring is ended has nothing begin that is linked behind it. */
TEST_F(policy, nothing_begins_in_a_ring_that_has_ended)
{
	static const int opcodes[] = { IORING_OP_SEND, IORING_OP_SEND_ZC };
	int sv[2], ready[2], go[2], status, i;
	char byte;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, tcp_pair(sv));
		ASSERT_EQ(0, pipe(ready));
		ASSERT_EQ(0, pipe(go));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(wait_for_what_is_let_go(&self->ring, variant->flags, opcodes[i], sv[0],
						      ready[1], go[0]));
		close(sv[0]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		ASSERT_TRUE(wait_until(sleeps, &pid));
		ASSERT_EQ(0, set("enabled", "N"));
		ASSERT_EQ(1, write(go[1], "x", 1));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_EQ(0, read(sv[1], &byte, 1));
		ASSERT_EQ(0, set("enabled", "Y"));
		close(sv[1]);
		close(ready[0]);
		close(ready[1]);
		close(go[0]);
		close(go[1]);
	}
}

TEST_HARNESS_MAIN
