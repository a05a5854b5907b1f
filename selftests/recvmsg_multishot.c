// SPDX-License-Identifier: GPL-2.0
/*
 * Multishot RECVMSG: each buffer starts with a struct io_uring_recvmsg_out,
 * then room for the name, room for control messages, and the payload.
 */
#include <arpa/inet.h>

#define RING_MODES
#include "fixture.h"

#define GROUP	1
#define MORE	IORING_CQE_F_MORE
#define NONEMPTY	IORING_CQE_F_SOCK_NONEMPTY
#define HEADER	((int)sizeof(struct io_uring_recvmsg_out))

/* A UDP receiver, a sender that is connected to it, and a group of buffers. */
struct bench {
	struct pbuf pb;
	struct sockaddr_in rx_addr;
	struct sockaddr_in tx_addr;
	struct msghdr msg;
	int rx;
	int tx;
};

static int bench_init(struct bench *b, struct ring *ring, unsigned int size)
{
	int ret;

	memset(&b->msg, 0, sizeof(b->msg));
	b->rx = udp_socket(&b->rx_addr);
	b->tx = udp_socket(&b->tx_addr);
	if (b->rx < 0 || b->tx < 0)
		return -EIO;
	if (connect(b->tx, (struct sockaddr *)&b->rx_addr, sizeof(b->rx_addr)))
		return -errno;
	ret = pbuf_init(&b->pb, ring, GROUP, 8, size);
	if (!ret)
		pbuf_fill(&b->pb);
	return ret;
}

static bool arm(struct ring *ring, struct bench *b, __u64 user_data)
{
	prep_recvmsg_multi(ring, b->rx, &b->msg, GROUP, user_data);
	return ring_submit(ring) == 1;
}

static struct io_uring_recvmsg_out *out_of(struct bench *b, unsigned int bid)
{
	return (void *)pbuf_mem(&b->pb, bid);
}

static char *name_of(struct bench *b, unsigned int bid)
{
	return pbuf_mem(&b->pb, bid) + HEADER;
}

static char *control_of(struct bench *b, unsigned int bid)
{
	return name_of(b, bid) + b->msg.msg_namelen;
}

static char *payload_of(struct bench *b, unsigned int bid)
{
	return control_of(b, bid) + b->msg.msg_controllen;
}

TEST_F(ring, header_and_payload)
{
	struct bench b;
	unsigned int i;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(5, write(b.tx, "hello", 5));
		ASSERT_CQE(&self->ring, 1, HEADER + 5, MORE | BUFFER_FLAGS(i));
		EXPECT_EQ(0, out_of(&b, i)->namelen);
		EXPECT_EQ(0, out_of(&b, i)->controllen);
		EXPECT_EQ(5, out_of(&b, i)->payloadlen);
		EXPECT_EQ(0, out_of(&b, i)->flags);
		EXPECT_EQ(0, memcmp(payload_of(&b, i), "hello", 5));
	}
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, name_of_the_sender)
{
	struct sockaddr_in name;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_namelen = sizeof(name);
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + (int)sizeof(name) + 3, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(sizeof(name), out_of(&b, 0)->namelen);
	memcpy(&name, name_of(&b, 0), sizeof(name));
	EXPECT_EQ(AF_INET, name.sin_family);
	EXPECT_EQ(b.tx_addr.sin_port, name.sin_port);
	EXPECT_EQ(b.tx_addr.sin_addr.s_addr, name.sin_addr.s_addr);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));
}

TEST_F(ring, name_in_more_room_than_it_needs)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 128));
	b.msg.msg_namelen = 40;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + 40 + 3, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(sizeof(struct sockaddr_in), out_of(&b, 0)->namelen);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));
}

TEST_F(ring, name_is_cut_off)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_namelen = 4;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + 4 + 3, MORE | BUFFER_FLAGS(0));
	/* the length is that of the whole name */
	EXPECT_EQ(sizeof(struct sockaddr_in), out_of(&b, 0)->namelen);
	EXPECT_EQ(0, memcmp(name_of(&b, 0), &b.tx_addr, 4));
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));
}

TEST_F(ring, control_message)
{
	struct cmsghdr *cmsg;
	struct bench b;
	int one = 1;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 256));
	ASSERT_EQ(0, setsockopt(b.rx, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
	b.msg.msg_namelen = sizeof(struct sockaddr_in);
	b.msg.msg_controllen = CMSG_SPACE(sizeof(int));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + 16 + (int)CMSG_SPACE(sizeof(int)) + 3,
		   MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(CMSG_SPACE(sizeof(int)), out_of(&b, 0)->controllen);
	EXPECT_EQ(0, out_of(&b, 0)->flags);
	cmsg = (void *)control_of(&b, 0);
	EXPECT_EQ(IPPROTO_IP, cmsg->cmsg_level);
	EXPECT_EQ(IP_TTL, cmsg->cmsg_type);
	EXPECT_EQ(CMSG_LEN(sizeof(int)), cmsg->cmsg_len);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));

	/* the next starts afresh */
	ASSERT_EQ(2, write(b.tx, "de", 2));
	ASSERT_CQE(&self->ring, 1, HEADER + 16 + (int)CMSG_SPACE(sizeof(int)) + 2,
		   MORE | BUFFER_FLAGS(1));
	EXPECT_EQ(CMSG_SPACE(sizeof(int)), out_of(&b, 1)->controllen);
}

TEST_F(ring, control_message_is_cut_off)
{
	struct bench b;
	int one = 1;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 256));
	ASSERT_EQ(0, setsockopt(b.rx, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
	b.msg.msg_controllen = 8;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + 8 + 3, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(0, out_of(&b, 0)->controllen);
	EXPECT_EQ(MSG_CTRUNC, out_of(&b, 0)->flags);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));
}

TEST_F(ring, no_control_message_came)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 128));
	b.msg.msg_controllen = 32;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(3, write(b.tx, "abc", 3));
	ASSERT_CQE(&self->ring, 1, HEADER + 32 + 3, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(0, out_of(&b, 0)->controllen);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "abc", 3));
}

TEST_F(ring, payload_is_cut_off)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, HEADER + 4));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(10, write(b.tx, "0123456789", 10));
	ASSERT_CQE(&self->ring, 1, HEADER + 4, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(MSG_TRUNC, out_of(&b, 0)->flags);
	EXPECT_EQ(4, out_of(&b, 0)->payloadlen);
	EXPECT_EQ(0, memcmp(payload_of(&b, 0), "0123", 4));
}

TEST_F(ring, whole_length_of_what_is_cut_off)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, HEADER + 4));
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1)->msg_flags = MSG_TRUNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(10, write(b.tx, "0123456789", 10));
	ASSERT_CQE(&self->ring, 1, HEADER + 4, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(10, out_of(&b, 0)->payloadlen);
	EXPECT_EQ(MSG_TRUNC, out_of(&b, 0)->flags);
}

TEST_F(ring, no_room_for_a_payload)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, HEADER));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(2, write(b.tx, "ab", 2));
	ASSERT_CQE(&self->ring, 1, HEADER, BUFFER_FLAGS(0));
	EXPECT_EQ(0, out_of(&b, 0)->payloadlen);
	EXPECT_EQ(MSG_TRUNC, out_of(&b, 0)->flags);
}

TEST_F(ring, no_room_for_the_header)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, HEADER + 8));
	b.msg.msg_namelen = 9;
	ASSERT_EQ(2, write(b.tx, "ab", 2));
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_CQE(&self->ring, 1, -EFAULT, 0);
	/* neither the datagram nor the buffer is gone */
	b.msg.msg_namelen = 0;
	ASSERT_TRUE(arm(&self->ring, &b, 2));
	ASSERT_CQE(&self->ring, 2, HEADER + 2, MORE | BUFFER_FLAGS(0));
}

TEST_F(ring, header_is_read_once)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_namelen = 16;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	memset(&b.msg, 0xff, sizeof(b.msg));
	ASSERT_EQ(2, write(b.tx, "ab", 2));
	ASSERT_CQE(&self->ring, 1, HEADER + 16 + 2, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(16, out_of(&b, 0)->namelen);
}

TEST_F(ring, user_header_is_left_alone)
{
	struct msghdr before;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_namelen = 16;
	b.msg.msg_flags = 0x55;
	before = b.msg;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(2, write(b.tx, "ab", 2));
	ASSERT_CQE(&self->ring, 1, HEADER + 16 + 2, MORE | BUFFER_FLAGS(0));
	EXPECT_EQ(0, memcmp(&before, &b.msg, sizeof(before)));
}

/* Of the first message: those behind it have all of their buffers. */
TEST_F(ring, vector_of_one_limits_the_length)
{
	struct iovec iov = { .iov_len = HEADER + 4 };
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_iov = &iov;
	b.msg.msg_iovlen = 1;
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(10, write(b.tx, "0123456789", 10));
	ASSERT_CQE(&self->ring, 1, HEADER + 4, MORE | BUFFER_FLAGS(0));
	ASSERT_EQ(10, write(b.tx, "0123456789", 10));
	ASSERT_CQE(&self->ring, 1, HEADER + 10, MORE | BUFFER_FLAGS(1));
}

TEST_F(ring, vector_of_two_is_refused)
{
	struct iovec iov[2] = {};
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	b.msg.msg_iov = iov;
	b.msg.msg_iovlen = 2;
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, bad_header_is_refused)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	prep_recvmsg_multi(&self->ring, b.rx, (void *)8, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
	prep_recvmsg_multi(&self->ring, b.rx, NULL, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);

	b.msg.msg_controllen = ~0ul;
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EOVERFLOW);
	b.msg.msg_controllen = 0;
	b.msg.msg_namelen = -1;
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EOVERFLOW);
	b.msg.msg_name = &b;
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1);
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, needs_a_buffer_group)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, 0, 1)->flags = 0;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1)->msg_flags = MSG_WAITALL;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1)->optlen = 10;
	ASSERT_RESULT(&self->ring, -EINVAL);
	prep_recvmsg_multi(&self->ring, b.rx, &b.msg, GROUP, 1)->addr2 = 1;
	ASSERT_RESULT(&self->ring, -EINVAL);
}

TEST_F(ring, end_of_stream_ends_it)
{
	struct msghdr msg = {};
	struct pbuf pb;
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 4, 64));
	pbuf_fill(&pb);
	prep_recvmsg_multi(&self->ring, sv[0], &msg, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, HEADER + 1, MORE | BUFFER_FLAGS(0));
	close(sv[1]);
	/* a header in a buffer, as for any other */
	ASSERT_CQE(&self->ring, 1, HEADER, BUFFER_FLAGS(1));
	EXPECT_EQ(0, ((struct io_uring_recvmsg_out *)pbuf_mem(&pb, 1))->payloadlen);
	ASSERT_QUIET(&self->ring);
}

TEST_F(ring, no_buffers_ends_it_without_losing_a_datagram)
{
	struct io_uring_cqe cqe;
	unsigned int i;
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	for (i = 0; i < 10; i++) {
		char c = i;

		ASSERT_EQ(1, write(b.tx, &c, 1));
	}
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(HEADER + 1, cqe.res);
		EXPECT_EQ(MORE | BUFFER_FLAGS(i), cqe.flags & ~NONEMPTY);
		EXPECT_EQ((char)i, *payload_of(&b, i));
	}
	ASSERT_CQE(&self->ring, 1, -ENOBUFS, 0);
	pbuf_fill(&b.pb);
	ASSERT_TRUE(arm(&self->ring, &b, 2));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		EXPECT_EQ(HEADER + 1, cqe.res);
		EXPECT_EQ((char)(8 + i), *payload_of(&b, i));
	}
}

TEST_F(ring, header_that_cannot_be_written)
{
	struct bench b;

	ASSERT_EQ(0, bench_init(&b, &self->ring, 64));
	ASSERT_EQ(0, pbuf_unregister(&self->ring, GROUP));
	ASSERT_EQ(0, pbuf_init(&b.pb, &self->ring, GROUP, 4, 64));
	pbuf_add(&b.pb, (void *)4096, 64, 0);
	pbuf_publish(&b.pb);
	ASSERT_TRUE(arm(&self->ring, &b, 1));
	ASSERT_EQ(0, send(b.tx, "", 0, 0));
	ASSERT_CQE(&self->ring, 1, -EFAULT, 0);
}

/* Descriptors that came along are installed like recvmsg(2) does it. */
TEST_F(ring, descriptor_in_a_control_message)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr cmsg;
	} control = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr out = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	}, msg = { .msg_controllen = sizeof(control) };
	struct io_uring_recvmsg_out *header;
	int sv[2], pipes[2], fd;
	struct pbuf pb;
	char c;

	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, GROUP, 4, 128));
	pbuf_fill(&pb);
	prep_recvmsg_multi(&self->ring, sv[0], &msg, GROUP, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));

	control.cmsg.cmsg_level = SOL_SOCKET;
	control.cmsg.cmsg_type = SCM_RIGHTS;
	control.cmsg.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.cmsg), &pipes[1], sizeof(int));
	ASSERT_EQ(1, sendmsg(sv[1], &out, 0));
	ASSERT_CQE(&self->ring, 1, HEADER + (int)sizeof(control) + 1, MORE | BUFFER_FLAGS(0));

	header = (void *)pb.mem;
	EXPECT_EQ(sizeof(control), header->controllen);
	memcpy(&fd, CMSG_DATA((struct cmsghdr *)(header + 1)), sizeof(int));
	ASSERT_EQ(1, write(fd, "y", 1));
	ASSERT_EQ(1, read(pipes[0], &c, 1));
	EXPECT_EQ('y', c);
}

TEST_HARNESS_MAIN
