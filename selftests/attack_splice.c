// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait between two files (attack_held.h): for a file server, a terminal that nobody reads, or a pipe or socket
 * that is full or empty. Who has them can be killed, execute a program, and close his ring.
 */
#include <linux/ruring.h>

#include "attack_held.h"

/* What is waited for. */
enum { SPLICE_SERVER, READ_SERVER, SPLICE_TERMINAL, FULL_PIPE, EMPTY_PIPE, TEE_PIPE, SEND_SERVER, FULL_SOCKET };

FIXTURE_VARIANT_ADD(attack, ruring_to_server) { .backend = RURING, .kind = SPLICE_SERVER };
FIXTURE_VARIANT_ADD(attack, io_uring_to_server) { .backend = IO_URING, .kind = SPLICE_SERVER };
FIXTURE_VARIANT_ADD(attack, ruring_from_server) { .backend = RURING, .kind = READ_SERVER };
FIXTURE_VARIANT_ADD(attack, io_uring_from_server) { .backend = IO_URING, .kind = READ_SERVER };
FIXTURE_VARIANT_ADD(attack, ruring_to_terminal) { .backend = RURING, .kind = SPLICE_TERMINAL };
FIXTURE_VARIANT_ADD(attack, io_uring_to_terminal) { .backend = IO_URING, .kind = SPLICE_TERMINAL };
FIXTURE_VARIANT_ADD(attack, ruring_to_pipe) { .backend = RURING, .kind = FULL_PIPE };
FIXTURE_VARIANT_ADD(attack, io_uring_to_pipe) { .backend = IO_URING, .kind = FULL_PIPE };
FIXTURE_VARIANT_ADD(attack, ruring_from_pipe) { .backend = RURING, .kind = EMPTY_PIPE };
FIXTURE_VARIANT_ADD(attack, io_uring_from_pipe) { .backend = IO_URING, .kind = EMPTY_PIPE };
FIXTURE_VARIANT_ADD(attack, ruring_tee) { .backend = RURING, .kind = TEE_PIPE };
FIXTURE_VARIANT_ADD(attack, io_uring_tee) { .backend = IO_URING, .kind = TEE_PIPE };
/* io_uring has no SENDFILE */
FIXTURE_VARIANT_ADD(attack, ruring_send_from_server) { .backend = RURING, .kind = SEND_SERVER };
FIXTURE_VARIANT_ADD(attack, ruring_send_to_socket) { .backend = RURING, .kind = FULL_SOCKET };

static struct {
	pid_t server;
	char path[64];
	/* of which the one takes nothing before the other is read */
	int sv[2];
} held;

static bool of_server(int kind)
{
	return kind == SPLICE_SERVER || kind == READ_SERVER || kind == SEND_SERVER;
}

static bool hold(const char *group, int kind)
{
	/* for which rights are needed that who attacks has not */
	if (kind == FULL_SOCKET)
		return !tcp_pair(held.sv) && tcp_full(held.sv) > 0;
	if (!of_server(kind))
		return true;
	snprintf(held.path, sizeof(held.path), "%s/served", attack_dir);
	held.server = hold_server(group, held.path, kind == SPLICE_SERVER ? FUSE_WRITE : FUSE_READ);
	return held.server > 0;
}

static bool let_go(int kind)
{
	bool dead = !of_server(kind) || child_dies(held.server, "server");

	if (of_server(kind))
		fuse_unmount(held.path);
	if (kind == FULL_SOCKET)
		dead = !close(held.sv[0]) && !close(held.sv[1]);
	return dead;
}

/* Write until there is no room. */
static void fill(int fd)
{
	static const char some[4096];

	MUST(!fcntl(fd, F_SETFL, O_NONBLOCK));
	while (write(fd, some, sizeof(some)) > 0 || write(fd, some, 1) > 0)
		;
	MUST(errno == EAGAIN && !fcntl(fd, F_SETFL, 0));
}

/* More than a terminal keeps for who does not read. */
#define MUCH	(1 << 20)

/* A pipe's end to read from, with so much in it, and what to write to. */
static int pipe_with(unsigned int len, int *to)
{
	static const char some[MUCH];
	int fds[2];

	MUST(!pipe(fds) && fcntl(fds[1], F_SETPIPE_SZ, MUCH) == MUCH);
	MUST(write(fds[1], some, len) == (ssize_t)len);
	*to = fds[1];
	return fds[0];
}

/* The file of the server, whose size is looked at so that it is known that there is something to read. */
static int open_served(void)
{
	struct stat st;
	int fd = open(held.path, O_RDONLY);

	MUST(fd >= 0 && !fstat(fd, &st) && st.st_size);
	return fd;
}

static void prep_what_waits(struct ring *r, int kind)
{
	unsigned int op = IORING_OP_SPLICE;
	__u64 from = -1, off = -1;
	int in, out, unused, sv[2];
	struct io_uring_sqe *sqe;

	in = pipe_with(MUCH, &unused);
	switch (kind) {
	case SPLICE_SERVER:
		out = open(held.path, O_WRONLY);
		break;
	case READ_SERVER:
		pipe_with(0, &out);
		in = open_served();
		break;
	case SPLICE_TERMINAL:
		out = terminal();
		break;
	case TEE_PIPE:
		op = IORING_OP_TEE;
		from = off = 0;
		/* fall through */
	case FULL_PIPE:
		pipe_with(0, &out);
		fill(out);
		break;
	case EMPTY_PIPE:
		in = pipe_with(0, &unused);
		out = memfd_create("file", 0);
		break;
	default:
		op = RURING_OP_SENDFILE;
		from = off = 0;
		if (kind == FULL_SOCKET) {
			in = memfd_create("file", 0);
			MUST(!ftruncate(in, MUCH));
			out = held.sv[0];
		} else {
			MUST(!tcp_pair(sv));
			in = open_served();
			out = sv[0];
		}
	}
	MUST(in >= 0 && out >= 0);
	sqe = prep(r, op, out, NULL, MUCH, 1);
	sqe->splice_fd_in = in;
	sqe->splice_off_in = from;
	sqe->off = off;
}

static const char *where(int kind)
{
	static const char *const places[] = {
		[SPLICE_SERVER] = "fuse_chan_send",
		[READ_SERVER] = "fuse_chan_send",
		[SPLICE_TERMINAL] = "wait_woken",
		[FULL_PIPE] = "pipe_wait_writable",
		[EMPTY_PIPE] = "pipe_wait_readable",
		[TEE_PIPE] = "pipe_wait_writable",
		[SEND_SERVER] = "fuse_chan_send",
		[FULL_SOCKET] = "wait_woken",
	};

	return places[kind];
}

static bool waits_in_io_uring(int kind, unsigned int i)
{
	(void)kind;
	(void)i;
	return false;
}

/* How who has submitted it leaves it. */
enum { KILLED, EXECUTES, CLOSES, WAYS };

static void leave(enum backend backend, int kind, int way)
{
	struct ring ring;

	MUST(!ring_init(&ring, backend, 8, 0));
	prep_what_waits(&ring, kind);
	ring_submit(&ring);
	reach(&board->step[way], 1);
	MUST(reaches(&board->go, 1 + way));
	if (way == EXECUTES)
		execl("/bin/true", "true", NULL);
	if (way == CLOSES) {
		ring_exit(&ring);
		device_close();
		reach(&board->step[way], 2);
	}
	for (;;)
		pause();
}

/*
 * He ends, and so does his ring: at once, but for what a server has been told of, as who reads or writes such a file by a
 * system call waits until it is answered, or the server is gone.
 */
TEST_F(attack, who_has_it_leaves)
{
	bool late = of_server(variant->kind);
	struct process who;
	pid_t pid;
	int way;

	for (way = 0; way < WAYS; way++) {
		ASSERT_TRUE(hold(self->group, variant->kind));
		pid = spawn(self->group, ATTACKER);
		ASSERT_LE(0, pid);
		if (!pid)
			leave(variant->backend, variant->kind, way);
		who = process_of(pid, "who has submitted it");
		ASSERT_TRUE(reaches(&board->step[way], 1));
		ASSERT_TRUE(sleep_in(pid, where(variant->kind), 1));
		if (way == KILLED)
			ASSERT_EQ(0, kill(pid, SIGKILL));
		reach(&board->go, 1 + way);
		if (late)
			EXPECT_TRUE(let_go(variant->kind));
		if (way == CLOSES) {
			EXPECT_TRUE(reaches(&board->step[way], 2));
			/* with him still there */
			EXPECT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS));
			EXPECT_TRUE(child_dies(pid, who.what));
		} else {
			EXPECT_TRUE(child_ends(pid, who.what, way == KILLED ? SIGKILL : 0));
		}
		close(who.fd);
	}
}

/* A worker or the submitter does all of it. */
static bool is_unlocked(int kind)
{
	(void)kind;
	return true;
}

TEST_HARNESS_MAIN
