// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_BPF_FILTER: programs that a ring asks about its requests.
 */
#include <linux/ruring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define RING_MODES
#include "bpf.h"
#include "fixture.h"

static int add_answer(struct ring *ring, unsigned int op, unsigned int answer,
		      unsigned int flags)
{
	struct sock_filter program = BPF_STMT(BPF_RET | BPF_K, answer);

	return add_filter(ring, op, &program, 1, flags);
}

TEST_F(ring, what_a_filter_says)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 0, 0));
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, -EACCES, 0);
	/* others are not asked about */
	prep_poll(r, -1, POLLIN, 2);
	ASSERT_COMPLETES(r, 2, -EBADF, 0);
}

/* All have to let it pass, in whatever order they came; any number but 0 does. */
TEST_F(ring, stacked)
{
	struct sock_filter odd[] = {
		LOAD(0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_filter small[] = {
		LOAD(0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 10, 1, 0), ALLOW, DENY,
	};
	struct ring *r = &self->ring;

	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 0x80000000, 0));
	prep_nop(r, 12);
	ASSERT_COMPLETES(r, 12, 0, 0);
	ASSERT_EQ(0, add_filter(r, IORING_OP_NOP, odd, ARRAY_SIZE(odd), 0));
	prep_nop(r, 12);
	ASSERT_COMPLETES(r, 12, -EACCES, 0);
	prep_nop(r, 13);
	ASSERT_COMPLETES(r, 13, 0, 0);
	ASSERT_EQ(0, add_filter(r, IORING_OP_NOP, small, ARRAY_SIZE(small), 0));
	prep_nop(r, 13);
	ASSERT_COMPLETES(r, 13, -EACCES, 0);
	prep_nop(r, 9);
	ASSERT_COMPLETES(r, 9, 0, 0);
	prep_nop(r, 8);
	ASSERT_COMPLETES(r, 8, -EACCES, 0);
}

TEST_F(ring, deny_rest)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 1, 0));
	ASSERT_EQ(0, add_answer(r, IORING_OP_POLL_ADD, 1, IO_URING_BPF_FILTER_DENY_REST));
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
	prep_poll(r, -1, POLLIN, 2);
	ASSERT_COMPLETES(r, 2, -EBADF, 0);
	prep_cancel(r, 77, 0, 3);
	ASSERT_COMPLETES(r, 3, -EACCES, 0);
	/* what is no request at all is so first */
	prep_nop(r, 4)->opcode = IORING_OP_LAST;
	ASSERT_COMPLETES(r, 4, -EINVAL, 0);
	/* what is denied stays so */
	ASSERT_EQ(0, add_answer(r, IORING_OP_ASYNC_CANCEL, 1, 0));
	prep_cancel(r, 77, 0, 5);
	ASSERT_COMPLETES(r, 5, -EACCES, 0);
	/* and what is not as well */
	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 1, IO_URING_BPF_FILTER_DENY_REST));
	prep_poll(r, -1, POLLIN, 6);
	ASSERT_COMPLETES(r, 6, -EBADF, 0);
	/* registrations are not requests */
	EXPECT_EQ(-ENXIO, ring_register(r, IORING_UNREGISTER_BUFFERS, NULL, 0));
}

/* ruring's own opcode is one like any other. */
TEST_F(ring, sendfile)
{
	bool own = variant->backend == RURING;
	struct ring *r = &self->ring;

	EXPECT_EQ(own ? 0 : -EINVAL, add_answer(r, RURING_OP_SENDFILE, 1, 0));
	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 1, IO_URING_BPF_FILTER_DENY_REST));
	prep(r, RURING_OP_SENDFILE, -1, NULL, 1, 1);
	ASSERT_COMPLETES(r, 1, own ? -EBADF : -EINVAL, 0);
	if (own) {
		struct ring other;

		ASSERT_EQ(0, ring_init(&other, RURING, 4, 0));
		ASSERT_EQ(0, add_answer(&other, IORING_OP_NOP, 1, IO_URING_BPF_FILTER_DENY_REST));
		prep(&other, RURING_OP_SENDFILE, -1, NULL, 1, 1);
		ASSERT_COMPLETES(&other, 1, -EACCES, 0);
		ring_exit(&other);
	}
}

TEST_F(ring, what_is_refused_is_not_done)
{
	struct ring *r = &self->ring;
	int fds[2], next;

	ASSERT_EQ(0, pipe(fds));
	next = next_fd();
	ASSERT_EQ(0, add_answer(r, IORING_OP_CLOSE, 0, 0));
	ASSERT_EQ(0, add_answer(r, IORING_OP_SOCKET, 0, 0));
	prep(r, IORING_OP_CLOSE, fds[0], NULL, 0, 1);
	ASSERT_COMPLETES(r, 1, -EACCES, 0);
	EXPECT_TRUE(fd_is_open(fds[0]));
	prep(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, 2)->off = SOCK_STREAM;
	ASSERT_COMPLETES(r, 2, -EACCES, 0);
	EXPECT_EQ(next, next_fd());
	EXPECT_EQ(0, close(fds[0]));
	EXPECT_EQ(0, close(fds[1]));
}

/* What cannot be done at all, or not by the ring, comes first. */
TEST_F(ring, what_comes_before)
{
	struct ring *r = &self->ring;
	int id;

	id = ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
	ASSERT_LT(0, id);
	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 1, IO_URING_BPF_FILTER_DENY_REST));
	prep(r, IORING_OP_SOCKET, AF_UNIX, (void *)8, 0, 1);
	ASSERT_COMPLETES(r, 1, -EINVAL, 0);
	prep(r, IORING_OP_TIMEOUT, -1, NULL, 0, 2)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_COMPLETES(r, 2, -EOPNOTSUPP, 0);
	prep_nop(r, 3)->flags = 0x80;
	ASSERT_COMPLETES(r, 3, -EINVAL, 0);
	prep_poll(r, -1, POLLIN, 4)->personality = id + 1;
	ASSERT_COMPLETES(r, 4, -EINVAL, 0);
	prep_poll(r, -1, POLLIN, 5)->personality = id;
	ASSERT_COMPLETES(r, 5, -EACCES, 0);
	prep_nop(r, 6)->personality = id;
	ASSERT_COMPLETES(r, 6, 0, 0);
	/* it limits nothing */
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &(struct __kernel_timespec) {}, 1, 7);
	ASSERT_COMPLETES(r, 7, -EINVAL, 0);
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_PERSONALITY, NULL, id));
}

TEST_F(ring, in_a_link)
{
	struct ring *r = &self->ring;

	ASSERT_EQ(0, add_answer(r, IORING_OP_POLL_ADD, 0, 0));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_poll(r, -1, POLLIN, 2)->flags = IOSQE_IO_HARDLINK;
	prep_nop(r, 3);
	ASSERT_EQ(3, ring_submit(r));
	ASSERT_CQE(r, 1, -ECANCELED, 0);
	ASSERT_CQE(r, 2, -EACCES, 0);
	ASSERT_CQE(r, 3, -ECANCELED, 0);
	/* as what is refused for any reason it ends a submission, outside of a link */
	prep_poll(r, -1, POLLIN, 5);
	prep_nop(r, 6);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 5, -EACCES, 0);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_CQE(r, 6, 0, 0);
}

/* A limit is known as such before it is asked about, if it is that of the first one of a link. */
TEST_F(ring, limit_in_a_link)
{
	struct __kernel_timespec time = { .tv_sec = 1000 };
	struct ring *r = &self->ring;
	struct io_uring_cqe cqe;
	int res[6] = {};
	unsigned int i;

	ASSERT_EQ(0, add_answer(r, IORING_OP_LINK_TIMEOUT, 0, 0));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &time, 1, 2);
	ASSERT_EQ(2, ring_submit(r));
	prep_nop(r, 3)->flags = IOSQE_IO_LINK;
	prep_nop(r, 4)->flags = IOSQE_IO_LINK;
	prep(r, IORING_OP_LINK_TIMEOUT, -1, &time, 1, 5);
	ASSERT_EQ(3, ring_submit(r));
	/* in whatever order */
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_take(r, &cqe));
		ASSERT_GT(ARRAY_SIZE(res), cqe.user_data);
		res[cqe.user_data] = cqe.res;
	}
	for (i = 1; i < 5; i++)
		EXPECT_EQ(-ECANCELED, res[i]);
	EXPECT_EQ(-EACCES, res[5]);
}

/* What is refused is what the link before it has drain for that, and nothing behind it need. */
TEST_F(ring, drains_for_a_link)
{
	struct ring *r = &self->ring;
	char buf[8];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, add_answer(r, IORING_OP_POLL_ADD, 0, 0));
	prep_nop(r, 1)->flags = IOSQE_IO_LINK;
	prep_nop(r, 2)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(2, ring_submit(r));
	ASSERT_CQE(r, 1, 0, 0);
	ASSERT_CQE(r, 2, 0, 0);
	prep_poll(r, -1, POLLIN, 3);
	ASSERT_COMPLETES(r, 3, -EACCES, 0);
	prep_recv(r, sv[0], buf, 1, 4);
	ASSERT_EQ(1, ring_submit(r));
	prep_nop(r, 5);
	ASSERT_COMPLETES(r, 5, 0, 0);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(r, 4, 1, 0);
	close(sv[0]);
	close(sv[1]);
}

/* What was submitted before goes on, also when it completes again. */
TEST_F(ring, what_is_under_way_goes_on)
{
	struct ring *r = &self->ring;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	prep_poll_multi(r, fds[0], POLLIN, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(0, add_answer(r, IORING_OP_NOP, 0, IO_URING_BPF_FILTER_DENY_REST));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, IORING_CQE_F_MORE);
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_CQE(r, 1, POLLIN, IORING_CQE_F_MORE);
	EXPECT_EQ(0, close(fds[0]));
	EXPECT_EQ(0, close(fds[1]));
}

/* How much there is to see is told, and who expects more is refused. */
TEST_F(ring, sizes)
{
	static const struct {
		unsigned int op;
		__u8 size;
	} those[] = {
		{ IORING_OP_NOP, 0 }, { IORING_OP_SOCKET, 12 }, { IORING_OP_OPENAT, 24 },
		{ IORING_OP_OPENAT2, 24 }, { IORING_OP_CONNECT, 24 }, { IORING_OP_BIND, 0 },
		{ IORING_OP_LAST - 1, 0 }, { IORING_OP_RECV_ZC, 0 },
	};
	struct sock_filter allow = ALLOW;
	struct ring *r = &self->ring;
	unsigned int i;
	int size;

	for (i = 0; i < ARRAY_SIZE(those); i++) {
		for (size = 0; size < 256; size += size < 26 ? 1 : 57) {
			struct io_uring_bpf filter = filter_of(those[i].op, &allow, 1), was;
			int more = size - those[i].size;

			filter.filter.pdu_size = size;
			was = filter;
			was.filter.pdu_size = those[i].size;
			ASSERT_EQ(more > 0 ? -EMSGSIZE : 0, add(r, &filter));
			ASSERT_EQ(0, memcmp(&was, &filter, sizeof(was)));
			filter.filter.pdu_size = size;
			filter.filter.flags = IO_URING_BPF_FILTER_SZ_STRICT;
			ASSERT_EQ(more ? -EMSGSIZE : 0, add(r, &filter));
			ASSERT_EQ(those[i].size, filter.filter.pdu_size);
		}
	}
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
}

TEST_F(ring, what_makes_no_sense_changes_nothing)
{
	struct sock_filter deny = DENY;
	const struct io_uring_bpf good = filter_of(IORING_OP_NOP, &deny, 1);
	struct ring *r = &self->ring;
	struct io_uring_bpf bad;
	unsigned int at;
	char *mem;

#define BAD(change, error) do {							\
	struct io_uring_bpf was;						\
	bad = good;								\
	bad.filter.pdu_size = 77;						\
	change;									\
	was = bad;								\
	EXPECT_EQ(error, add(r, &bad));						\
	EXPECT_EQ(0, memcmp(&was, &bad, sizeof(bad)));				\
} while (0)
	BAD(bad.cmd_type = 0, -EINVAL);
	BAD(bad.cmd_type = 2, -EINVAL);
	BAD(bad.cmd_flags = 1, -EINVAL);
	BAD(bad.resv = 1, -EINVAL);
	BAD(bad.filter.opcode = IORING_OP_LAST, -EINVAL);
	BAD(bad.filter.opcode = 0x100, -EINVAL);
	BAD(bad.filter.flags = 4, -EINVAL);
	BAD(bad.filter.flags = 0x80000000, -EINVAL);
	BAD(bad.filter.filter_len = 0, -EINVAL);
	BAD(bad.filter.filter_len = 4097, -EINVAL);
	BAD(bad.filter.filter_len = 0x10001, -EINVAL);
	for (at = 0; at < sizeof(bad.filter.resv); at++)
		BAD(bad.filter.resv[at] = 1, -EINVAL);
	for (at = 0; at < sizeof(bad.filter.resv2); at++)
		BAD(((char *)bad.filter.resv2)[at] = 1, -EINVAL);
	bad = good;
	bad.filter.filter_ptr = 0;
	EXPECT_EQ(-EINVAL, add(r, &bad));
	bad.filter.filter_ptr = 4096;
	EXPECT_EQ(-EFAULT, add(r, &bad));
	bad = good;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_BPF_FILTER, &bad, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_BPF_FILTER, &bad, 2));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_BPF_FILTER, NULL, 0));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_BPF_FILTER, NULL, 1));
	/* what cannot be answered is not done */
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	memcpy(mem, &good, sizeof(good));
	ASSERT_EQ(0, mprotect(mem, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_BPF_FILTER, mem, 1));
	ASSERT_EQ(0, munmap(mem, 4096));
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
}

/* All codes that there are: which of them a filter may have. */
TEST_F(ring, instructions)
{
	struct ring *r = &self->ring;
	unsigned int code, nr = 0;

	for (code = 0; code < 0x200; code++) {
		struct sock_filter program[] = {
			BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_LDX | BPF_IMM, 1),
			BPF_STMT(BPF_ST, 0), BPF_STMT(code, 0), ALLOW,
		};
		unsigned int op = BPF_OP(code), src = BPF_SRC(code);
		bool allowed;

		switch (BPF_CLASS(code)) {
		case BPF_LD:
			allowed = code == (BPF_LD | BPF_IMM) || code == (BPF_LD | BPF_MEM) ||
				  code == (BPF_LD | BPF_ABS) || code == (BPF_LD | BPF_LEN);
			break;
		case BPF_LDX:
			allowed = code == (BPF_LDX | BPF_IMM) || code == (BPF_LDX | BPF_MEM) ||
				  code == (BPF_LDX | BPF_LEN);
			break;
		case BPF_ST:
		case BPF_STX:
			allowed = code == BPF_ST || code == BPF_STX;
			break;
		case BPF_ALU:
			allowed = code < 0x100 && op <= BPF_XOR && op != BPF_MOD &&
				  (op != BPF_NEG || src == BPF_K);
			/* by a constant that is 0 */
			if (op == BPF_DIV && src == BPF_K)
				allowed = false;
			break;
		case BPF_JMP:
			allowed = code < 0x100 && op <= BPF_JSET && (op || src == BPF_K);
			break;
		case BPF_RET:
			allowed = code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
			break;
		default:
			allowed = code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
			break;
		}
		nr += allowed;
		ASSERT_EQ(allowed ? 0 : -EINVAL,
			  add_filter(r, IORING_OP_RECV, program, ARRAY_SIZE(program), 0)) {
			TH_LOG("code %#x", code);
		}
	}
	EXPECT_EQ(40, nr);
}

TEST_F(ring, loads)
{
	struct sock_filter load[] = { LOAD(0), ALLOW };
	struct sock_filter length[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 40, 0, 4),
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 40, 0, 1), ALLOW, DENY,
	};
	struct ring *r = &self->ring;
	unsigned int offset;

	for (offset = 0; offset < 100; offset++) {
		load[0].k = offset;
		ASSERT_EQ(offset < 40 && offset % 4 == 0 ? 0 : -EINVAL,
			  add_filter(r, IORING_OP_RECV, load, 2, 0));
	}
	load[0].k = SKF_AD_OFF + SKF_AD_CPU;
	EXPECT_EQ(-EINVAL, add_filter(r, IORING_OP_RECV, load, 2, 0));
	load[0].k = -4;
	EXPECT_EQ(-EINVAL, add_filter(r, IORING_OP_RECV, load, 2, 0));
	ASSERT_EQ(0, add_filter(r, IORING_OP_NOP, length, ARRAY_SIZE(length), 0));
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
}

/* As long as they may be; one that falls off its end is none. */
TEST_F(ring, as_long_as_may_be)
{
	static struct sock_filter program[4096];
	struct ring *r = &self->ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(program); i++)
		program[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1);
	EXPECT_EQ(-EINVAL, add_filter(r, IORING_OP_NOP, program, ARRAY_SIZE(program), 0));
	program[ARRAY_SIZE(program) - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, add_filter(r, IORING_OP_NOP, program, ARRAY_SIZE(program), 0));
	prep_nop(r, 1);
	ASSERT_COMPLETES(r, 1, 0, 0);
	program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, -4094u);
	ASSERT_EQ(0, add_filter(r, IORING_OP_NOP, program, ARRAY_SIZE(program), 0));
	prep_nop(r, 2);
	ASSERT_COMPLETES(r, 2, -EACCES, 0);
}

/* Restrictions come first, and go on top. */
TEST_F(ring, restricted)
{
	struct io_uring_restriction those[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_ENABLE_RINGS },
	};
	struct ring ring;

	ASSERT_EQ(0, ring_init(&ring, variant->backend, 4,
			       variant->flags | IORING_SETUP_R_DISABLED));
	ASSERT_EQ(0, add_answer(&ring, IORING_OP_NOP, 0, 0));
	ASSERT_EQ(0, add_answer(&ring, IORING_OP_POLL_ADD, 1, 0));
	ASSERT_EQ(0, ring_register(&ring, IORING_REGISTER_RESTRICTIONS, those, 2));
	ASSERT_EQ(0, ring_register(&ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	EXPECT_EQ(-EACCES, add_answer(&ring, IORING_OP_NOP, 1, 0));
	prep_nop(&ring, 1);
	ASSERT_COMPLETES(&ring, 1, -EACCES, 0);
	prep_poll(&ring, -1, POLLIN, 2);
	ASSERT_COMPLETES(&ring, 2, -EACCES, 0);
	ring_exit(&ring);
}

static int setup_alone(enum backend backend)
{
	struct io_uring_params params = {};

	return try_setup(backend, 4, &params);
}

/*
 * What the kernel keeps for a task is not to be got around: who has a filter there
 * makes no rings of ruring, nor do its children, nor are messages sent without one.
 */
TEST(of_a_task)
{
	struct sock_filter allow = ALLOW;
	struct io_uring_bpf filter = filter_of(IORING_OP_NOP, &allow, 1);
	struct io_uring_sqe sqe = { .opcode = IORING_OP_MSG_RING };
	struct ring ring;
	int status;

	if (proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	EXPECT_EQ(-EINVAL, backend_register(RURING, device_fd(), IORING_REGISTER_BPF_FILTER, &filter, 1));
	ASSERT_EQ(0, setup_alone(RURING));
	ASSERT_EQ(0, ring_init(&ring, RURING, 4, 0));
	sqe.fd = ring.fd;
	sqe.off = 5;
	ASSERT_EQ(0, backend_register(RURING, device_fd(), IORING_REGISTER_SEND_MSG_RING, &sqe, 1));
	ASSERT_CQE(&ring, 5, 0, 0);
	ASSERT_EQ(0, backend_register(IO_URING, -1, IORING_REGISTER_BPF_FILTER, &filter, 1));
	EXPECT_EQ(-EPERM, setup_alone(RURING));
	EXPECT_EQ(0, setup_alone(IO_URING));
	EXPECT_EQ(-EACCES, backend_register(RURING, device_fd(), IORING_REGISTER_SEND_MSG_RING, &sqe, 1));
	/* as with io_uring a ring from before goes on */
	prep_nop(&ring, 6);
	ASSERT_COMPLETES(&ring, 6, 0, 0);
	if (!fork())
		_exit(-setup_alone(RURING));
	ASSERT_LT(0, wait(&status));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	ring_exit(&ring);
}

TEST_HARNESS_MAIN
