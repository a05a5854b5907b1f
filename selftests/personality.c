// SPDX-License-Identifier: GPL-2.0
/*
 * Personalities: requests with other rights than those of who submits them, and
 * the rights and the network of requests that a thread submits.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/un.h>

#define RING_MODES
#include "fixture.h"

static int register_own(struct ring *r)
{
	return ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
}

static int unregister(struct ring *r, unsigned int id)
{
	return ring_register(r, IORING_UNREGISTER_PERSONALITY, NULL, id);
}

/* What only root may do, in the call that submits it. */
static struct io_uring_sqe *prep_raw(struct ring *r, unsigned int personality)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_SOCKET, AF_INET, NULL, IPPROTO_ICMP, 1);

	sqe->off = SOCK_RAW;
	sqe->personality = personality;
	return sqe;
}

/* The same, by a worker. */
static struct io_uring_sqe *prep_open(struct ring *r, const char *name, unsigned int personality)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, name, 0, 1);

	sqe->open_flags = O_RDONLY;
	sqe->personality = personality;
	return sqe;
}

/* A file that nobody but root may read. */
static int secret(char *name)
{
	int fd = mkstemp(name);

	return fd < 0 ? -1 : close(fd) | chmod(name, 0600);
}

static int result_of(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) < 0 || ring_take(r, &cqe))
		return -ENOTRECOVERABLE;
	return cqe.res;
}

TEST_F(ring, ids)
{
	struct ring *r = &self->ring;

	EXPECT_EQ(1, register_own(r));
	EXPECT_EQ(2, register_own(r));
	EXPECT_EQ(0, unregister(r, 1));
	EXPECT_EQ(-EINVAL, unregister(r, 1));
	/* Not the one that was just given back. */
	EXPECT_EQ(3, register_own(r));
	EXPECT_EQ(-EINVAL, unregister(r, 0));
	EXPECT_EQ(-EINVAL, unregister(r, 4));
	EXPECT_EQ(-EINVAL, unregister(r, 1 << 16 | 2));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_PERSONALITY, r, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_PERSONALITY, r, 2));

	prep_nop(r, 1)->personality = 2;
	ASSERT_RESULT(r, 0);
	prep_nop(r, 1)->personality = 1;
	ASSERT_RESULT(r, -EINVAL);
	EXPECT_EQ(0, unregister(r, 2));
	prep_nop(r, 1)->personality = 2;
	ASSERT_RESULT(r, -EINVAL);
}

TEST_F(ring, rights_are_those_registered)
{
	struct ring *r = &self->ring;
	char name[] = "/tmp/personality.XXXXXX";

	if (geteuid())
		SKIP(return, "only root has rights to lend");
	ASSERT_EQ(0, secret(name));
	ASSERT_EQ(1, register_own(r));
	ASSERT_EQ(0, become_nobody());

	prep_raw(r, 0);
	EXPECT_EQ(-EPERM, result_of(r));
	prep_raw(r, 1);
	EXPECT_LE(0, result_of(r));
	prep_open(r, name, 0);
	EXPECT_EQ(-EACCES, result_of(r));
	prep_open(r, name, 1);
	EXPECT_LE(0, result_of(r));
	prep_raw(r, 1)->flags = IOSQE_ASYNC;
	EXPECT_LE(0, result_of(r));
	prep_open(r, name, 1)->flags = IOSQE_ASYNC;
	EXPECT_LE(0, result_of(r));
	/* They are nobody's for longer than that request. */
	prep_raw(r, 0);
	EXPECT_EQ(-EPERM, result_of(r));
	EXPECT_EQ(-1, open(name, O_RDONLY));
	EXPECT_EQ(-1, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

/* Each request of a link has its own, and others in between. */
TEST_F(ring, rights_in_a_link)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe = {};
	int i, results[4];

	if (geteuid())
		SKIP(return, "only root has rights to lend");
	ASSERT_EQ(1, register_own(r));
	ASSERT_EQ(0, become_nobody());
	prep_nop(r, 0)->flags = IOSQE_IO_HARDLINK;
	prep_raw(r, 1)->flags = IOSQE_IO_HARDLINK;
	prep_raw(r, 0)->flags = IOSQE_IO_HARDLINK;
	prep_raw(r, 1);
	ASSERT_EQ(4, ring_submit(r));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		results[i] = cqe.res;
	}
	EXPECT_EQ(0, results[0]);
	EXPECT_LE(0, results[1]);
	EXPECT_EQ(-EPERM, results[2]);
	EXPECT_LE(0, results[3]);
}

/* Binding is done with the ring unlocked. */
TEST_F(ring, rights_to_bind)
{
	struct ring *r = &self->ring;
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(99),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct io_uring_sqe *sqe;
	int i, fd;

	if (geteuid())
		SKIP(return, "only root has rights to lend");
	ASSERT_EQ(1, register_own(r));
	ASSERT_EQ(0, become_nobody());
	fd = socket(AF_INET, SOCK_STREAM, 0);
	for (i = 0; i < 2; i++) {
		sqe = prep(r, IORING_OP_BIND, fd, &addr, 0, 1);
		sqe->addr2 = sizeof(addr);
		sqe->personality = i;
		ASSERT_RESULT(r, i ? 0 : -EACCES);
	}
}

/* A request that waits keeps the rights that it was given. */
TEST_F(ring, rights_outlive_their_registration)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	char byte = 0;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(1, register_own(r));
	sqe = prep_recv(r, sv[0], &byte, 1, 7);
	sqe->personality = 1;
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, unregister(r, 1));
	ASSERT_QUIET(r);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 7, 1, 0);
	EXPECT_EQ('x', byte);
}

FIXTURE(polled) {
	struct ring ring;
};

FIXTURE_VARIANT(polled) {
	enum backend backend;
};

FIXTURE_VARIANT_ADD(polled, ruring) {
	.backend = RURING,
};

FIXTURE_VARIANT_ADD(polled, io_uring) {
	.backend = IO_URING,
};

FIXTURE_SETUP(polled)
{
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, IORING_SETUP_SQPOLL));
}

FIXTURE_TEARDOWN(polled)
{
	ring_exit(&self->ring);
}

static int polled_result(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	ring_publish(r);
	ring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return ring_take(r, &cqe) ? -ENOTRECOVERABLE : cqe.res;
}

/* What a thread submits is done with the rights of who has set it up, as of then. */
TEST_F(polled, rights_of_set_up)
{
	struct ring *r = &self->ring;
	char name[] = "/tmp/personality.XXXXXX";

	if (geteuid())
		SKIP(return, "only root has rights to lend");
	ASSERT_EQ(0, secret(name));
	ASSERT_EQ(0, become_nobody());
	prep_raw(r, 0);
	EXPECT_LE(0, polled_result(r));
	prep_open(r, name, 0);
	EXPECT_LE(0, polled_result(r));
	EXPECT_EQ(-1, open(name, O_RDONLY));
}

/* A descriptor is the task's, whoever asks for it. */
TEST_F(ring, descriptors_are_installed_with_own_rights)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int fd = 0;

	ASSERT_EQ(1, register_own(r));
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_FILES, &fd, 1));
	/* refused before anything of the link is done */
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 2);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->personality = 1;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -EPERM, 0);
	/* rights that there are not are the first thing that is wrong */
	sqe = prep(r, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 3);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->personality = 2;
	ASSERT_RESULT(r, -EINVAL);
}

/* And in the network that there was. */
TEST_F(polled, network_of_set_up)
{
	struct ring *r = &self->ring;
	unsigned long long before, after;
	socklen_t len = sizeof(before);
	int fd;

	if (geteuid())
		SKIP(return, "only root may change its network");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &before, &len));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	prep(r, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->off = SOCK_DGRAM;
	fd = polled_result(r);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &after, &len));
	EXPECT_EQ(before, after);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &after, &len));
	EXPECT_NE(before, after);
}

TEST_HARNESS_MAIN
