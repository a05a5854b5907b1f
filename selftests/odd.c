// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments that nobody would think of, the same on io_uring and on ruring: of set-up, of enter, of registrations, and of
 * single requests of each opcode. Only what is said at once is compared; whole programs are compared by "make differential".
 *
 * ODD_SEED is the first number (1), ODD_ROUNDS how many there are of each (20), of set-up eight times as many.
 */
#include <fcntl.h>
#include <linux/ruring.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "random.h"

#define SIZE		(16 * 4096)
#define ENTRIES		8
#define FIRST_FD	100
#define NR_FDS		10
#define NOT_THERE	0x10
#define KERNEL		0xffff888000000000
#define LONG_MS		30000

/* What was seen on one side. */
struct seen {
	long ret;
	unsigned int nr;
	struct io_uring_cqe cqes[4];
	__u64 memory;
};

static char *memory;

/* A ring that has an index, and nothing else. */
static int forget_index(enum backend backend, int index)
{
	struct io_uring_rsrc_update update = { .offset = index };
	unsigned int opcode = IORING_UNREGISTER_RING_FDS | IORING_REGISTER_USE_REGISTERED_RING;

	return backend_register(backend, index, opcode, &update, 1) == 1 ? 0 : -EBADF;
}

/* One of all that there is to work with, at descriptors that are the same on both sides. */
static void open_all(void)
{
	struct sockaddr_in addr;
	int fds[NR_FDS], i;

	unix_pair(SOCK_STREAM, fds);
	fds[2] = socket(AF_INET, SOCK_DGRAM, 0);
	fds[3] = tcp_listen(&addr);
	if (pipe(fds + 4))
		fds[4] = fds[5] = -1;
	fds[6] = memfd_create("odd", 0);
	fds[7] = eventfd(1, EFD_NONBLOCK);
	fds[8] = epoll_create1(0);
	fds[9] = open("/", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < NR_FDS; i++) {
		dup2(fds[i], FIRST_FD + i);
		close(fds[i]);
	}
}

static void close_all(void)
{
	close_range(FIRST_FD, FIRST_FD + NR_FDS - 1, 0);
}

static __u64 any_number(void)
{
	switch (below(7)) {
	case 0:
		return 1ULL << below(64);
	case 1:
		return -1;
	case 2:
		return 0x80000000;
	case 3:
		return below(200);
	case 4:
		return below(4);
	default:
		return 0;
	}
}

static __u64 any_address(void)
{
	switch (below(12)) {
	case 0:
		return 0;
	case 1:
		return NOT_THERE;
	case 2:
		return KERNEL;
	case 3:
		return (__u64)(uintptr_t)memory + SIZE - below(64);
	case 4:
		return any_number();
	default:
		return (__u64)(uintptr_t)memory + 4096 * below(4);
	}
}

static void fill_memory(void)
{
	unsigned int i, nr = below(12);

	memset(memory, 0, SIZE);
	for (i = 0; i < nr; i++) {
		__u64 value = below(3) ? any_number() : any_address();

		memcpy(memory + 4096 * below(4) + 4 * below(24), &value, below(2) ? 8 : 4);
	}
}

static __u64 sum_of_memory(void)
{
	const __u64 *words = (void *)memory;
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < SIZE / 8; i++)
		sum = (sum ^ words[i]) * 0x100000001b3;
	return sum;
}

static unsigned int any_setup(void)
{
	static const unsigned int setups[] = {
		0, 0, DEFER_FLAGS, DEFER_FLAGS, IORING_SETUP_SQE128, IORING_SETUP_CQE32,
		IORING_SETUP_CQE_MIXED, IORING_SETUP_SQE_MIXED, IORING_SETUP_IOPOLL,
	};

	return pick(setups) | IORING_SETUP_SUBMIT_ALL;
}

static void any_entry(struct io_uring_sqe *sqe, const bool *there)
{
	static const __u8 flags[] = {
		IOSQE_FIXED_FILE, IOSQE_FIXED_FILE, IOSQE_BUFFER_SELECT, IOSQE_IO_LINK, IOSQE_IO_DRAIN,
		IOSQE_CQE_SKIP_SUCCESS, 0x80,
	};

	memset(sqe, 0, sizeof(*sqe));
	do
		sqe->opcode = below(IORING_OP_LAST);
	while (!there[sqe->opcode]);
	if (!below(3))
		sqe->flags = pick(flags);
	if (!below(5))
		sqe->ioprio = 1u << below(14);
	sqe->fd = below(8) ? FIRST_FD + (int)below(NR_FDS) : -1 - (int)below(2) * 99;
	if (sqe->flags & IOSQE_FIXED_FILE)
		sqe->fd = below(6);
	sqe->addr = any_address();
	sqe->len = below(2) ? below(100) : any_number();
	if (below(2))
		sqe->off = below(2) ? any_address() : any_number();
	if (!below(3))
		sqe->rw_flags = below(2) ? below(8) : any_number();
	if (!below(4))
		sqe->buf_index = below(2) ? below(4) : any_number();
	if (!below(10))
		sqe->personality = below(3);
	if (!below(5))
		sqe->splice_fd_in = below(3) ? FIRST_FD + (int)below(NR_FDS) : (int)any_number();
	if (!below(6))
		sqe->addr3 = any_address();
	if (!below(12))
		sqe->__pad2[0] = any_number();
	sqe->user_data = 7;
}

/* What is otherwise on purpose, or not there, and says so elsewhere. */
static bool is_left_out(struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_NOP:
	case IORING_OP_NOP128:
		return sqe->flags & IOSQE_BUFFER_SELECT;
	case IORING_OP_POLL_ADD:
	case IORING_OP_POLL_REMOVE:
		/* ruring's own */
		return sqe->len & (RURING_POLL_ADD_LEVEL | RURING_POLL_UPDATE_MODE);
	case IORING_OP_READ:
	case IORING_OP_WRITE:
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_READV_FIXED:
	case IORING_OP_WRITEV_FIXED:
	case IORING_OP_READ_MULTISHOT:
		/* what can be waited for, but has no such operation; and attributes */
		return sqe->fd == FIRST_FD + 3 || sqe->fd == FIRST_FD + 8 || sqe->len & RURING_READ_KEEP ||
		       sqe->attr_type_mask;
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		/* the notification of what has sent nothing */
		return true;
	case IORING_OP_URING_CMD:
		return sqe->flags & IOSQE_FIXED_FILE || sqe->fd < FIRST_FD || sqe->fd > FIRST_FD + 3;
	case IORING_OP_MADVISE:
		/* what lies beside the memory is the program's own */
		return sqe->addr + (sqe->off ?: sqe->len) > (__u64)(uintptr_t)memory + SIZE;
	default:
		return false;
	}
}

/* Looks for a completion for so long: nobody sleeps for those of a ring that polls. */
static void look_for(struct ring *r, unsigned int ms)
{
	while (ms-- && !ring_ready(r)) {
		ring_run(r);
		usleep(1000);
	}
}

static void see_request(enum backend backend, unsigned int setup, const struct io_uring_sqe *sqe,
			unsigned int wait_ms, struct seen *seen)
{
	static const int files[] = { FIRST_FD, FIRST_FD + 1, FIRST_FD + 6, FIRST_FD + 4, -1 };
	struct iovec buffer = { memory, 8192 };
	struct ring r;

	memset(seen, 0, sizeof(*seen));
	open_all();
	seen->ret = ring_init(&r, backend, ENTRIES, setup);
	if (!seen->ret) {
		ring_register(&r, IORING_REGISTER_FILES, files, ARRAY_SIZE(files));
		ring_register(&r, IORING_REGISTER_BUFFERS, &buffer, 1);
		memcpy(ring_sqe(&r), sqe, sizeof(*sqe));
		ring_publish(&r);
		seen->ret = ring_enter(&r, 1, 0, IORING_ENTER_GETEVENTS);
		if (!(setup & IORING_SETUP_IOPOLL))
			ring_wait_ms(&r, 1, wait_ms);
		else
			look_for(&r, wait_ms);
		ring_run(&r);
		while (seen->nr < 4 && ring_peek(&r, &seen->cqes[seen->nr]))
			seen->nr++;
		ring_exit(&r);
	}
	seen->memory = sum_of_memory();
	close_all();
}

static bool is_same(const struct seen *a, const struct seen *b)
{
	unsigned int i;

	if (a->ret != b->ret || a->nr != b->nr || a->memory != b->memory)
		return false;
	for (i = 0; i < a->nr; i++)
		if (a->cqes[i].user_data != b->cqes[i].user_data ||
		    a->cqes[i].res != b->cqes[i].res || a->cqes[i].flags != b->cqes[i].flags)
			return false;
	return true;
}

static void print_seen(const char *side, const struct seen *seen)
{
	unsigned int i;

	printf("#   %s: %ld, memory %08x", side, seen->ret, (unsigned int)seen->memory);
	for (i = 0; i < seen->nr; i++)
		printf(", CQE %lld %d 0x%x", seen->cqes[i].user_data, seen->cqes[i].res,
		       seen->cqes[i].flags);
	printf("\n");
}

static void print_words(const char *what, const void *words, unsigned int nr)
{
	unsigned int i;

	printf("#   %s", what);
	for (i = 0; i < nr; i++)
		printf(" %x", ((const __u32 *)words)[i]);
	printf("\n");
}

FIXTURE(odd) {
	__u64 seed;
	unsigned int rounds;
	/* how many were different */
	unsigned int nr;
};

FIXTURE_SETUP(odd)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };

	if (proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	/* a page on each side that cannot be touched */
	memory = mmap(NULL, SIZE + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	memory += 4096;
	ASSERT_EQ(0, mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	self->seed = number_from("ODD_SEED", 1);
	self->rounds = number_from("ODD_ROUNDS", 20);
}

FIXTURE_TEARDOWN(odd)
{
	munmap(memory - 4096, SIZE + 2 * 4096);
}

TEST_F_TIMEOUT(odd, requests, 600)
{
	bool there[IORING_OP_LAST];
	struct ring r;
	__u64 n;
	unsigned int i;

	ASSERT_EQ(0, ring_init(&r, RURING, ENTRIES, 0));
	for (i = 0; i < IORING_OP_LAST; i++)
		there[i] = ring_op_supported(&r, i);
	ring_exit(&r);
	for (n = self->seed; n < self->seed + self->rounds; n++) {
		struct io_uring_sqe sqe;
		struct seen seen[2];
		unsigned int setup, ms;

		rnd_seed(n, 0);
		setup = any_setup();
		do
			any_entry(&sqe, there);
		while (is_left_out(&sqe));
		/* slowly, where it may be that one side has not been through */
		for (ms = 2; ms < LONG_MS; ms *= 10) {
			for (i = 0; i < 2; i++) {
				rnd_seed(n, 1);
				fill_memory();
				see_request(i ? RURING : IO_URING, setup, &sqe, ms, &seen[i]);
			}
			if (is_same(&seen[0], &seen[1]))
				break;
		}
		if (ms < LONG_MS)
			continue;
		self->nr++;
		printf("# request %llu: setup 0x%x opcode %u\n", n, setup, sqe.opcode);
		print_words("entry", &sqe, 16);
		print_seen("io_uring", &seen[0]);
		print_seen("ruring  ", &seen[1]);
	}
	EXPECT_EQ(0, self->nr);
}

TEST_F_TIMEOUT(odd, registrations, 600)
{
	__u64 n;

	for (n = self->seed; n < self->seed + self->rounds; n++) {
		unsigned int setup, opcode, nr_args, i;
		struct seen seen[2];
		__u64 arg;

		rnd_seed(n, 2);
		setup = any_setup() | (below(4) ? 0 : IORING_SETUP_R_DISABLED);
		do
			opcode = below(IORING_REGISTER_LAST);
		while (opcode == IORING_REGISTER_IOWQ_AFF || opcode == IORING_UNREGISTER_IOWQ_AFF ||
		       opcode == IORING_REGISTER_NAPI || opcode == IORING_UNREGISTER_NAPI ||
		       opcode == IORING_REGISTER_ZCRX_IFQ || opcode == IORING_REGISTER_ZCRX_CTRL ||
		       opcode == IORING_REGISTER_QUERY || opcode == IORING_REGISTER_IOWQ_MAX_WORKERS ||
		       opcode == IORING_REGISTER_PROBE);
		arg = any_address();
		nr_args = below(2) ? 1 : any_number();
		for (i = 0; i < 2; i++) {
			struct ring r;

			memset(&seen[i], 0, sizeof(seen[i]));
			rnd_seed(n, 3);
			fill_memory();
			open_all();
			seen[i].ret = ring_init(&r, i ? RURING : IO_URING, ENTRIES, setup);
			if (!seen[i].ret) {
				seen[i].ret = ring_register(&r, opcode, (void *)(uintptr_t)arg, nr_args);
				ring_exit(&r);
			}
			seen[i].memory = sum_of_memory();
			close_all();
		}
		if (is_same(&seen[0], &seen[1]))
			continue;
		self->nr++;
		printf("# registration %llu: setup 0x%x opcode %u arg %llx nr %u\n", n, setup, opcode,
		       arg - (__u64)(uintptr_t)memory, nr_args);
		rnd_seed(n, 3);
		fill_memory();
		print_words("memory", memory + ((arg - (__u64)(uintptr_t)memory) & 0x3000), 16);
		print_seen("io_uring", &seen[0]);
		print_seen("ruring  ", &seen[1]);
	}
	EXPECT_EQ(0, self->nr);
}

TEST_F_TIMEOUT(odd, setups, 600)
{
	__u64 n;

	/* most are refused, which takes no time */
	for (n = self->seed; n < self->seed + 8 * self->rounds; n++) {
		unsigned int entries, i, nr;
		struct io_uring_params asked = {}, got[2];
		int ret[2];

		rnd_seed(n, 4);
		entries = below(3) ? 1 + below(64) : any_number();
		nr = below(5);
		while (nr--)
			asked.flags |= 1u << below(21);
		/* not there */
		asked.flags &= ~IORING_SETUP_HYBRID_IOPOLL;
		if (!below(3))
			asked.flags |= IORING_SETUP_NO_MMAP;
		if (!below(3))
			asked.flags |= DEFER_FLAGS;
		asked.cq_entries = below(2) ? below(256) : any_number();
		asked.sq_thread_cpu = below(3) ? 0 : any_number();
		asked.wq_fd = below(2) ? 0 : any_number();
		asked.features = any_number();
		if (!below(20))
			asked.resv[below(3)] = any_number();
		asked.sq_off.user_addr = any_address();
		asked.cq_off.user_addr = any_address();
		asked.sq_off.array = any_number();
		asked.sq_off.resv1 = any_number();
		for (i = 0; i < 2; i++) {
			rnd_seed(n, 5);
			fill_memory();
			got[i] = asked;
			ret[i] = backend_setup(i ? RURING : IO_URING, entries, &got[i]);
			if (ret[i] >= 0) {
				if (!(asked.flags & IORING_SETUP_REGISTERED_FD_ONLY))
					ret[i] = close(ret[i]);
				else
					ret[i] = forget_index(i ? RURING : IO_URING, ret[i]);
				/* some are not there */
				got[i].features = 0;
			}
		}
		if (ret[0] == ret[1] && !memcmp(&got[0], &got[1], sizeof(asked)))
			continue;
		self->nr++;
		printf("# setup %llu: %u entries\n", n, entries);
		print_words("asked   ", &asked, sizeof(asked) / 4);
		printf("#   io_uring: %d\n", ret[0]);
		print_words("io_uring", &got[0], sizeof(asked) / 4);
		printf("#   ruring  : %d\n", ret[1]);
		print_words("ruring  ", &got[1], sizeof(asked) / 4);
	}
	EXPECT_EQ(0, self->nr);
}

TEST_F_TIMEOUT(odd, enters, 600)
{
	/* of 0x80000000 io_uring makes a negative number, and sleeps for ever */
	static const unsigned int waits[] = { 0, 1, 2, 3, ENTRIES, 2 * ENTRIES, 0x7fffffff };
	__u64 n;

	for (n = self->seed; n < self->seed + self->rounds; n++) {
		unsigned int setup, flags, to_submit, wait, there, nr, i;
		size_t argsz;
		struct seen seen[2];
		__u64 arg;

		rnd_seed(n, 6);
		setup = any_setup();
		flags = below(4) ? IORING_ENTER_GETEVENTS : 0;
		nr = below(4);
		while (nr--)
			flags |= 1u << below(9);
		to_submit = below(2) ? below(3) : any_number();
		wait = pick(waits);
		/* no more is asked for than there is: what would end a wait is by chance */
		there = wait <= 2 && below(2) ? 2 : 2 * ENTRIES;
		arg = any_address();
		argsz = below(4) ? sizeof(struct io_uring_getevents_arg) : below(80);
		for (i = 0; i < 2; i++) {
			struct ring r;

			memset(&seen[i], 0, sizeof(seen[i]));
			rnd_seed(n, 7);
			fill_memory();
			seen[i].ret = ring_init(&r, i ? RURING : IO_URING, ENTRIES, setup);
			if (!seen[i].ret) {
				for (nr = 0; nr < there; nr++) {
					prep_nop(&r, nr);
					ring_submit(&r);
				}
				prep_nop(&r, nr);
				ring_publish(&r);
				seen[i].ret = backend_enter(r.backend, r.fd, to_submit, wait, flags,
							    (void *)(uintptr_t)arg, argsz);
				while (seen[i].nr < 4 && ring_peek(&r, &seen[i].cqes[seen[i].nr]))
					seen[i].nr++;
				ring_exit(&r);
			}
			seen[i].memory = sum_of_memory();
		}
		if (is_same(&seen[0], &seen[1]))
			continue;
		self->nr++;
		printf("# enter %llu: setup 0x%x flags 0x%x submit %u wait %d arg %llx size %zu\n", n, setup,
		       flags, to_submit, (int)wait, arg - (__u64)(uintptr_t)memory, argsz);
		print_seen("io_uring", &seen[0]);
		print_seen("ruring  ", &seen[1]);
	}
	EXPECT_EQ(0, self->nr);
}

TEST_HARNESS_MAIN
