// SPDX-License-Identifier: GPL-2.0
/*
 * What is sent to the kernel, which does in the call what the message says, and what is sent to a name in a file
 * system: both take as long as others like. What arrives, by each way to send it, and what becomes of what finds no room.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/ruring.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/un.h>

#define RING_MODES
#include "fixture.h"
#include "rsrc.h"

#define GROUP	3

/* Asks for the first network device. */
struct question {
	struct nlmsghdr header;
	struct ifinfomsg device;
};

static struct question question(unsigned int seq)
{
	return (struct question) {
		.header = {
			.nlmsg_len = sizeof(struct question),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = seq,
		},
		.device = { .ifi_index = 1 },
	};
}

static int netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* The number of the question that was answered, which it is in the call. */
static int answered(int fd)
{
	static union {
		struct nlmsghdr header;
		char bytes[16384];
	} answer;
	ssize_t len = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);

	if (len < 0)
		return -errno;
	return answer.header.nlmsg_type == RTM_NEWLINK ? (int)answer.header.nlmsg_seq : -EPROTO;
}

/* Asks for something to be done to that device, and names a descriptor. */
struct order {
	struct nlmsghdr header;
	struct ifinfomsg device;
	struct nlattr attr;
	int fd;
};

static const struct order no_network = {
	.header = {
		.nlmsg_len = sizeof(struct order),
		.nlmsg_type = RTM_SETLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	},
	.device = { .ifi_index = 1 },
	.attr = { .nla_len = sizeof(struct nlattr) + sizeof(int), .nla_type = IFLA_NET_NS_FD },
	.fd = 9999,
};

/* What was said to it. */
static int said(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;

	if (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) < 0)
		return -errno;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
}

#define ASSERT_ANSWERED(seq, cflags) do {						\
	ASSERT_EQ(1, ring_submit(r));							\
	ASSERT_CQE(r, seq, sizeof(struct question), cflags);				\
	ASSERT_EQ(seq, answered(fd));							\
} while (0)

TEST_F(ring, commands)
{
	struct question *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { q, 10 }, { (char *)q + 10, sizeof(*q) - 10 } };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct io_uring_sqe *sqe;
	int fd = netlink_socket();
	struct ring *r = &self->ring;

	ASSERT_LE(0, fd);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_EQ(0, buffers_register(r, &(struct iovec){ q, PAGE }, 1));
	*q = question(1);
	prep_send(r, fd, q, sizeof(*q), 1);
	ASSERT_ANSWERED(1, 0);
	*q = question(2);
	sqe = prep_send(r, fd, q, sizeof(*q), 2);
	sqe->addr2 = (uintptr_t)&kernel;
	sqe->addr_len = sizeof(kernel);
	ASSERT_ANSWERED(2, 0);
	*q = question(3);
	prep_send_fixed(r, fd, q, sizeof(*q), 0, 3);
	ASSERT_ANSWERED(3, 0);
	*q = question(4);
	prep_send(r, fd, iov, 2, 4)->ioprio = IORING_SEND_VECTORIZED;
	ASSERT_ANSWERED(4, 0);
	*q = question(5);
	prep(r, IORING_OP_SENDMSG, fd, &msg, 1, 5);
	ASSERT_ANSWERED(5, 0);
	*q = question(6);
	prep(r, IORING_OP_WRITE, fd, q, sizeof(*q), 6);
	ASSERT_ANSWERED(6, 0);
	*q = question(7);
	prep(r, IORING_OP_WRITEV, fd, iov, 2, 7);
	ASSERT_ANSWERED(7, 0);
	*q = question(8);
	prep(r, IORING_OP_WRITE_FIXED, fd, q, sizeof(*q), 8);
	ASSERT_ANSWERED(8, 0);
	*q = question(9);
	prep_send(r, fd, q, sizeof(*q), 9)->flags = IOSQE_ASYNC;
	ASSERT_ANSWERED(9, 0);
	*q = question(10);
	prep_send(r, fd, q, sizeof(*q), 10)->ioprio = IORING_RECVSEND_POLL_FIRST;
	ASSERT_ANSWERED(10, 0);
	prep_send(r, fd, NULL, sizeof(*q), 11);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, fd, (char *)q + PAGE, 1, 0, 11);
	ASSERT_RESULT(r, -EFAULT);
	prep_send_fixed(r, fd, q, sizeof(*q), 1, 11);
	ASSERT_RESULT(r, -EFAULT);
	prep(r, IORING_OP_WRITE_FIXED, fd, q, sizeof(*q), 11)->buf_index = 1;
	ASSERT_RESULT(r, -EFAULT);
	ASSERT_QUIET(r);
	munmap(q, PAGE);
	close(fd);
}

/* Whoever does it has the descriptors of who has asked for it: the kernel looks for one that is not there. */
TEST_F(ring, commands_that_name_descriptors)
{
	const struct order *order = &no_network;
	struct iovec iov = { (void *)order, sizeof(*order) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = netlink_socket(), file = new_file(true), ends[2];
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	unsigned int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(sizeof(*order), write(file, order, sizeof(*order)));
	for (i = 0; i < 2; i++) {
		unsigned int flags = i ? IOSQE_ASYNC : 0;

		prep_send(r, fd, order, sizeof(*order), 1)->flags = flags;
		ASSERT_RESULT(r, (int)sizeof(*order));
		ASSERT_EQ(-EBADF, said(fd));
		prep(r, IORING_OP_SENDMSG, fd, &msg, 1, 1)->flags = flags;
		ASSERT_RESULT(r, (int)sizeof(*order));
		ASSERT_EQ(-EBADF, said(fd));
		prep(r, IORING_OP_WRITE, fd, order, sizeof(*order), 1)->flags = flags;
		ASSERT_RESULT(r, (int)sizeof(*order));
		ASSERT_EQ(-EBADF, said(fd));
		ASSERT_EQ(sizeof(*order), write(ends[1], order, sizeof(*order)));
		sqe = prep(r, IORING_OP_SPLICE, fd, NULL, sizeof(*order), 1);
		sqe->flags = flags;
		sqe->splice_fd_in = ends[0];
		sqe->off = -1;
		sqe->splice_off_in = -1;
		ASSERT_RESULT(r, (int)sizeof(*order));
		ASSERT_EQ(-EBADF, said(fd));
		if (variant->backend == IO_URING)
			continue;
		sqe = prep(r, RURING_OP_SENDFILE, fd, NULL, sizeof(*order), 1);
		sqe->flags = flags;
		sqe->splice_fd_in = file;
		ASSERT_RESULT(r, (int)sizeof(*order));
		ASSERT_EQ(-EBADF, said(fd));
	}
	close(file);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

/* From provided buffers: one, and as many as there are. */
TEST_F(ring, commands_in_buffers)
{
	struct question q = question(1);
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int fd = netlink_socket();
	struct pbuf one, two;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pbuf_init(&one, r, GROUP, 1, sizeof(q)));
	ASSERT_EQ(0, pbuf_init(&two, r, GROUP + 1, 2, sizeof(q) / 2));
	memcpy(pbuf_mem(&one, 0), &q, sizeof(q));
	q = question(2);
	memcpy(pbuf_mem(&two, 0), &q, sizeof(q) / 2);
	memcpy(pbuf_mem(&two, 1), (char *)&q + sizeof(q) / 2, sizeof(q) / 2);
	pbuf_fill(&one);
	pbuf_fill(&two);
	sqe = prep_send(r, fd, NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_ANSWERED(1, BUFFER_FLAGS(0));
	sqe = prep_send(r, fd, NULL, 0, 2);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP + 1;
	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_ANSWERED(2, BUFFER_FLAGS(0));
	/* both have nothing left */
	sqe = prep_send(r, fd, NULL, 0, 3);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_RESULT(r, -ENOBUFS);
	sqe = prep_send(r, fd, NULL, 0, 3);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP + 1;
	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	ASSERT_RESULT(r, -ENOBUFS);
	pbuf_exit(&one);
	pbuf_exit(&two);
	close(fd);
}

/* A socket that has a name, in a directory of its own. */
struct named {
	struct sockaddr_un addr;
	char dir[32];
	int fd;
};

static int named_make(struct named *n)
{
	*n = (struct named){ .addr.sun_family = AF_UNIX, .dir = "/tmp/ruring.XXXXXX" };
	if (!mkdtemp(n->dir))
		return -errno;
	snprintf(n->addr.sun_path, sizeof(n->addr.sun_path), "%s/socket", n->dir);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(n->fd, (struct sockaddr *)&n->addr, sizeof(n->addr)) ? -errno : 0;
}

static void named_end(struct named *n)
{
	close(n->fd);
	unlink(n->addr.sun_path);
	rmdir(n->dir);
}

/* Send until there is no room. How many messages that takes. */
static int named_fill(struct named *n, int from)
{
	int nr = 0;

	while (sendto(from, "f", 1, MSG_DONTWAIT, (struct sockaddr *)&n->addr, sizeof(n->addr)) == 1)
		nr++;
	return errno == EAGAIN ? nr : -errno;
}

static int take(struct named *n)
{
	char c;

	return recv(n->fd, &c, 1, MSG_DONTWAIT) == 1 ? c : -errno;
}

static struct io_uring_sqe *prep_to(struct ring *r, int fd, struct named *n, const char *text, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_send(r, fd, text, 1, user_data);

	sqe->addr2 = (uintptr_t)&n->addr;
	sqe->addr_len = sizeof(n->addr);
	return sqe;
}

TEST_F(ring, to_a_name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct iovec iov = { "m", 1 };
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	struct named to;
	struct pbuf pb;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &to.addr, .msg_namelen = sizeof(to.addr),
	};

	ASSERT_EQ(0, named_make(&to));
	prep_to(r, fd, &to, "a", 1);
	ASSERT_COMPLETES(r, 1, 1, 0);
	EXPECT_EQ('a', take(&to));
	prep(r, IORING_OP_SENDMSG, fd, &msg, 1, 2);
	ASSERT_COMPLETES(r, 2, 1, 0);
	EXPECT_EQ('m', take(&to));
	ASSERT_EQ(0, pbuf_init(&pb, r, GROUP, 2, 1));
	*pbuf_mem(&pb, 0) = 'b';
	*pbuf_mem(&pb, 1) = 'c';
	pbuf_fill(&pb);
	sqe = prep_to(r, fd, &to, NULL, 3);
	sqe->len = 0;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_COMPLETES(r, 3, 1, BUFFER_FLAGS(0));
	EXPECT_EQ('b', take(&to));
	sqe = prep_to(r, fd, &to, NULL, 4);
	sqe->len = 0;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->ioprio = IORING_RECVSEND_BUNDLE;
	sqe->buf_group = GROUP;
	ASSERT_COMPLETES(r, 4, 1, BUFFER_FLAGS(1));
	EXPECT_EQ('c', take(&to));
	/* what it does is over before what is linked behind it */
	prep_to(r, fd, &to, "d", 5)->flags = IOSQE_IO_LINK;
	prep_nop(r, 6);
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 5, 1, 0);
	ASSERT_CQE(r, 6, 0, 0);
	EXPECT_EQ('d', take(&to));
	named_end(&to);
	prep_to(r, fd, &to, "e", 7);
	ASSERT_RESULT(r, -ENOENT);
	pbuf_exit(&pb);
	close(fd);
}

/* Whoever is to have it has no room for it yet. */
TEST_F(ring, waits_for_room)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), nr, i;
	struct iovec iov = { "m", 1 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	struct named to;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &to.addr, .msg_namelen = sizeof(to.addr),
	};

	if (variant->backend == IO_URING)
		SKIP(return, "what it sends then is empty: its first attempt has used the bytes up");
	ASSERT_EQ(0, named_make(&to));
	nr = named_fill(&to, fd);
	ASSERT_LT(0, nr);
	prep_to(r, fd, &to, "a", 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	for (i = 0; i < nr; i++)
		ASSERT_EQ('f', take(&to));
	ASSERT_CQE(r, 1, 1, 0);
	ASSERT_EQ('a', take(&to));

	ASSERT_EQ(nr, named_fill(&to, fd));
	prep(r, IORING_OP_SENDMSG, fd, &msg, 1, 2);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	for (i = 0; i < nr; i++)
		ASSERT_EQ('f', take(&to));
	ASSERT_CQE(r, 2, 1, 0);
	ASSERT_EQ('m', take(&to));

	ASSERT_EQ(nr, named_fill(&to, fd));
	prep_to(r, fd, &to, "a", 3)->msg_flags = MSG_DONTWAIT;
	ASSERT_RESULT(r, -EAGAIN);
	prep_to(r, fd, &to, "a", 4);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_QUIET(r);
	prep_cancel(r, 4, 0, 5);
	ASSERT_EQ(1, ring_submit(r));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		EXPECT_EQ(cqe.user_data == 4, cqe.res == -EINTR || cqe.res == -ECANCELED);
		EXPECT_EQ(cqe.user_data == 5, !cqe.res || cqe.res == -EALREADY);
	}
	for (i = 0; i < nr; i++)
		ASSERT_EQ('f', take(&to));
	ASSERT_EQ(-EAGAIN, take(&to));
	named_end(&to);
	close(fd);
}

/* What is connected heeds no name, and looks none up: it waits for its file, as without one. */
TEST_F(ring, name_that_is_not_looked_up)
{
	struct iovec iov = { "m", 1 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	unsigned int op;
	struct named to;
	int sv[2], i;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &to.addr, .msg_namelen = sizeof(to.addr),
	};

	ASSERT_EQ(0, named_make(&to));
	ASSERT_EQ(0, unix_pair(SOCK_SEQPACKET, sv));
	ASSERT_LT(0, fill_socket(sv[0]));
	for (op = 0; op < 2; op++) {
		if (op)
			prep(r, IORING_OP_SENDMSG, sv[0], &msg, 1, 1);
		else
			prep_to(r, sv[0], &to, "a", 1);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_QUIET(r);
		prep_cancel(r, 1, 0, 2);
		ASSERT_EQ(1, ring_submit(r));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ring_take(r, &cqe));
			EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
		}
	}
	EXPECT_EQ(-EAGAIN, take(&to));
	named_end(&to);
	close(sv[0]);
	close(sv[1]);
}

TEST_HARNESS_MAIN
