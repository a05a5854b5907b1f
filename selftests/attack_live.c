// SPDX-License-Identifier: GPL-2.0
/*
 * Rings, polls, eventfds and timers that cause each other, and files that are always ready: who does that comes
 * back to user space, and can be killed at any time.
 */
#include <linux/time_types.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

static const unsigned int modes[] = { 0, IORING_SETUP_COOP_TASKRUN, DEFER_FLAGS };

/* Two rings of a process, which do one thing after the other. */
static struct ring a, b;
static enum backend used;
static unsigned int mode;

static void both(void)
{
	MUST(!ring_init(&a, used, 64, mode));
	MUST(!ring_init(&b, used, 64, mode));
}

static void submit(struct ring *r)
{
	MUST(ring_submit(r) > 0);
}

/* A completion, and what comes of it, so many times. */
static void turn(unsigned int times)
{
	while (times--) {
		prep_nop(&a, 1);
		submit(&a);
		prep_nop(&b, 1);
		submit(&b);
		ring_run(&a);
		ring_run(&b);
		ring_drain(&a);
		ring_drain(&b);
	}
}

static void each_other(void)
{
	both();
	prep_poll_multi(&a, b.fd, POLLIN, 5);
	submit(&a);
	prep_poll_multi(&b, a.fd, POLLIN, 5);
	submit(&b);
	turn(30);
}

static void itself(void)
{
	both();
	prep_poll_multi(&a, a.fd, POLLIN, 5);
	submit(&a);
	turn(30);
}

static void eventfds_crosswise(void)
{
	int ea = eventfd(0, EFD_NONBLOCK), eb = eventfd(0, EFD_NONBLOCK);

	both();
	MUST(!ring_register(&a, IORING_REGISTER_EVENTFD, &ea, 1));
	MUST(!ring_register(&b, IORING_REGISTER_EVENTFD, &eb, 1));
	prep_poll_multi(&a, eb, POLLIN, 5);
	prep_poll_multi(&a, ea, POLLIN, 6);
	submit(&a);
	prep_poll_multi(&b, ea, POLLIN, 5);
	submit(&b);
	turn(30);
}

static void nested_epolls(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int inner = epoll_create1(0), outer = epoll_create1(0);

	both();
	MUST(!epoll_ctl(inner, EPOLL_CTL_ADD, a.fd, &event));
	MUST(!epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
	event.events |= EPOLLET;
	MUST(!epoll_ctl(inner, EPOLL_CTL_ADD, b.fd, &event));
	prep_poll_multi(&a, inner, POLLIN, 5);
	prep_poll_multi(&a, outer, POLLIN, 5);
	submit(&a);
	prep_poll_multi(&b, outer, POLLIN, 5);
	submit(&b);
	turn(30);
}

static void in_a_circle(void)
{
	static struct ring rings[16];
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(rings); i++)
		MUST(!ring_init(&rings[i], used, 8, mode));
	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		prep_poll_multi(&rings[i], rings[(i + 1) % ARRAY_SIZE(rings)].fd, POLLIN, 5);
		submit(&rings[i]);
	}
	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(rings); i++) {
			prep_nop(&rings[i], 1);
			submit(&rings[i]);
			ring_run(&rings[i]);
			ring_drain(&rings[i]);
		}
	}
}

#define TIMERS	30

static void prep_timers(void)
{
	static struct __kernel_timespec none, shortest = { 0, 1 };
	unsigned int i;

	for (i = 0; i < TIMERS; i++)
		prep(&a, IORING_OP_TIMEOUT, -1, i & 1 ? &none : &shortest, 1, i)->timeout_flags =
			IORING_TIMEOUT_MULTISHOT;
}

/*
 * It is back each time, for a while. All of them end where their completions have filled the queue before it is back: who waits for more
 * then, with nothing that could bring it, sleeps, on io_uring too.
 */
static void timers(void)
{
	long long until = now_ms() + 200;
	unsigned int left = 0;
	struct io_uring_cqe cqe;

	both();
	/* once at least: the time may be over before it gets here */
	do {
		if (!left) {
			prep_timers();
			submit(&a);
			left = TIMERS;
		}
		MUST(ring_enter(&a, 0, 1, IORING_ENTER_GETEVENTS) >= 0);
		while (ring_peek(&a, &cqe)) {
			MUST(cqe.res == -ETIME);
			left -= !(cqe.flags & IORING_CQE_F_MORE);
		}
	} while (now_ms() < until);
}

static void closes_itself(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		struct ring r;
		int copy;

		MUST(!ring_init(&r, used, 8, mode));
		copy = dup(r.fd);
		prep(&r, IORING_OP_CLOSE, r.fd, NULL, 0, 1)->flags = IOSQE_IO_LINK;
		prep(&r, IORING_OP_CLOSE, copy, NULL, 0, 2);
		submit(&r);
		ring_unmap(&r);
	}
}

static const struct act {
	const char *name;
	void (*act)(void);
} acts[] = {
	{ "rings that poll each other", each_other },
	{ "a ring that polls itself", itself },
	{ "eventfds crosswise", eventfds_crosswise },
	{ "nested epolls", nested_epolls },
	{ "rings in a circle", in_a_circle },
	{ "multishot timeouts of no time", timers },
	{ "a ring that closes itself", closes_itself },
};

TEST_F(attack, what_causes_itself)
{
	unsigned int i, m;
	pid_t pid;

	used = variant->backend;
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		for (m = 0; m < ARRAY_SIZE(modes); m++) {
			mode = modes[m];
			pid = spawn(self->group, ATTACKER);
			ASSERT_LE(0, pid);
			if (!pid) {
				acts[i].act();
				_exit(0);
			}
			EXPECT_TRUE(child_ends(pid, acts[i].name, 0))
				TH_LOG("%s, flags 0x%x", acts[i].name, mode);
		}
	}
}

/*
 * A file that always has something is read into many buffers. Who is killed in the midst of it does not go on until all
 * are used up, which others could see to that they never are.
 */

#define READS	32767
#define READ_STEP	8
#define READ_SIZE	16384

static void read_into(struct ring *r, char *mem)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = READS + 1,
		.bgid = 3,
		.flags = IOU_PBUF_RING_MMAP,
	};
	off_t at = IORING_OFF_PBUF_RING | 3ULL << IORING_OFF_PBUF_SHIFT;
	struct io_uring_buf_ring *br;
	struct io_uring_sqe *sqe;
	unsigned int i;

	MUST(!ring_register(r, IORING_REGISTER_PBUF_RING, &reg, 1));
	br = mmap(NULL, reg.ring_entries * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
		  MAP_SHARED, r->fd, at);
	MUST(br != MAP_FAILED);
	for (i = 0; i < READS; i++) {
		br->bufs[i].addr = (uintptr_t)mem + i * READ_STEP;
		br->bufs[i].len = READ_SIZE;
	}
	__atomic_store_n(&br->tail, READS, __ATOMIC_RELEASE);
	sqe = prep(r, IORING_OP_READ_MULTISHOT, open("/dev/random", O_RDONLY), NULL, 0, 1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 3;
	sqe->off = -1;
}

static bool has_begun(void *mem)
{
	return __atomic_load_n((__u64 *)mem, __ATOMIC_RELAXED) != 0;
}

TEST_F(attack, killed_while_it_reads)
{
	size_t size = READS * READ_STEP + READ_SIZE;
	unsigned int m;
	pid_t pid;
	char *mem;

	if (variant->backend == IO_URING)
		SKIP(return, "io_uring reads on");
	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, mem);
		pid = spawn(self->group, ATTACKER);
		ASSERT_LE(0, pid);
		if (!pid) {
			MUST(!ring_init_cq(&a, RURING, 4, 2 * READS, modes[m]));
			read_into(&a, mem);
			ring_enter(&a, ring_publish(&a), 2 * READS, IORING_ENTER_GETEVENTS);
			pause();
		}
		EXPECT_TRUE(wait_ms(has_begun, mem, LATE_MS));
		EXPECT_TRUE(child_dies(pid, "who reads"));
		/* where only the last reads would come to */
		EXPECT_EQ(0, *(__u64 *)(mem + size - READ_SIZE)) TH_LOG("flags 0x%x", modes[m]);
		munmap(mem, size);
	}
}

/* Messages from everywhere to a ring whose owner is stopped, and to all. */
TEST_F(attack, a_storm_of_messages)
{
	pid_t owner, sender;
	unsigned int i;

	owner = spawn(self->group, 0);
	ASSERT_LE(0, owner);
	if (!owner) {
		MUST(!ring_init(&a, variant->backend, 64, DEFER_FLAGS));
		for (i = 0; i < 3; i++) {
			sender = spawn(self->group, ATTACKER);
			MUST(sender >= 0);
			if (sender) {
				board->pid[i] = sender;
				continue;
			}
			MUST(!ring_init(&b, variant->backend, 64, 0));
			for (;;) {
				unsigned int k;

				for (k = 0; k < 32; k++)
					prep(&b, IORING_OP_MSG_RING, a.fd, NULL, 1, 1)->flags =
						IOSQE_CQE_SKIP_SUCCESS;
				ring_submit_and_run(&b);
				ring_drain(&b);
				__atomic_add_fetch(&board->step[i], 1, __ATOMIC_RELEASE);
			}
		}
		join(self->group, "others");
		reach(&board->count, 1);
		for (;;)
			pause();
	}
	ASSERT_TRUE(reaches(&board->count, 1));
	ASSERT_EQ(0, kill(owner, SIGSTOP));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(reaches(&board->step[i], 20));
	for (i = 0; i < 3; i++) {
		struct process p = process_of(board->pid[i], "sender");

		EXPECT_TRUE(dies(&p));
	}
	EXPECT_TRUE(child_dies(owner, "owner"));
}

/* Files of which a read says that there is something, always or never. */

static const char *const odd_files[] = {
	"/sys/kernel/mm/transparent_hugepage/enabled",
	"/proc/self/mounts",
	"/proc/sys/kernel/ostype",
	"/proc/cmdline",
	"/sys/class/net/lo/mtu",
	"/sys/class/net/lo/operstate",
	"/dev/null",
	"/dev/zero",
};

#define BUFFERS	16
#define GROUP	3

static void prep_read(struct ring *r, int kind, int fd)
{
	struct io_uring_sqe *sqe;

	sqe = prep(r, kind == 2 ? IORING_OP_READ_MULTISHOT : IORING_OP_READ, fd, NULL,
		   kind == 2 ? 0 : 500, 5);
	sqe->flags = IOSQE_BUFFER_SELECT | (kind == 1 ? IOSQE_ASYNC : 0);
	sqe->buf_group = GROUP;
	sqe->off = -1;
}

/* A read, one by a worker, and one for as long as there is something. */
static void read_odd_file(enum backend backend, unsigned int flags, int fd, int *result)
{
	static char pool[BUFFERS * 500];
	struct io_uring_cqe cqe;
	struct ring r;
	int kind, nr, last = 0;

	MUST(!ring_init(&r, backend, 16, flags));
	prep(&r, IORING_OP_PROVIDE_BUFFERS, BUFFERS, pool, 500, 1)->buf_group = GROUP;
	MUST(ring_submit(&r) == 1 && !ring_take(&r, &cqe) && !cqe.res);
	for (kind = 0; kind < 3; kind++) {
		prep_read(&r, kind, fd);
		MUST(ring_submit(&r) == 1);
		nr = 0;
		do {
			MUST(!ring_take(&r, &cqe) && nr++ < 2 * BUFFERS);
			last = cqe.res;
		} while (cqe.flags & IORING_CQE_F_MORE);
		result[kind] = last;
	}
	result[3] = nr;
}

TEST_F(attack, files_that_are_always_ready)
{
	unsigned int i, m, at;
	pid_t pid;
	int fd;

	if (variant->backend == IO_URING)
		SKIP(return, "ruring is compared with it");
	for (i = 0; i < ARRAY_SIZE(odd_files); i++) {
		for (m = 0; m < 4; m++) {
			at = 4 * m;
			pid = spawn(self->group, ATTACKER);
			ASSERT_LE(0, pid);
			if (!pid) {
				fd = open(odd_files[i], O_RDONLY);
				MUST(fd >= 0);
				read_odd_file(m & 1 ? IO_URING : RURING, m & 2 ? DEFER_FLAGS : 0,
					      fd, &board->result[at]);
				_exit(0);
			}
			if (!child_ends(pid, odd_files[i], 0)) {
				EXPECT_TRUE(false)
					TH_LOG("%s, backend %u", odd_files[i], m & 1);
				EXPECT_TRUE(child_dies(pid, odd_files[i]));
			}
			/* io_uring says that this one has ended before it has */
			if (m & 1 && strcmp(odd_files[i], "/proc/self/mounts"))
				EXPECT_EQ(0, memcmp(&board->result[at - 4], &board->result[at],
						    4 * sizeof(int)))
					TH_LOG("%s: %d %d %d (%d), io_uring's %d %d %d (%d)",
					       odd_files[i], board->result[at - 4],
					       board->result[at - 3], board->result[at - 2],
					       board->result[at - 1], board->result[at],
					       board->result[at + 1], board->result[at + 2],
					       board->result[at + 3]);
		}
	}
}

TEST_HARNESS_MAIN
