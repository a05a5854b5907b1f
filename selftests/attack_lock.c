// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody's request waits for as long as he likes. Who only has a descriptor of the ring, inherited
 * or received, goes on, ends, and can be killed.
 */
#include <sys/wait.h>

#include "attack.h"

/* What an attacker's request waits for. */
enum { FIFO, TERMINAL };

FIXTURE_VARIANT_ADD(attack, ruring_fifo) { .backend = RURING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, io_uring_fifo) { .backend = IO_URING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, ruring_terminal) { .backend = RURING, .kind = TERMINAL };
FIXTURE_VARIANT_ADD(attack, io_uring_terminal) { .backend = IO_URING, .kind = TERMINAL };

static char output[1 << 20];

/* What who has the descriptor does. */

static void act_exit(struct ring *r)
{
	(void)r;
}

static void act_close(struct ring *r)
{
	MUST(!close(r->fd));
}

static void act_exec(struct ring *r)
{
	MUST(!fcntl(r->fd, F_SETFD, FD_CLOEXEC));
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static void act_poll(struct ring *r)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };

	/* a message may be there */
	MUST(poll(&pfd, 1, 0) >= 0);
}

static void act_fdinfo(struct ring *r)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	MUST(proc_value(path, "flags:") > 0);
}

static void act_map(struct ring *r)
{
	void *mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, r->fd, IORING_OFF_SQES);

	MUST(mem != MAP_FAILED);
	MUST(!munmap(mem, 4096));
}

static void act_enter(struct ring *r)
{
	ring_enter(r, 1, 0, 0);
}

static void act_wait(struct ring *r)
{
	ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
}

static void act_register(struct ring *r)
{
	int fd = 0;

	ring_register(r, IORING_REGISTER_FILES, &fd, 1);
}

static void act_message(struct ring *r)
{
	struct ring own;

	MUST(!ring_init(&own, r->backend, 4, 0));
	prep(&own, IORING_OP_MSG_RING, r->fd, NULL, 7, 1);
	ring_submit_and_run(&own);
}

static const struct act {
	const char *name;
	void (*act)(struct ring *r);
	/* it ends by itself; else it may wait, but not for ever once it is killed */
	bool returns;
} acts[] = {
	{ "exit", act_exit, true },
	{ "close", act_close, true },
	{ "exec", act_exec, true },
	{ "poll", act_poll, true },
	{ "fdinfo", act_fdinfo, true },
	{ "map", act_map, true },
	{ "enter", act_enter, false },
	{ "wait", act_wait, false },
	{ "register", act_register, false },
	{ "message", act_message, false },
};

#define ACTS	ARRAY_SIZE(acts)

static void victim(struct ring *r, unsigned int i)
{
	reach(&board->step[i], 1);
	MUST(reaches(&board->go, 1));
	reach(&board->step[i], 2);
	acts[i].act(r);
	reach(&board->step[i], 3);
	while (!acts[i].returns)
		pause();
	_exit(0);
}

/* The slave of a terminal whose master nobody reads. */
static int terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd;

	MUST(master >= 0 && !grantpt(master) && !unlockpt(master));
	fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(fd >= 0);
	return fd;
}

static void submit_what_waits(struct ring *r, int kind, int tty)
{
	if (kind == FIFO)
		prep_fifo(r, 1);
	else
		prep(r, IORING_OP_WRITE, tty, output, sizeof(output), 1);
	ring_submit(r);
	/* also what is left to a task */
	for (;;)
		ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
}

/* Who attacks, and has those who inherit. */
static void attacker_with_children(const char *group, enum backend backend, int kind)
{
	int tty = kind == TERMINAL ? terminal() : -1;
	struct ring ring;
	unsigned int i;
	pid_t pid;

	MUST(!ring_init(&ring, backend, 8, 0));
	for (i = 0; i < ACTS; i++) {
		pid = spawn(group, BYSTANDER);
		MUST(pid >= 0);
		if (!pid)
			victim(&ring, i);
		board->pid[i] = pid;
	}
	for (i = 0; i < ACTS; i++)
		MUST(reaches(&board->step[i], 1));
	join(group, "attackers");
	become(ATTACKER);
	submit_what_waits(&ring, kind, tty);
}

static const char *where(int kind)
{
	return kind == FIFO ? AT_FIFO : "wait_woken";
}

/* A WRITE to a terminal has io_uring's lock: what takes that waits with it. */
static bool waits_in_io_uring(enum backend backend, int kind, unsigned int i)
{
	return backend == IO_URING && kind == TERMINAL && !acts[i].returns;
}

/* All do what they do while the request of process @attacker waits. */
static void check_all(struct __test_metadata *_metadata, enum backend backend, int kind, pid_t attacker)
{
	struct process who[ACTS];
	unsigned int i;

	ASSERT_TRUE(sleep_in(attacker, where(kind), 1));
	for (i = 0; i < ACTS; i++)
		who[i] = process_of(board->pid[i], acts[i].name);
	reach(&board->go, 1);
	for (i = 0; i < ACTS; i++) {
		EXPECT_TRUE(reaches(&board->step[i], 2));
		if (waits_in_io_uring(backend, kind, i))
			continue;
		EXPECT_TRUE(acts[i].returns ? ends(&who[i]) : dies(&who[i]));
	}
	/* it has not been over meanwhile */
	EXPECT_LE(1, sleepers(attacker, where(kind)));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

TEST_F(attack, a_ring_that_is_inherited)
{
	pid_t attacker = spawn(self->group, 0);
	unsigned int i;

	ASSERT_LE(0, attacker);
	if (!attacker)
		attacker_with_children(self->group, variant->backend, variant->kind);
	for (i = 0; i < ACTS; i++)
		ASSERT_TRUE(reaches(&board->step[i], 1));
	check_all(_metadata, variant->backend, variant->kind, attacker);
}

TEST_F(attack, a_ring_that_is_received)
{
	struct ring ring = { .backend = variant->backend };
	int socks[ACTS][2];
	pid_t attacker, pid;
	unsigned int i;

	if (variant->backend == IO_URING)
		SKIP(return, "a ring of io_uring's cannot be sent");
	for (i = 0; i < ACTS; i++) {
		ASSERT_EQ(0, unix_pair(SOCK_STREAM, socks[i]));
		pid = spawn(self->group, BYSTANDER);
		ASSERT_LE(0, pid);
		if (!pid) {
			ring.fd = recv_fd(socks[i][0]);
			MUST(ring.fd >= 0);
			victim(&ring, i);
		}
		board->pid[i] = pid;
	}
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	if (!attacker) {
		int tty = variant->kind == TERMINAL ? terminal() : -1;

		MUST(!ring_init(&ring, variant->backend, 8, 0));
		for (i = 0; i < ACTS; i++) {
			MUST(!send_fd(socks[i][1], ring.fd));
			MUST(reaches(&board->step[i], 1));
		}
		submit_what_waits(&ring, variant->kind, tty);
	}
	check_all(_metadata, variant->backend, variant->kind, attacker);
}

TEST_HARNESS_MAIN
