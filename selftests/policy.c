// SPDX-License-Identifier: GPL-2.0
/*
 * What the administrator lets rings have: the parameters of the module.
 */
#include <fcntl.h>
#include <poll.h>
#include <linux/ruring.h>
#include <sys/wait.h>

#include "check.h"

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
	EXPECT_EQ(0, set("max_entries", "4294967295"));
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

TEST_HARNESS_MAIN
