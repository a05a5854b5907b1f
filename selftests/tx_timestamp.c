// SPDX-License-Identifier: GPL-2.0
/*
 * URING_CMD TX_TIMESTAMP: when a socket has sent something, a completion for each time.
 */
#include <time.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "fixture.h"

#define PORT_NOBODY_HAS	9

/* UDP over the loopback, connected; the first tells when it has sent. */
static int stamped_pair(int sv[2])
{
	unsigned int how = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
			   SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY |
			   SOF_TIMESTAMPING_OPT_CMSG;

	if (inet_pair(AF_INET, SOCK_DGRAM, sv))
		return -errno;
	return setsockopt(sv[0], SOL_SOCKET, SO_TIMESTAMPING, &how, sizeof(how));
}

static void prep_stamps(struct ring *r, int fd, __u64 data)
{
	prep(r, IORING_OP_URING_CMD, fd, NULL, 0, data)->cmd_op = SOCKET_URING_OP_TX_TIMESTAMP;
}

static __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The next completion is the time of packet @key, and is of after @since. */
#define ASSERT_STAMP(r, data, key, since) do {					\
	__u64 _stamp;								\
	ASSERT_CQE(r, data, key, IORING_CQE_F_MORE | large_flag(r) |		\
		   SCM_TSTAMP_SND << IORING_TIMESTAMP_TYPE_SHIFT);		\
	_stamp = (r)->extra[0] * 1000000000ull + (r)->extra[1];			\
	EXPECT_LE(since, _stamp);						\
	EXPECT_LE(_stamp, now());						\
} while (0)

static unsigned int large_flag(const struct ring *r)
{
	return r->params.flags & IORING_SETUP_CQE_MIXED ? IORING_CQE_F_32 : 0;
}

FIXTURE(large) {
	struct ring ring;
	int sv[2];
};

FIXTURE_VARIANT(large) {
	enum backend backend;
	unsigned int flags;
};

#define VARIANT(name, back, how)						\
	FIXTURE_VARIANT_ADD(large, name) { .backend = back, .flags = how }

VARIANT(ruring, RURING, IORING_SETUP_CQE32);
VARIANT(io_uring, IO_URING, IORING_SETUP_CQE32);
VARIANT(ruring_defer, RURING, IORING_SETUP_CQE32 | DEFER_FLAGS);
VARIANT(io_uring_defer, IO_URING, IORING_SETUP_CQE32 | DEFER_FLAGS);
VARIANT(ruring_mixed, RURING, IORING_SETUP_CQE_MIXED);
VARIANT(io_uring_mixed, IO_URING, IORING_SETUP_CQE_MIXED);

FIXTURE_SETUP(large)
{
	ASSERT_EQ(0, ring_init_cq(&self->ring, variant->backend, 4, 8, variant->flags));
	ASSERT_EQ(0, stamped_pair(self->sv));
}

FIXTURE_TEARDOWN(large)
{
	ring_exit(&self->ring);
	close(self->sv[0]);
	close(self->sv[1]);
}

TEST_F(large, of_what_was_sent_before)
{
	struct ring *r = &self->ring;
	__u64 since = now();
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, send(self->sv[0], "x", 1, 0));
	prep_stamps(r, self->sv[0], 7);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 3; i++)
		ASSERT_STAMP(r, 7, i, since);
	ASSERT_QUIET(r);
}

TEST_F(large, of_what_is_sent_later)
{
	struct ring *r = &self->ring;
	__u64 since;
	int i;

	prep_stamps(r, self->sv[0], 7);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	for (i = 0; i < 20; i++) {
		since = now();
		ASSERT_EQ(1, send(self->sv[0], "x", 1, 0));
		ASSERT_STAMP(r, 7, i, since);
	}
	prep_cancel(r, 7, 0, 8);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 2));
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = {};

		ASSERT_TRUE(ring_peek(r, &cqe));
		EXPECT_EQ(cqe.user_data == 7 ? -ECANCELED : 0, cqe.res);
		EXPECT_EQ(0, cqe.flags);
	}
}

/* An error of the socket is not for it, and stays there. */
TEST_F(large, errors_stay)
{
	struct sockaddr_in nobody = {
		.sin_family = AF_INET, .sin_port = htons(PORT_NOBODY_HAS),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char control[512], data[8];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct ring *r = &self->ring;
	__u64 since = now();
	int one = 1, fd;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, setsockopt(self->sv[0], IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	ASSERT_EQ(0, connect(self->sv[0], (struct sockaddr *)&nobody, sizeof(nobody)));
	/* the answer that nobody is there comes before this returns */
	ASSERT_EQ(1, send(self->sv[0], "x", 1, 0));
	prep_stamps(r, self->sv[0], 7);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_STAMP(r, 7, 0, since);
	ASSERT_QUIET(r);
	ASSERT_LE(0, recvmsg(self->sv[0], &msg, MSG_ERRQUEUE | MSG_DONTWAIT));
	EXPECT_EQ(-1, recvmsg(self->sv[0], &msg, MSG_ERRQUEUE | MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	close(fd);
}

/* Without room for a time it ends, and the times stay for the next one. */
TEST_F(large, no_room)
{
	struct ring *r = &self->ring;
	__u64 since = now();
	unsigned int room = variant->flags & IORING_SETUP_CQE_MIXED ? 4 : 8;
	unsigned int i;

	for (i = 0; i < room + 2; i++)
		ASSERT_EQ(1, send(self->sv[0], "x", 1, 0));
	prep_stamps(r, self->sv[0], 7);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, ring_wait(r, 8));
	for (i = 0; i < room; i++)
		ASSERT_STAMP(r, 7, i, since);
	ASSERT_LE(0, ring_run(r));
	ASSERT_CQE(r, 7, -ENOBUFS, 0);
	prep_stamps(r, self->sv[0], 8);
	ASSERT_EQ(1, ring_submit(r));
	for (; i < room + 2; i++)
		ASSERT_STAMP(r, 8, i, since);
	ASSERT_QUIET(r);
}

TEST_F(ring, wants_large_completions)
{
	int sv[2];

	ASSERT_EQ(0, stamped_pair(sv));
	prep_stamps(&self->ring, sv[0], 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
