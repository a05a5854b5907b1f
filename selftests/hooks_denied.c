// SPDX-License-Identifier: GPL-2.0
/*
 * What a security module denies is denied on a ring, and what it cannot be
 * asked is refused.
 */
#include <linux/landlock.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "fixture.h"
#include "hooks.h"

/* Landlock: files below /proc may be read, TCP port 4 may be bound and connected to, no more. */
static int confine(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK,
		.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP |
				      LANDLOCK_ACCESS_NET_CONNECT_TCP,
		.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET,
	};
	struct landlock_path_beneath_attr files = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
	};
	struct landlock_net_port_attr port = {
		.allowed_access = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP,
		.port = 4,
	};
	int fd = syscall(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return -errno;
	files.parent_fd = open("/proc", O_PATH);
	if (syscall(__NR_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &files, 0) ||
	    syscall(__NR_landlock_add_rule, fd, LANDLOCK_RULE_NET_PORT, &port, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(__NR_landlock_restrict_self, fd, 0))
		return -errno;
	close(files.parent_fd);
	return close(fd);
}

/* Whether its hooks all have this word for where they are from. */
static bool hooks_are(const char *word)
{
	char line[128];
	FILE *f = fopen("/sys/module/ruring/parameters/hooks", "r");
	unsigned int nr = 0, well = 0;

	while (f && fgets(line, sizeof(line), f)) {
		nr++;
		well += strstr(line, word) != NULL;
	}
	if (f)
		fclose(f);
	return nr && nr == well;
}

static int result_of(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) < 0 || ring_take(r, &cqe))
		return -ENOTRECOVERABLE;
	return cqe.res;
}

static int ring_bind(struct ring *r, int fd, const void *addr, socklen_t len)
{
	prep(r, IORING_OP_BIND, fd, addr, 0, 1)->addr2 = len;
	return result_of(r);
}

static int ring_connect(struct ring *r, int fd, const void *addr, socklen_t len)
{
	prep(r, IORING_OP_CONNECT, fd, addr, 0, 1)->addr2 = len;
	return result_of(r);
}

static int ring_open(struct ring *r, const char *name, unsigned int flags)
{
	prep(r, IORING_OP_OPENAT, AT_FDCWD, name, 0600, 1)->open_flags = flags;
	return result_of(r);
}

/* A worker does it: one that there was before, if there was one. */
static int ring_open_by_worker(struct ring *r, const char *name, unsigned int flags)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, name, 0600, 1);

	sqe->open_flags = flags;
	sqe->flags = IOSQE_ASYNC;
	return result_of(r);
}

static int own_socket(int domain)
{
	return socket(domain, SOCK_STREAM, 0);
}

/* The same as by system calls, and as on io_uring. */
TEST_F(ring, landlock_denies)
{
	struct sockaddr_un path = { AF_UNIX, "build/hooks_denied.sock" };
	struct sockaddr_un abstract = { AF_UNIX, "\0hooks_denied" };
	struct sockaddr_in listening, any = { .sin_family = AF_INET }, four;
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int ret, outside;

	if (variant->backend == RURING && hooks_are("missing"))
		SKIP(return, "without hooks all of this is refused");
	four = any;
	four.sin_port = htons(4);
	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_LE(0, tcp_listen(&listening));
	outside = own_socket(AF_UNIX);
	abstract.sun_path[13] = "ri"[variant->backend];
	ASSERT_EQ(0, bind(outside, (struct sockaddr *)&abstract, sizeof(abstract)));
	ASSERT_EQ(0, listen(outside, 1));
	unlink(path.sun_path);
	/* Threads that work for it are not confined with it. */
	EXPECT_LE(0, ring_open(r, "/etc/passwd", O_RDONLY));
	EXPECT_LE(0, ring_open_by_worker(r, "/etc/passwd", O_RDONLY));
	ret = confine();
	if (ret == -EOPNOTSUPP || ret == -ENOSYS)
		SKIP(return, "no Landlock on this kernel");
	ASSERT_EQ(0, ret);

	any.sin_port = htons(4321);
	EXPECT_EQ(-EACCES, ring_bind(r, own_socket(AF_INET), &any, sizeof(any)));
	EXPECT_EQ(0, ring_bind(r, own_socket(AF_INET), &four, sizeof(four)));
	EXPECT_EQ(-EACCES, ring_connect(r, own_socket(AF_INET), &listening, sizeof(listening)));
	EXPECT_EQ(-ECONNREFUSED, ring_connect(r, own_socket(AF_INET), &four, sizeof(four)));
	EXPECT_EQ(-EACCES, ring_bind(r, own_socket(AF_UNIX), &path, sizeof(path)));
	EXPECT_EQ(-EPERM, ring_connect(r, own_socket(AF_UNIX), &abstract, sizeof(abstract)));
	EXPECT_EQ(-EACCES, ring_open(r, "/etc/passwd", O_RDONLY));
	EXPECT_EQ(-EACCES, ring_open(r, "/proc/self/comm", O_RDWR));
	EXPECT_LE(0, ring_open(r, "/proc/self/comm", O_RDONLY));
	EXPECT_EQ(-EACCES, ring_open_by_worker(r, "/etc/passwd", O_RDONLY));
	EXPECT_EQ(-EACCES, ring_open_by_worker(r, "/proc/self/comm", O_RDWR));
	sqe = prep(r, IORING_OP_CONNECT, own_socket(AF_INET), &listening, 0, 1);
	sqe->addr2 = sizeof(listening);
	sqe->flags = IOSQE_ASYNC;
	EXPECT_EQ(-EACCES, result_of(r));

	EXPECT_EQ(-1, bind(own_socket(AF_INET), (struct sockaddr *)&any, sizeof(any)));
	EXPECT_EQ(-1, open("/etc/passwd", O_RDONLY));
}

/* The same file for reading alone. */
static int reopen(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return again < 0 ? -errno : again;
}

/* What the module is to call in place of something: no name may be longer than the one it is for. */
struct change {
	const char *was, *is;
};

/* As on a kernel where no kprobe can be registered: all that it is told is -EINVAL. */
static const struct change no_kprobes[] = {
	{ "register_kprobe", "noop_direct_IO" },
	{}
};

/* As with a security module that denies all of it, by -EOPNOTSUPP. */
static const struct change denied[] = {
	{ "security_socket_accept", "sock_no_accept" },
	{ "security_socket_bind", "sock_no_bind" },
	{ "security_socket_connect", "sock_no_connect" },
	{ "security_socket_listen", "sock_no_listen" },
	{ "security_socket_shutdown", "sock_no_shutdown" },
	{ "security_socket_getsockname", "sock_no_getname" },
	{ "security_socket_getpeername", "sock_no_getname" },
	{}
};

/* As with one that denies commands, by -EINVAL. */
static const struct change no_commands[] = {
	{ "security_uring_cmd", "noop_direct_IO" },
	{}
};

/* How often this is in the @size bytes at @all, as a string of its own; each becomes the other. */
static unsigned int change_name(char *all, size_t size, const struct change *change)
{
	size_t len = strlen(change->was);
	char was[64] = {}, is[64] = {}, *at;
	unsigned int nr = 0;

	snprintf(was + 1, sizeof(was) - 1, "%s", change->was);
	snprintf(is + 1, sizeof(is) - 1, "%s", change->is);
	for (at = all; (at = memmem(at, all + size - at, was, len + 2)); nr++)
		memcpy(at, is, len + 2);
	return nr;
}

/* The module with names that are changed in its tables. */
static int changed_module(int module, const struct change *change)
{
	int fd = memfd_create("ruring.ko", MFD_CLOEXEC);
	off_t size = lseek(module, 0, SEEK_END);
	bool well = true;
	char *all;

	if (fd < 0 || size <= 0 || ftruncate(fd, size) ||
	    sendfile(fd, module, &(off_t) { 0 }, size) != size)
		return -EIO;
	all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (all == MAP_FAILED)
		return -errno;
	for (; change->was; change++)
		well = change_name(all, size, change) && well;
	munmap(all, size);
	return well ? fd : -ENOENT;
}

/* Load it as it is to be from here on; it must not be in use. */
static int load_changed(const struct change *change, const char *params)
{
	int fd, ret;

	fd = open(getenv("RURING_KO"), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (change) {
		int other = changed_module(fd, change);

		close(fd);
		if (other < 0)
			return other;
		/* one that can be written to is not loaded */
		fd = reopen(other);
		if (fd < 0)
			return fd;
	}
	ret = syscall(__NR_delete_module, "ruring", O_NONBLOCK) && errno != ENOENT ? -errno : 0;
	if (!ret && syscall(__NR_finit_module, fd, params, 0))
		ret = -errno;
	close(fd);
	return ret;
}

static int load(const char *params)
{
	return load_changed(NULL, params);
}

static bool is_idle(void *unused)
{
	(void)unused;
	return proc_value("/sys/module/ruring/refcnt", "") <= 0;
}

/* Nobody uses it any more. */
static bool is_let_go(void)
{
	device_close();
	return wait_until(is_idle, NULL);
}

/* The module may be loaded anew. */
FIXTURE(module) {
};

FIXTURE_SETUP(module)
{
	if (geteuid() || !getenv("RURING_KO"))
		SKIP(return, "RURING_KO does not name the module, or no right to load it");
	if (!hooks_are("found"))
		SKIP(return, "this kernel has no hooks to miss");
	ASSERT_TRUE(is_let_go());
}

FIXTURE_TEARDOWN(module)
{
	EXPECT_TRUE(is_let_go());
	EXPECT_EQ(0, load(""));
	EXPECT_TRUE(hooks_are("found"));
}

/* Hooks are neither exported nor found. */
static void check_refused(struct __test_metadata *_metadata)
{
	static const unsigned int guarded[] = {
		IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_BIND, IORING_OP_LISTEN,
		IORING_OP_SHUTDOWN, IORING_OP_URING_CMD, IORING_OP_OPENAT, IORING_OP_CLOSE,
		IORING_OP_SENDMSG, IORING_OP_RECVMSG,
	};
	static const unsigned int free[] = {
		IORING_OP_NOP, IORING_OP_SEND, IORING_OP_RECV, IORING_OP_READ, IORING_OP_TIMEOUT,
		IORING_OP_SOCKET,
	};
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct ring r;
	unsigned int i;

	EXPECT_TRUE(hooks_are("missing"));
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	for (i = 0; i < ARRAY_SIZE(guarded); i++)
		EXPECT_FALSE(ring_op_supported(&r, guarded[i])) TH_LOG("opcode %u", guarded[i]);
	for (i = 0; i < ARRAY_SIZE(free); i++)
		EXPECT_TRUE(ring_op_supported(&r, free[i])) TH_LOG("opcode %u", free[i]);
	EXPECT_EQ(-EOPNOTSUPP, ring_bind(&r, own_socket(AF_INET), &any, sizeof(any)));
	EXPECT_EQ(-EOPNOTSUPP, ring_open(&r, "/dev/null", O_RDONLY));
	prep_nop(&r, 1);
	EXPECT_EQ(0, result_of(&r));
	EXPECT_EQ(1, ring_register(&r, IORING_REGISTER_PERSONALITY, NULL, 0));
	prep_nop(&r, 1)->personality = 1;
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	ring_exit(&r);
	EXPECT_EQ(-EOPNOTSUPP, ring_init(&r, RURING, 8, IORING_SETUP_SQPOLL));
}

TEST_F(module, without_hooks_what_they_guard_is_refused)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct ring r;

	ASSERT_EQ(0, load("lsm=exported"));
	check_refused(_metadata);

	ASSERT_TRUE(is_let_go());
	ASSERT_EQ(0, load("lsm=ignore"));
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	EXPECT_TRUE(ring_op_supported(&r, IORING_OP_BIND));
	EXPECT_EQ(0, ring_bind(&r, own_socket(AF_INET), &any, sizeof(any)));
	ring_exit(&r);

	ASSERT_TRUE(is_let_go());
	EXPECT_EQ(-EINVAL, load("lsm=nonsense"));
}

/* Nothing of the kernel can be found: other functions are not there either. */
static void check_nothing_found(struct __test_metadata *_metadata)
{
	static const unsigned int missing[] = {
		IORING_OP_OPENAT2, IORING_OP_STATX, IORING_OP_FTRUNCATE, IORING_OP_MKDIRAT,
		IORING_OP_UNLINKAT, IORING_OP_RENAMEAT, IORING_OP_LINKAT, IORING_OP_SYMLINKAT,
		IORING_OP_SYNC_FILE_RANGE, IORING_OP_MADVISE, IORING_OP_SPLICE, IORING_OP_TEE,
		IORING_OP_EPOLL_CTL, IORING_OP_EPOLL_WAIT, IORING_OP_PIPE,
	};
	struct ring r;
	unsigned int i;

	check_refused(_metadata);
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	for (i = 0; i < ARRAY_SIZE(missing); i++) {
		EXPECT_FALSE(ring_op_supported(&r, missing[i])) TH_LOG("opcode %u", missing[i]);
		prep(&r, missing[i], -1, NULL, 0, 1);
		EXPECT_GT(0, result_of(&r)) TH_LOG("opcode %u", missing[i]);
	}
	ring_exit(&r);
}

/* A kernel that is really built without kprobes: Documentation/testing.rst says how. */
TEST(kernel_without_kprobes)
{
	if (!hooks_are("missing"))
		SKIP(return, "this kernel has no hooks to miss, or they are found");
	check_nothing_found(_metadata);
}

TEST_F(module, without_kprobes_what_needs_them_is_refused)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct ring r;

	ASSERT_EQ(0, load_changed(no_kprobes, ""));
	check_nothing_found(_metadata);

	ASSERT_TRUE(is_let_go());
	ASSERT_EQ(0, load_changed(no_kprobes, "lsm=ignore"));
	EXPECT_TRUE(hooks_are("missing"));
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	EXPECT_EQ(0, ring_bind(&r, own_socket(AF_INET), &any, sizeof(any)));
	prep(&r, IORING_OP_PIPE, 0, NULL, 0, 1);
	EXPECT_EQ(-EINVAL, result_of(&r));
	ring_exit(&r);
}

/* A hook that denies keeps what it guards from being done. */
TEST_F(module, what_a_hook_denies_is_not_done)
{
	struct sockaddr_in addr, any = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	struct io_uring_sqe *sqe;
	struct ring r;
	int listener, waiting, fd, sv[2];
	char byte;

	ASSERT_EQ(0, load_changed(denied, ""));
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	EXPECT_TRUE(ring_op_supported(&r, IORING_OP_ACCEPT));

	fd = own_socket(AF_INET);
	EXPECT_EQ(-EOPNOTSUPP, ring_bind(&r, fd, &any, sizeof(any)));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &len));
	EXPECT_EQ(0, addr.sin_port);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&any, sizeof(any)));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &len));
	prep(&r, IORING_OP_LISTEN, fd, NULL, 1, 1);
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	EXPECT_EQ(-1, connect(own_socket(AF_INET), (struct sockaddr *)&addr, sizeof(addr)));
	EXPECT_EQ(ECONNREFUSED, errno);

	listener = tcp_listen(&addr);
	ASSERT_LE(0, listener);
	waiting = own_socket(AF_INET);
	EXPECT_EQ(-EOPNOTSUPP, ring_connect(&r, waiting, &addr, sizeof(addr)));
	EXPECT_EQ(-1, getpeername(waiting, (struct sockaddr *)&any, &len));
	EXPECT_EQ(ENOTCONN, errno);

	/* nobody is taken out of the backlog */
	ASSERT_EQ(0, connect(waiting, (struct sockaddr *)&addr, sizeof(addr)));
	prep(&r, IORING_OP_ACCEPT, listener, NULL, 0, 1);
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	sqe = prep(&r, IORING_OP_ACCEPT, listener, NULL, 0, 1);
	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	EXPECT_LE(0, accept(listener, NULL, NULL));

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep(&r, IORING_OP_SHUTDOWN, sv[0], NULL, SHUT_RDWR, 1);
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	EXPECT_EQ(1, write(sv[0], "x", 1));
	EXPECT_EQ(1, read(sv[1], &byte, 1));

	memset(&addr, 0, sizeof(addr));
	sqe = prep(&r, IORING_OP_URING_CMD, listener, &addr, 0, 1);
	sqe->cmd_op = SOCKET_URING_OP_GETSOCKNAME;
	sqe->addr3 = (unsigned long)&len;
	EXPECT_EQ(-EOPNOTSUPP, result_of(&r));
	EXPECT_EQ(0, addr.sin_family);
	ring_exit(&r);

	ASSERT_TRUE(is_let_go());
	ASSERT_EQ(0, load_changed(no_commands, ""));
	ASSERT_EQ(0, ring_init(&r, RURING, 8, 0));
	sqe = prep(&r, IORING_OP_URING_CMD, listener, &addr, 0, 1);
	sqe->cmd_op = SOCKET_URING_OP_GETSOCKNAME;
	sqe->addr3 = (unsigned long)&len;
	EXPECT_EQ(-EINVAL, result_of(&r));
	EXPECT_EQ(0, addr.sin_family);
	ring_exit(&r);
}

TEST_HARNESS_MAIN
