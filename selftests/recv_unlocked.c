// SPDX-License-Identifier: GPL-2.0
/*
 * What is received from the kernel, which goes on with a list while it is. A list of network devices comes in two messages at least,
 * of which the last says that it is over: by each way to receive, asked for before and after, and what becomes of who finds nothing.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/ruring.h>
#include <sys/mman.h>

#define RING_MODES
#include "fixture.h"
#include "rsrc.h"

#define GROUP	3
#define SIZE	32768
#define PARTS	16

/* Asks for all network devices, or for the first. */
static int ask(int fd, bool all, unsigned int seq)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg device;
	} question = {
		.header = {
			.nlmsg_len = sizeof(question),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | (all ? NLM_F_DUMP : 0),
			.nlmsg_seq = seq,
		},
		.device = { .ifi_index = all ? 0 : 1 },
	};

	return send(fd, &question, sizeof(question), 0) == sizeof(question) ? 0 : -errno;
}

static int netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* How many devices a message of that list tells of, or -1 if it is not of @seq. Whether it is the last is left in @over. */
static int devices_in(const void *bytes, int len, unsigned int seq, bool *over)
{
	const struct nlmsghdr *header = bytes;
	int nr = 0;

	*over = false;
	for (; NLMSG_OK(header, (unsigned int)len); header = NLMSG_NEXT(header, len)) {
		if (header->nlmsg_seq != seq)
			return -1;
		*over |= header->nlmsg_type == NLMSG_DONE;
		nr += header->nlmsg_type == RTM_NEWLINK;
	}
	return len ? -1 : nr;
}

/* How many there are, as recv(2) has it. */
static int devices(int fd)
{
	static char bytes[SIZE];
	bool over = false;
	int nr = 0, here;
	ssize_t len;

	if (ask(fd, true, 1000))
		return -1;
	while (!over) {
		len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		here = len < 0 ? -1 : devices_in(bytes, len, 1000, &over);
		if (here < 0)
			return -1;
		nr += here;
	}
	return nr;
}

enum way {
	RECV, RECV_FIRST, RECV_ASYNC, RECV_FIXED, RECV_GROUP, RECV_BUNDLE, RECVMSG, RECVMSG_GROUP,
	READ, READV, READ_FIXED, READ_GROUP, WAYS,
};

/* Where each of them receives to. */
struct room {
	char *bytes;
	struct pbuf pb;
	struct iovec iov[2];
	struct sockaddr_nl from;
	struct msghdr msg;
};

static int room_init(struct room *room, struct ring *r)
{
	room->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room->bytes == MAP_FAILED)
		return -errno;
	room->iov[0] = (struct iovec){ room->bytes, 100 };
	room->iov[1] = (struct iovec){ room->bytes + 100, SIZE - 100 };
	room->msg = (struct msghdr){
		.msg_name = &room->from,
		.msg_namelen = sizeof(room->from),
		.msg_iov = room->iov,
		.msg_iovlen = 2,
	};
	return buffers_register(r, &(struct iovec){ room->bytes, SIZE }, 1) ?:
	       pbuf_init(&room->pb, r, GROUP, PARTS, SIZE);
}

static void room_exit(struct room *room)
{
	pbuf_exit(&room->pb);
	munmap(room->bytes, SIZE);
}

static struct io_uring_sqe *from_group(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	return sqe;
}

static void prep_way(struct ring *r, int fd, struct room *room, enum way way)
{
	switch (way) {
	case RECV:
		prep_recv(r, fd, room->bytes, SIZE, way);
		break;
	case RECV_FIRST:
		prep_recv(r, fd, room->bytes, SIZE, way)->ioprio = IORING_RECVSEND_POLL_FIRST;
		break;
	case RECV_ASYNC:
		prep_recv(r, fd, room->bytes, SIZE, way)->flags = IOSQE_ASYNC;
		break;
	case RECV_FIXED:
		prep_recv(r, fd, room->bytes, SIZE, way)->ioprio = IORING_RECVSEND_FIXED_BUF;
		break;
	case RECV_GROUP:
		from_group(prep_recv(r, fd, NULL, 0, way));
		break;
	case RECV_BUNDLE:
		from_group(prep_recv(r, fd, NULL, 0, way))->ioprio = IORING_RECVSEND_BUNDLE;
		break;
	case RECVMSG:
		prep(r, IORING_OP_RECVMSG, fd, &room->msg, 1, way);
		break;
	case RECVMSG_GROUP:
		room->msg.msg_iovlen = 0;
		from_group(prep(r, IORING_OP_RECVMSG, fd, &room->msg, 1, way));
		break;
	case READ:
		prep(r, IORING_OP_READ, fd, room->bytes, SIZE, way);
		break;
	case READV:
		prep(r, IORING_OP_READV, fd, room->iov, 2, way);
		break;
	case READ_FIXED:
		prep(r, IORING_OP_READ_FIXED, fd, room->bytes, SIZE, way);
		break;
	case READ_GROUP:
		from_group(prep(r, IORING_OP_READ, fd, NULL, 0, way));
		break;
	case WAYS:
		break;
	}
}

/* The bytes of a completion. */
static const char *bytes_of(struct room *room, const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return room->bytes;
	return pbuf_mem(&room->pb, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}

/* A list that was asked for before, and one that is when its first receive waits. */
TEST_F(ring, a_list)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct room room;
	int fd = netlink_socket(), nr, all, here;
	unsigned int way, round;
	bool over;

	ASSERT_LE(0, fd);
	all = devices(fd);
	ASSERT_LT(0, all);
	ASSERT_EQ(0, room_init(&room, r));
	for (way = 0; way < WAYS; way++) {
		for (round = 0; round < 2; round++) {
			unsigned int seq = 2 * way + round + 1, parts = 0;

			pbuf_fill(&room.pb);
			if (round == 0)
				ASSERT_EQ(0, ask(fd, true, seq));
			for (nr = 0, over = false; !over; nr += here, parts++) {
				room.msg.msg_iovlen = 2;
				prep_way(r, fd, &room, way);
				ASSERT_EQ(1, ring_submit(r));
				if (round && !parts) {
					ASSERT_QUIET(r);
					ASSERT_EQ(0, ask(fd, true, seq));
				}
				ASSERT_EQ(0, ring_take(r, &cqe));
				ASSERT_EQ(way, cqe.user_data);
				ASSERT_LT(0, cqe.res) TH_LOG("way %u", way);
				here = devices_in(bytes_of(&room, &cqe), cqe.res, seq, &over);
				ASSERT_LE(0, here) TH_LOG("way %u", way);
			}
			EXPECT_EQ(all, nr) TH_LOG("way %u", way);
			EXPECT_LE(2, parts);
			if (way == RECVMSG)
				EXPECT_EQ(AF_NETLINK, room.from.nl_family);
			pbuf_exit(&room.pb);
			ASSERT_EQ(0, pbuf_init(&room.pb, r, GROUP, PARTS, SIZE));
		}
	}
	room_exit(&room);
	close(fd);
}

static void prep_shots(struct ring *r, int fd, struct room *room, unsigned int op)
{
	room->msg.msg_iovlen = 0;
	if (op == IORING_OP_RECVMSG)
		prep_recvmsg_multi(r, fd, &room->msg, GROUP, op);
	else if (op == IORING_OP_RECV)
		prep_recv_multi(r, fd, GROUP, op);
	else
		from_group(prep(r, op, fd, NULL, 0, op));
}

/* Each message of several lists is a completion of one request, in the buffers' order. */
TEST_F(ring, many_lists)
{
	static const unsigned int ops[] = { IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_READ_MULTISHOT };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct room room;
	int fd = netlink_socket(), nr, all, here;
	unsigned int i, seq, bid;
	bool over;

	ASSERT_LE(0, fd);
	all = devices(fd);
	ASSERT_LT(0, all);
	ASSERT_EQ(0, room_init(&room, r));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const unsigned int head = ops[i] == IORING_OP_RECVMSG ?
			sizeof(struct io_uring_recvmsg_out) + sizeof(room.from) : 0;

		pbuf_fill(&room.pb);
		prep_shots(r, fd, &room, ops[i]);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		for (seq = 1, bid = 0; seq <= 3; seq++) {
			ASSERT_EQ(0, ask(fd, true, seq));
			for (nr = 0, over = false; !over; nr += here, bid++) {
				ASSERT_EQ(0, ring_take(r, &cqe));
				ASSERT_EQ(ops[i], cqe.user_data);
				ASSERT_LT((int)head, cqe.res);
				ASSERT_EQ(BUFFER_FLAGS(bid) | IORING_CQE_F_MORE, cqe.flags);
				here = devices_in(bytes_of(&room, &cqe) + head, cqe.res - head, seq, &over);
				ASSERT_LE(0, here);
			}
			EXPECT_EQ(all, nr);
			ASSERT_QUIET(r);
		}
		prep_cancel(r, ops[i], 0, 99);
		ASSERT_EQ(1, ring_submit(r));
		for (seq = 0; seq < 2; seq++) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			EXPECT_EQ(cqe.user_data == 99 ? 0 : -ECANCELED, cqe.res);
			/* it has none that it would have to give back */
			EXPECT_EQ(0, cqe.flags);
		}
		pbuf_exit(&room.pb);
		ASSERT_EQ(0, pbuf_init(&room.pb, r, GROUP, PARTS, SIZE));
	}
	room_exit(&room);
	close(fd);
}

/* The vector of a multishot request limits the first message alone. */
TEST_F(ring, first_of_many)
{
	const int head = sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_nl);
	struct ring *r = &self->ring;
	struct iovec iov = { .iov_len = head + 16 };
	struct io_uring_cqe cqe;
	struct room room;
	int fd = netlink_socket(), i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, room_init(&room, r));
	pbuf_fill(&room.pb);
	room.msg.msg_iov = &iov;
	room.msg.msg_iovlen = 1;
	prep_recvmsg_multi(r, fd, &room.msg, GROUP, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	for (i = 0; i < 2; i++) {
		const struct io_uring_recvmsg_out *out = (void *)pbuf_mem(&room.pb, i);

		ASSERT_EQ(0, ask(fd, false, i + 1));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_EQ(BUFFER_FLAGS(i) | IORING_CQE_F_MORE, cqe.flags);
		EXPECT_EQ(sizeof(struct sockaddr_nl), out->namelen);
		EXPECT_EQ(i == 0, cqe.res == head + 16);
		EXPECT_EQ(i == 0 ? MSG_TRUNC : 0, (int)out->flags & MSG_TRUNC);
	}
	room_exit(&room);
	close(fd);
}

/*
 * What comes when there is no buffer stays where it is. A socket that does not say whether it has more is tried once more,
 * for which there is none; of a read only the next message shows that.
 */
TEST_F(ring, no_buffer)
{
	static const unsigned int ops[] = { IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_READ_MULTISHOT };
	static char bytes[SIZE];
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct room room;
	int fd = netlink_socket();
	unsigned int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, room_init(&room, r));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		pbuf_push(&room.pb, 0);
		prep_shots(r, fd, &room, ops[i]);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		ASSERT_EQ(0, ask(fd, false, 1));
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_LT(0, cqe.res);
		ASSERT_EQ(BUFFER_FLAGS(0) | IORING_CQE_F_MORE, cqe.flags);
		if (ops[i] == IORING_OP_READ_MULTISHOT) {
			ASSERT_QUIET(r);
			ASSERT_EQ(0, ask(fd, false, 2));
			ASSERT_CQE(r, ops[i], -ENOBUFS, 0);
		} else {
			ASSERT_CQE(r, ops[i], -ENOBUFS, 0);
			ASSERT_EQ(0, ask(fd, false, 2));
		}
		ASSERT_LT(0, recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
		EXPECT_EQ(2, (int)((struct nlmsghdr *)bytes)->nlmsg_seq);
		ASSERT_QUIET(r);
	}
	room_exit(&room);
	close(fd);
}

/* A buffer in which there is no room for what a message begins with is not taken. */
TEST_F(ring, no_room_for_a_message)
{
	struct sockaddr_storage name;
	struct msghdr msg = { .msg_name = &name, .msg_namelen = sizeof(name) };
	struct ring *r = &self->ring;
	int fd = netlink_socket(), i;
	struct pbuf pb;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 1, 100));
	pbuf_push(&pb, 0);
	for (i = 0; i < 2; i++) {
		prep_recvmsg_multi(r, fd, &msg, GROUP, 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_CQE(r, 1, -EFAULT, 0);
		ASSERT_EQ(0, ask(fd, false, 1));
	}
	from_group(prep_recv(r, fd, NULL, 0, 2));
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 2, 100, BUFFER_FLAGS(0));
	pbuf_exit(&pb);
	close(fd);
}

/* Two wait for one answer: who is not first waits on, and has the next. */
TEST_F(ring, one_of_two)
{
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	static char bytes[2][SIZE];
	int fd = netlink_socket(), seq;
	unsigned int op, i, seen;

	ASSERT_LE(0, fd);
	for (op = 0; op < 2; op++) {
		for (i = 0; i < 2; i++)
			prep(r, op ? IORING_OP_READ : IORING_OP_RECV, fd, bytes[i], SIZE, i);
		ASSERT_EQ(2, ring_submit(r));
		ASSERT_QUIET(r);
		for (seq = 1, seen = 0; seq <= 2; seq++) {
			ASSERT_EQ(0, ask(fd, false, seq));
			ASSERT_EQ(0, ring_take(r, &cqe));
			ASSERT_LT(0, cqe.res);
			ASSERT_GT(2, cqe.user_data);
			EXPECT_EQ(seq, (int)((struct nlmsghdr *)bytes[cqe.user_data])->nlmsg_seq);
			seen |= 1 << cqe.user_data;
			ASSERT_QUIET(r);
		}
		EXPECT_EQ(3, seen);
	}
	close(fd);
}

/* What does not wait, what is too short, and memory that is not there. */
TEST_F(ring, ends_at_once)
{
	struct ring *r = &self->ring;
	char bytes[16];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = netlink_socket();

	ASSERT_LE(0, fd);
	prep_recv(r, fd, bytes, sizeof(bytes), 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	prep(r, IORING_OP_RECVMSG, fd, &msg, 1, 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	prep(r, IORING_OP_READ, fd, bytes, sizeof(bytes), 1)->rw_flags = RWF_NOWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	ASSERT_EQ(0, ask(fd, false, 1));
	prep_recv(r, fd, bytes, sizeof(bytes), 1)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, (int)sizeof(bytes));
	ASSERT_EQ(0, ask(fd, false, 2));
	prep(r, IORING_OP_RECVMSG, fd, &msg, 1, 1);
	ASSERT_RESULT(r, (int)sizeof(bytes));
	EXPECT_EQ(MSG_TRUNC, msg.msg_flags & MSG_TRUNC);
	EXPECT_EQ(RTM_NEWLINK, ((struct nlmsghdr *)bytes)->nlmsg_type);
	ASSERT_EQ(0, ask(fd, false, 3));
	prep_recv(r, fd, NULL, 16, 1);
	ASSERT_RESULT(r, -EFAULT);
	ASSERT_QUIET(r);
	close(fd);
}

TEST_HARNESS_MAIN
