// SPDX-License-Identifier: GPL-2.0
/*
 * What Smack denies, a security module that asks other things than Landlock does: threads of SQPOLL, other
 * credentials, connections and messages by the label of the host. It has to be switched on when the
 * machine is booted, for which selftests/run gives this program a machine of its own.
 */
#include <fcntl.h>
#include <sys/mount.h>

#define RING_MODES
#include "fixture.h"

#define SMACKFS		"/sys/fs/smackfs"
/* An address of this machine's that has a label. */
#define FAR_AWAY	0x7f050607

static bool is_on(void)
{
	if (access(SMACKFS, F_OK))
		return false;
	return !access(SMACKFS "/load2", F_OK) || !mount("smackfs", SMACKFS, "smackfs", 0, NULL);
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

TEST_F(ring, threads_of_sqpoll)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };

	if (!is_on())
		SKIP(return, "Smack is not switched on");
	EXPECT_EQ(0, try_setup(variant->backend, 4, &params));
	device_fd();
	ASSERT_EQ(0, become_nobody());
	params = (struct io_uring_params) { .flags = IORING_SETUP_SQPOLL };
	EXPECT_EQ(-EPERM, try_setup(variant->backend, 4, &params));
	params = (struct io_uring_params) {};
	EXPECT_EQ(0, try_setup(variant->backend, 4, &params));
}

TEST_F(ring, other_credentials)
{
	struct ring *r = &self->ring;
	int id;

	if (!is_on())
		SKIP(return, "Smack is not switched on");
	id = ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
	ASSERT_LT(0, id);
	prep_nop(r, 1)->personality = id;
	ASSERT_RESULT(r, 0);
	/* who has another label may go on with the ring */
	ASSERT_EQ(0, write_to(SMACKFS "/load2", "Other _ rwxat"));
	ASSERT_EQ(0, write_to("/proc/self/attr/current", "Other"));
	ASSERT_EQ(0, become_nobody());
	prep_nop(r, 1)->personality = id;
	ASSERT_RESULT(r, -EPERM);
	/* its own */
	id = ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
	ASSERT_LT(0, id);
	prep_nop(r, 1)->personality = id;
	ASSERT_RESULT(r, 0);
}

TEST_F(ring, hosts_with_a_label)
{
	struct sockaddr_in to, near;
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int fd, udp;

	if (!is_on())
		SKIP(return, "Smack is not switched on");
	ASSERT_EQ(0, write_to(SMACKFS "/netlabel", "127.5.6.7/32 Faraway"));
	ASSERT_LE(0, tcp_listen(&near));
	to = near;
	to.sin_addr.s_addr = htonl(FAR_AWAY);

	/* as by system calls, and for root as well */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-1, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	EXPECT_EQ(EACCES, errno);
	prep(r, IORING_OP_CONNECT, fd, &to, 0, 1)->addr2 = sizeof(to);
	ASSERT_RESULT(r, -EACCES);
	sqe = prep(r, IORING_OP_CONNECT, fd, &to, 0, 1);
	sqe->addr2 = sizeof(to);
	sqe->flags = IOSQE_ASYNC;
	ASSERT_RESULT(r, -EACCES);
	prep(r, IORING_OP_CONNECT, fd, &near, 0, 1)->addr2 = sizeof(near);
	ASSERT_RESULT(r, 0);

	udp = socket(AF_INET, SOCK_DGRAM, 0);
	prep(r, IORING_OP_CONNECT, udp, &to, 0, 1)->addr2 = sizeof(to);
	ASSERT_RESULT(r, -EACCES);
	prep(r, IORING_OP_SENDMSG, udp, &msg, 1, 1);
	ASSERT_RESULT(r, -EACCES);
	sqe = prep(r, IORING_OP_SEND, udp, "x", 1, 1);
	sqe->addr2 = (unsigned long)&to;
	sqe->addr_len = sizeof(to);
	ASSERT_RESULT(r, -EACCES);
	close(fd);
	close(udp);
}

TEST_HARNESS_MAIN
