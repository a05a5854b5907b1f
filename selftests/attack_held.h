/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Somebody's request waits for as long as he likes. Who only has a descriptor of the ring, inherited
 * or received, goes on, ends, and can be killed.
 *
 * A file that includes this has its kinds of what is waited for as variants, and says of each by the functions below
 * what there is to it.
 */
#ifndef SELFTESTS_ATTACK_HELD_H
#define SELFTESTS_ATTACK_HELD_H

#include <sys/wait.h>

#include "attack.h"
#include "fuse.h"

/* In the test: have ready what a request of @kind waits for. */
static bool hold(const char *group, int kind);
/* Have it wait no longer, and end whoever held it up. */
static bool let_go(int kind);
/* In the attacker, once: submit it. */
static void prep_what_waits(struct ring *r, int kind);
/* The kernel's function in which it sleeps. */
static const char *where(int kind);
/* Whether who does acts[@i] waits with it in io_uring. */
static bool waits_in_io_uring(int kind, unsigned int i);
/* Whether ruring does it with the ring unlocked, so that nobody waits for that. */
static bool is_unlocked(int kind);

/* What who has the descriptor does. */

static inline void act_exit(struct ring *r)
{
	(void)r;
}

static inline void act_close(struct ring *r)
{
	MUST(!close(r->fd));
}

static inline void act_exec(struct ring *r)
{
	MUST(!fcntl(r->fd, F_SETFD, FD_CLOEXEC));
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static inline void act_poll(struct ring *r)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };

	/* a message may be there */
	MUST(poll(&pfd, 1, 0) >= 0);
}

static inline void act_fdinfo(struct ring *r)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	MUST(proc_value(path, "flags:") > 0);
}

static inline void act_map(struct ring *r)
{
	void *mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, r->fd, IORING_OFF_SQES);

	MUST(mem != MAP_FAILED);
	MUST(!munmap(mem, 4096));
}

static inline void act_enter(struct ring *r)
{
	ring_enter(r, 1, 0, 0);
}

static inline void act_wait(struct ring *r)
{
	ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
}

static inline void act_register(struct ring *r)
{
	int fd = 0;

	ring_register(r, IORING_REGISTER_FILES, &fd, 1);
}

static inline void act_message(struct ring *r)
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

static inline void victim(struct ring *r, unsigned int i)
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
static inline int terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd;

	MUST(master >= 0 && !grantpt(master) && !unlockpt(master));
	fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(fd >= 0);
	return fd;
}

/*
 * A file at @path whose server, a process of the attacker's, never answers what has the opcode @odd. Returns its
 * process id, or less than 0.
 */
static inline pid_t hold_server(const char *group, const char *path, unsigned int odd)
{
	int fd = fuse_mount(path);
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = spawn(group, 0);
	if (!pid) {
		join(group, "attackers");
		become(ATTACKER);
		fuse_serve(fd, odd, 0);
		_exit(0);
	}
	close(fd);
	return pid;
}

static inline void submit_what_waits(struct ring *r, int kind)
{
	prep_what_waits(r, kind);
	/* what it has to wait for until here, as for a server that opens a file, is not what is meant */
	reach(&board->step[ACTS], 1);
	ring_submit(r);
	/* also what is left to a task */
	for (;;)
		ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
}

/* Who attacks, and has those who inherit. */
static inline void attacker_with_children(const char *group, enum backend backend, int kind)
{
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
	submit_what_waits(&ring, kind);
}

/* All do what they do while the request of process @attacker waits. */
static inline void check_all(struct __test_metadata *_metadata, enum backend backend, int kind, pid_t attacker)
{
	struct process who[ACTS];
	unsigned int i;

	ASSERT_TRUE(reaches(&board->step[ACTS], 1));
	ASSERT_TRUE(sleep_in(attacker, where(kind), 1));
	for (i = 0; i < ACTS; i++)
		who[i] = process_of(board->pid[i], acts[i].name);
	reach(&board->go, 1);
	for (i = 0; i < ACTS; i++) {
		EXPECT_TRUE(reaches(&board->step[i], 2));
		if (backend == IO_URING && waits_in_io_uring(kind, i))
			continue;
		/* who waits for a completion may have to */
		if (backend == RURING && is_unlocked(kind) && acts[i].act != act_wait)
			EXPECT_TRUE(acts[i].returns || reaches(&board->step[i], 3))
				TH_LOG("%s waits", acts[i].name);
		EXPECT_TRUE(acts[i].returns ? ends(&who[i]) : dies(&who[i]));
	}
	/* it has not been over meanwhile */
	EXPECT_LE(1, sleepers(attacker, where(kind)))
		see_threads(attacker, tell_of_thread, (void *)where(kind));
	EXPECT_TRUE(let_go(kind));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

TEST_F(attack, a_ring_that_is_inherited)
{
	pid_t attacker;
	unsigned int i;

	ASSERT_TRUE(hold(self->group, variant->kind));
	attacker = spawn(self->group, 0);
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
	ASSERT_TRUE(hold(self->group, variant->kind));
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
		MUST(!ring_init(&ring, variant->backend, 8, 0));
		for (i = 0; i < ACTS; i++) {
			MUST(!send_fd(socks[i][1], ring.fd));
			MUST(reaches(&board->step[i], 1));
		}
		submit_what_waits(&ring, variant->kind);
	}
	check_all(_metadata, variant->backend, variant->kind, attacker);
}

#endif /* SELFTESTS_ATTACK_HELD_H */
