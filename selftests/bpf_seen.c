// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_BPF_FILTER: what a filter sees of a request, to the bit.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/un.h>

#define RING_MODES
#include "bpf.h"
#include "fixture.h"

#define WORDS		(sizeof(struct io_uring_bpf_ctx) / 4)
#define USER_DATA	0x123456789abcdef0ULL

/* One that lets pass what looks exactly like @ctx. */
static int add_expected(struct ring *ring, unsigned int op, const struct io_uring_bpf_ctx *ctx)
{
	struct sock_filter program[2 * WORDS + 2];
	__u32 words[WORDS];
	unsigned int i;

	memcpy(words, ctx, sizeof(words));
	for (i = 0; i < WORDS; i++) {
		program[2 * i] = (struct sock_filter)LOAD(4 * i);
		program[2 * i + 1] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, words[i], 0,
				 2 * (WORDS - i) - 1);
	}
	program[2 * WORDS] = (struct sock_filter)ALLOW;
	program[2 * WORDS + 1] = (struct sock_filter)DENY;
	return add_filter(ring, op, program, 2 * WORDS + 2, 0);
}

/* Submit what is prepared; the result of the last of @nr. */
static int result_of(struct ring *ring, unsigned int nr)
{
	struct io_uring_cqe cqe = {};
	int ret = ring_submit(ring);

	if (ret < 0)
		return ret;
	while (nr--) {
		ret = ring_take(ring, &cqe);
		if (ret)
			return ret;
	}
	return cqe.res;
}

/*
 * Submit @sqe to rings of the same kind, each of which asks a filter: the request
 * passes if it is expected to look like @ctx, and does not if that is wrong in any
 * one word. Returns the result of the one that passes.
 */
static int result_if_seen_as(struct ring *like, const struct io_uring_sqe *sqe,
			     const struct io_uring_bpf_ctx *ctx)
{
	int result = -EACCES;
	unsigned int i;

	for (i = 0; i <= WORDS; i++) {
		struct io_uring_bpf_ctx expected = *ctx;
		struct ring ring;
		int ret;

		if (i < WORDS)
			((__u32 *)&expected)[i] ^= 1u << (i * 7 % 32);
		if (ring_init(&ring, like->backend, 4, like->params.flags & DEFER_FLAGS))
			return -ENODEV;
		if (add_expected(&ring, sqe->opcode, &expected))
			return -ENODEV;
		*ring_sqe(&ring) = *sqe;
		ret = result_of(&ring, 1);
		ring_exit(&ring);
		if (i < WORDS && ret != -EACCES)
			return -ENOMSG;
		result = ret;
	}
	return result;
}

static struct io_uring_bpf_ctx ctx_of(const struct io_uring_sqe *sqe)
{
	return (struct io_uring_bpf_ctx) {
		.user_data = sqe->user_data,
		.opcode = sqe->opcode,
		.sqe_flags = sqe->flags,
	};
}

static struct io_uring_sqe sqe_of(unsigned int op, int fd)
{
	return (struct io_uring_sqe) { .opcode = op, .fd = fd, .user_data = USER_DATA };
}

#define SEEN(sqe, ctx, result)							\
	EXPECT_EQ(result, result_if_seen_as(&self->ring, &(sqe), &(ctx)))

TEST_F(ring, seen_of_any)
{
	struct io_uring_sqe sqe = sqe_of(IORING_OP_NOP, -1);
	struct io_uring_bpf_ctx ctx;
	int fd = new_file(false);

	ASSERT_LE(0, fd);
	ctx = ctx_of(&sqe);
	SEEN(sqe, ctx, 0);
	sqe.flags = IOSQE_IO_LINK | IOSQE_ASYNC | IOSQE_FIXED_FILE;
	ctx = ctx_of(&sqe);
	SEEN(sqe, ctx, 0);
	sqe.flags = 0;
	sqe.nop_flags = IORING_NOP_FIXED_FILE;
	ctx = ctx_of(&sqe);
	ctx.sqe_flags |= IOSQE_FIXED_FILE;
	SEEN(sqe, ctx, 0);
	sqe.nop_flags = 0;
	/* what drains, and what io_uring leaves to its workers, is asynchronous */
	sqe.flags = IOSQE_IO_DRAIN;
	ctx = ctx_of(&sqe);
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, 0);
	sqe = sqe_of(IORING_OP_FSYNC, fd);
	ctx = ctx_of(&sqe);
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, 0);
	sqe = sqe_of(IORING_OP_SHUTDOWN, fd);
	ctx = ctx_of(&sqe);
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, -ENOTSOCK);
	sqe = sqe_of(IORING_OP_FADVISE, fd);
	sqe.fadvise_advice = POSIX_FADV_SEQUENTIAL;
	ctx = ctx_of(&sqe);
	SEEN(sqe, ctx, 0);
	sqe.fadvise_advice = POSIX_FADV_WILLNEED;
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, 0);
	/* not of what it does not say */
	sqe = sqe_of(IORING_OP_READ, fd);
	sqe.flags = IOSQE_BUFFER_SELECT;
	ctx = ctx_of(&sqe);
	SEEN(sqe, ctx, -ENOBUFS);
	EXPECT_EQ(0, close(fd));
}

/* What follows a link in which one drains, drains. */
TEST_F(ring, seen_behind_a_link_that_drains)
{
	struct ring *r = &self->ring;
	struct io_uring_bpf_ctx ctx = {
		.user_data = USER_DATA, .opcode = IORING_OP_POLL_REMOVE,
		.sqe_flags = IOSQE_IO_DRAIN | IOSQE_ASYNC,
	};

	ASSERT_EQ(0, add_expected(r, IORING_OP_POLL_REMOVE, &ctx));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2)->flags = IOSQE_IO_DRAIN;
	prep(r, IORING_OP_POLL_REMOVE, -1, NULL, 0, USER_DATA);
	ASSERT_EQ(-ENOENT, result_of(r, 3));
	/* and once all are over nothing does any more */
	prep(r, IORING_OP_POLL_REMOVE, -1, NULL, 0, USER_DATA);
	ASSERT_EQ(-EACCES, result_of(r, 1));
}

TEST_F(ring, seen_of_a_socket)
{
	struct io_uring_sqe sqe = sqe_of(IORING_OP_SOCKET, AF_INET6);
	struct io_uring_bpf_ctx ctx;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 a filter sees the flags of a socket beside its type");
	sqe.off = SOCK_STREAM | SOCK_CLOEXEC;
	sqe.len = 12345;
	ctx = ctx_of(&sqe);
	ctx.pdu_size = 12;
	ctx.socket.family = AF_INET6;
	ctx.socket.type = SOCK_STREAM;
	ctx.socket.protocol = 12345;
	SEEN(sqe, ctx, -EINVAL);
	sqe.fd = -3;
	ctx.socket.family = -3;
	SEEN(sqe, ctx, -EAFNOSUPPORT);
}

TEST_F(ring, seen_of_an_open)
{
	struct open_how how = {
		.flags = 1ULL << 40 | O_RDONLY | O_CREAT, .mode = 5ULL << 32 | 0600,
		.resolve = 3ULL << 33 | RESOLVE_BENEATH,
	};
	struct io_uring_sqe sqe = sqe_of(IORING_OP_OPENAT, AT_FDCWD);
	struct io_uring_bpf_ctx ctx;

	sqe.addr = (uintptr_t)"/nowhere/at/all";
	sqe.len = 0xfffff1a4;
	sqe.open_flags = O_RDWR | O_APPEND | 1u << 30;
	ctx = ctx_of(&sqe);
	ctx.pdu_size = 24;
	ctx.open.flags = O_RDWR | O_APPEND | 0100000;
	SEEN(sqe, ctx, -ENOENT);
	/* a mode only of what creates, which is asynchronous */
	sqe.open_flags = O_WRONLY | O_CREAT | O_EXCL;
	ctx.open.flags = O_WRONLY | O_CREAT | O_EXCL | 0100000;
	ctx.open.mode = 0xfffff1a4 & 07777;
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, -ENOENT);
	sqe.open_flags = O_WRONLY | O_TRUNC;
	ctx.open.flags = O_WRONLY | O_TRUNC | 0100000;
	ctx.open.mode = 0;
	SEEN(sqe, ctx, -ENOENT);
	/* little counts with O_PATH */
	sqe.open_flags = O_PATH | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
	ctx.open.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
	ctx.sqe_flags = 0;
	SEEN(sqe, ctx, -ENOENT);
	/* all is as it was said for OPENAT2 */
	sqe.opcode = IORING_OP_OPENAT2;
	sqe.open_flags = 0;
	sqe.len = sizeof(how);
	sqe.off = (uintptr_t)&how;
	ctx = ctx_of(&sqe);
	ctx.pdu_size = 24;
	ctx.open.flags = how.flags | 0100000;
	ctx.open.mode = how.mode;
	ctx.open.resolve = how.resolve;
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, -EINVAL);
	how = (struct open_how) { .flags = O_PATH | O_RDWR };
	ctx.open.flags = O_PATH | O_RDWR;
	ctx.open.mode = 0;
	ctx.open.resolve = 0;
	ctx.sqe_flags = 0;
	SEEN(sqe, ctx, -EINVAL);
}

TEST_F(ring, seen_of_a_connect)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = 0x3412, .sin6_flowinfo = 1,
		.sin6_scope_id = 5,
	};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = 0xfedc, .sin_addr.s_addr = 0x7f010203,
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/nowhere/at/all" };
	struct io_uring_sqe sqe = sqe_of(IORING_OP_CONNECT, -1);
	struct io_uring_bpf_ctx ctx = ctx_of(&sqe);
	unsigned int i;

	for (i = 0; i < 16; i++)
		in6.sin6_addr.s6_addr[i] = 0xa0 + i;
	ctx.pdu_size = 24;
	sqe.addr = (uintptr_t)&in;
	sqe.addr2 = sizeof(in);
	ctx.connect.family = AF_INET;
	ctx.connect.port = in.sin_port;
	ctx.connect.v4_addr = in.sin_addr.s_addr;
	SEEN(sqe, ctx, -EBADF);
	/* what is too short to have them has none, and what has no family is not told of */
	sqe.addr2 = sizeof(in) - 1;
	ctx.connect.port = 0;
	ctx.connect.v4_addr = 0;
	SEEN(sqe, ctx, -EBADF);
	sqe.addr2 = 2;
	SEEN(sqe, ctx, -EBADF);
	sqe.addr2 = 1;
	ctx.connect.family = 0;
	SEEN(sqe, ctx, -EBADF);
	sqe.addr2 = 0;
	SEEN(sqe, ctx, -EBADF);
	sqe.addr = (uintptr_t)&in6;
	sqe.addr2 = sizeof(in6) - 4;
	ctx.connect.family = AF_INET6;
	ctx.connect.port = in6.sin6_port;
	memcpy(ctx.connect.v6_addr, &in6.sin6_addr, 16);
	SEEN(sqe, ctx, -EBADF);
	sqe.addr2 = sizeof(in6);
	SEEN(sqe, ctx, -EBADF);
	sqe.addr2 = sizeof(in6) - 5;
	ctx.connect.port = 0;
	memset(ctx.connect.v6_addr, 0, 16);
	SEEN(sqe, ctx, -EBADF);
	sqe.addr = (uintptr_t)&un;
	sqe.addr2 = sizeof(un);
	ctx.connect.family = AF_UNIX;
	SEEN(sqe, ctx, -EBADF);
	/* what makes a file is asynchronous, and other names are not */
	sqe.opcode = IORING_OP_BIND;
	ctx = ctx_of(&sqe);
	ctx.sqe_flags |= IOSQE_ASYNC;
	SEEN(sqe, ctx, -EBADF);
	un.sun_path[0] = 0;
	ctx.sqe_flags = 0;
	SEEN(sqe, ctx, -EBADF);
	sqe.addr = (uintptr_t)&in;
	sqe.addr2 = sizeof(in);
	SEEN(sqe, ctx, -EBADF);
}

TEST_HARNESS_MAIN
