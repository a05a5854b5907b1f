// SPDX-License-Identifier: GPL-2.0
/*
 * Further devices, each with a policy of its own, which an administrator makes by
 * writing to the first one.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#define DEVICE		"/dev/ruring"
#define ENABLED		"/sys/module/ruring/parameters/enabled"

static int control(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : control(fd, text);

	close(fd);
	return ret;
}

/* A ring of the device that @node is open at. */
static int node_ring(struct ring *r, int node, unsigned int entries, unsigned int flags)
{
	int first = dup(device_fd());
	int ret;

	if (first < 0 || dup2(node, device_fd()) < 0)
		return -errno;
	ret = ring_init(r, RURING, entries, flags);
	dup2(first, device_fd());
	close(first);
	return ret;
}

static int result_of(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) < 0 || ring_take(r, &cqe))
		return -ENOTRECOVERABLE;
	return cqe.res;
}

FIXTURE(nodes) {
	int first;
};

FIXTURE_SETUP(nodes)
{
	if (geteuid())
		SKIP(return, "only root makes devices");
	ASSERT_LE(0, device_fd());
	self->first = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->first);
}

FIXTURE_TEARDOWN(nodes)
{
	control(self->first, "-one");
	control(self->first, "-two");
	EXPECT_EQ(0, write_to(ENABLED, "Y"));
	EXPECT_EQ(0, chmod(DEVICE, 0600));
	close(self->first);
}

TEST_F(nodes, each_has_its_policy)
{
	struct ring one, two, other;
	int node[2], sv[2];
	char text[256] = "";
	struct stat st;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, control(self->first,
			     "+one ops=base,poll registers=base max_entries=16 max_rings=1\n"));
	ASSERT_EQ(0, control(self->first, "+two families=AF_INET ops=all,-sqpoll max_workers=1"));
	ASSERT_EQ(0, stat(DEVICE "-one", &st));
	/* As the first one, for nobody else as long as nobody lets others in. */
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(0, st.st_uid);
	node[0] = open(DEVICE "-one", O_RDWR | O_CLOEXEC);
	node[1] = open(DEVICE "-two", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, node[0]);
	ASSERT_LE(0, node[1]);
	EXPECT_LT(0, read(self->first, text, sizeof(text) - 1));
	EXPECT_NE(NULL, strstr(text, "one ops=base,poll registers=base max_entries=16 max_rings=1\n"));
	EXPECT_NE(NULL, strstr(text, "\ntwo families=AF_INET ops=all,-sqpoll max_workers=1\n"));

	EXPECT_EQ(-EPERM, node_ring(&one, node[0], 32, 0));
	ASSERT_EQ(0, node_ring(&one, node[0], 16, 0));
	EXPECT_EQ(-EMFILE, node_ring(&other, node[0], 16, 0));
	EXPECT_TRUE(ring_op_supported(&one, IORING_OP_NOP));
	EXPECT_FALSE(ring_op_supported(&one, IORING_OP_SEND));
	prep_send(&one, sv[0], "x", 1, 1);
	EXPECT_EQ(-EACCES, result_of(&one));
	EXPECT_EQ(-EACCES, ring_register(&one, IORING_REGISTER_FILES, sv, 2));

	EXPECT_EQ(-EPERM, node_ring(&two, node[1], 32, IORING_SETUP_SQPOLL));
	ASSERT_EQ(0, node_ring(&two, node[1], 32, 0));
	EXPECT_EQ(0, ring_register(&two, IORING_REGISTER_FILES, sv, 2));
	prep_send(&two, 0, "x", 1, 1)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(-EAFNOSUPPORT, result_of(&two));

	/* The first one is what its parameters say. */
	ASSERT_EQ(0, ring_init(&other, RURING, 32, 0));
	prep_send(&other, sv[0], "x", 1, 1);
	EXPECT_EQ(1, result_of(&other));
	ring_exit(&other);
	/* The count is the device's own. */
	ring_exit(&one);
	ASSERT_EQ(0, node_ring(&one, node[0], 16, 0));
	ring_exit(&one);
	ring_exit(&two);
	close(node[0]);
	close(node[1]);
}

/* What was made by a device that is removed goes on, as it was. */
TEST_F(nodes, removed)
{
	struct ring before, after;
	int stale, sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, control(self->first, "+one ops=base"));
	EXPECT_EQ(-EEXIST, control(self->first, "+one ops=all"));
	stale = open(DEVICE "-one", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, stale);
	ASSERT_EQ(0, node_ring(&before, stale, 8, 0));
	ASSERT_EQ(0, control(self->first, "-one"));
	EXPECT_EQ(-ENOENT, control(self->first, "-one"));
	EXPECT_EQ(-1, open(DEVICE "-one", O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENOENT, errno);
	prep_nop(&before, 1);
	EXPECT_EQ(0, result_of(&before));
	prep_send(&before, sv[0], "x", 1, 1);
	EXPECT_EQ(-EACCES, result_of(&before));
	EXPECT_EQ(-ENODEV, node_ring(&after, stale, 8, 0));
	/* Nor by one that has the name now. */
	ASSERT_EQ(0, control(self->first, "+one"));
	EXPECT_EQ(-ENODEV, node_ring(&after, stale, 8, 0));
	close(stale);
	stale = open(DEVICE "-one", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, stale);
	ASSERT_EQ(0, node_ring(&after, stale, 8, 0));
	prep_send(&after, sv[0], "x", 1, 1);
	EXPECT_EQ(1, result_of(&after));

	/* All rings end at once, whatever device they are of. */
	ASSERT_EQ(0, write_to(ENABLED, "N"));
	prep_nop(&after, 1);
	EXPECT_EQ(-EBADFD, ring_submit(&after));
	prep_nop(&before, 1);
	EXPECT_EQ(-EBADFD, ring_submit(&before));
	ASSERT_EQ(0, write_to(ENABLED, "Y"));
	ring_exit(&before);
	ring_exit(&after);
	close(stale);
}

TEST_F(nodes, nonsense)
{
	static const char * const texts[] = {
		" ", "one", "+", "-", "+ one", "+a/b", "+..", "+one ops=NONSENSE", "+one ops",
		"+one max_rings=-1", "+one max_rings=4294967296", "+one lsm=ignore", "+one enabled=N",
		"+one ops=all ops=base", "-one ops=all", "+one,two",
		"+a-name-that-is-longer-than-any-that-there-is",
	};
	char text[8192];
	unsigned int i;
	int node;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		EXPECT_EQ(i == 6 ? 0 : -EINVAL, control(self->first, texts[i]))
			TH_LOG("%s", texts[i]);
	EXPECT_EQ(0, control(self->first, "-.."));
	memset(text, ' ', sizeof(text));
	EXPECT_EQ(-1, write(self->first, text, sizeof(text)));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(-1, write(self->first, (void *)1, 4));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, control(self->first, "+one"));
	node = open(DEVICE "-one", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, node);
	EXPECT_EQ(-EINVAL, control(node, "+two"));
	EXPECT_EQ(-1, read(node, text, 1));
	EXPECT_EQ(EINVAL, errno);
	close(node);
}

/* Neither by who has another's descriptor, nor by one that somebody else has opened. */
TEST_F(nodes, only_by_administrators)
{
	const int theirs = 500;
	int status, fd;
	pid_t pid;

	ASSERT_EQ(0, chmod(DEVICE, 0666));
	/* It shares its descriptors. */
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, NULL, NULL, 0);
	if (pid == 0) {
		if (become_nobody())
			_exit(1);
		if (control(self->first, "+one") != -EPERM ||
		    control(self->first, "-one") != -EPERM)
			_exit(2);
		fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (dup2(fd, theirs) != theirs || control(fd, "+one") != -EPERM)
			_exit(3);
		/* Root of a namespace of one's own. */
		if (unshare(CLONE_NEWUSER) == 0 && control(fd, "+one") != -EPERM)
			_exit(4);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EPERM, control(theirs, "+one"));
	EXPECT_EQ(-1, access(DEVICE "-one", F_OK));
	EXPECT_EQ(0, close(theirs));
}

static int stop;

/* Opens a device that comes and goes, and makes rings by it. */
static void *use_node(void *made)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct io_uring_params params = {};
		struct ruring_setup setup = { .entries = 4, .params = (uintptr_t)&params };
		int node = open(DEVICE "-one", O_RDWR | O_CLOEXEC);
		int fd = node < 0 ? -1 : ioctl(node, RURING_IOC_SETUP, &setup);

		if (fd >= 0) {
			__atomic_fetch_add((int *)made, 1, __ATOMIC_RELAXED);
			close(fd);
		}
		if (node >= 0)
			close(node);
	}
	return NULL;
}

static bool has_made_one(void *made)
{
	return __atomic_load_n((int *)made, __ATOMIC_RELAXED) > 0;
}

TEST_F(nodes, come_and_go)
{
	pthread_t user;
	int i, made = 0;

	ASSERT_EQ(0, control(self->first, "+one"));
	ASSERT_EQ(0, pthread_create(&user, NULL, use_node, &made));
	EXPECT_TRUE(wait_until(has_made_one, &made));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, control(self->first, "-one"));
		EXPECT_EQ(0, control(self->first, "+one max_rings=1"));
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(user, NULL));
}

TEST_HARNESS_MAIN
