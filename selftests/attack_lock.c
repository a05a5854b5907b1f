// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody's request waits for as long as he likes. Who only has a descriptor of the ring, inherited
 * or received, goes on, ends, and can be killed.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "attack.h"
#include "fuse.h"

/*
 * What an attacker's request waits for: a partner, room, somebody who has locked the pipe or the socket and
 * waits for a page of his, or a file server.
 */
enum { FIFO, TERMINAL, PIPE, SOCKET, SERVER };

FIXTURE_VARIANT_ADD(attack, ruring_fifo) { .backend = RURING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, io_uring_fifo) { .backend = IO_URING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, ruring_terminal) { .backend = RURING, .kind = TERMINAL };
FIXTURE_VARIANT_ADD(attack, io_uring_terminal) { .backend = IO_URING, .kind = TERMINAL };
FIXTURE_VARIANT_ADD(attack, ruring_pipe) { .backend = RURING, .kind = PIPE };
FIXTURE_VARIANT_ADD(attack, io_uring_pipe) { .backend = IO_URING, .kind = PIPE };
FIXTURE_VARIANT_ADD(attack, ruring_socket) { .backend = RURING, .kind = SOCKET };
FIXTURE_VARIANT_ADD(attack, io_uring_socket) { .backend = IO_URING, .kind = SOCKET };
FIXTURE_VARIANT_ADD(attack, ruring_server) { .backend = RURING, .kind = SERVER };
FIXTURE_VARIANT_ADD(attack, io_uring_server) { .backend = IO_URING, .kind = SERVER };

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

/* What the request is about, and whoever holds it up. */
static struct holdup {
	int fds[2];
	pid_t pid;
	char path[64];
} holdup;

/* Memory of which no page is ever there, save for who is killed. */
static void *missing_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(uffd >= 0 && page != MAP_FAILED && !ioctl(uffd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)page;
	reg.range.len = 4096;
	MUST(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	return page;
}

/* Hold what the attacker is going to wait for. */
static bool hold(const char *group, int kind)
{
	bool ready = true;
	int fd = -1;

	if (kind == SERVER) {
		snprintf(holdup.path, sizeof(holdup.path), "%s/served", attack_dir);
		fd = fuse_mount(holdup.path);
		ready = fd >= 0;
	} else if (kind == PIPE) {
		ready = !pipe(holdup.fds);
	} else if (kind == SOCKET) {
		ready = !tcp_pair(holdup.fds);
	}
	if (!ready || kind == FIFO || kind == TERMINAL)
		return ready;
	holdup.pid = spawn(group, 0);
	if (!holdup.pid) {
		join(group, "attackers");
		if (kind == SERVER) {
			become(ATTACKER);
			fuse_serve(fd, FUSE_FLUSH, 0);
		} else {
			void *page = missing_page();

			become(ATTACKER);
			MUST(write(holdup.fds[1], page, 4096) == 4096);
		}
		_exit(0);
	}
	close(fd);
	return holdup.pid > 0 && (kind == SERVER || sleep_in(holdup.pid, "handle_userfault", 1));
}

static bool let_go(int kind)
{
	bool dead = !holdup.pid || child_dies(holdup.pid, "who holds it up");

	if (kind == SERVER)
		fuse_unmount(holdup.path);
	return dead;
}

static void submit_what_waits(struct ring *r, int kind, int tty)
{
	int fd;

	switch (kind) {
	case FIFO:
		prep_fifo(r, 1);
		break;
	case TERMINAL:
		prep(r, IORING_OP_WRITE, tty, output, sizeof(output), 1);
		break;
	case PIPE:
		prep(r, IORING_OP_WRITE, holdup.fds[1], output, 1, 1);
		break;
	case SOCKET:
		prep(r, IORING_OP_SEND, holdup.fds[1], output, 1, 1);
		break;
	case SERVER:
		fd = open(holdup.path, O_RDWR);
		MUST(fd >= 0);
		prep(r, IORING_OP_CLOSE, fd, NULL, 0, 1);
		break;
	}
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
	static const char *const places[] = {
		[FIFO] = AT_FIFO,
		[TERMINAL] = "wait_woken",
		[PIPE] = "anon_pipe_write",
		[SOCKET] = "__lock_sock",
		[SERVER] = "fuse_chan_send",
	};

	return places[kind];
}

/*
 * Who waits for a pipe or a socket that is locked, as any write(2) would, and in io_uring for a terminal, has
 * io_uring's lock: what takes that waits with him.
 */
static bool waits_in_io_uring(enum backend backend, int kind, unsigned int i)
{
	return backend == IO_URING && (kind == TERMINAL || kind == PIPE || kind == SOCKET) &&
	       !acts[i].returns;
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
