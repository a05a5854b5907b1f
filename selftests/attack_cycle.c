// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that keep each other, or themselves, in the queues of sockets: nothing of them outlives their
 * processes.
 */
#include <sys/un.h>
#include <sys/wait.h>

#include "attack.h"

/* What of a ring keeps the socket in whose queue it is. */
enum {
	REGISTERED,
	POLLS,
	/* a datagram socket that is connected to itself */
	POLLS_ITSELF,
};

FIXTURE_VARIANT_ADD(attack, ruring_registered) { .backend = RURING, .kind = REGISTERED };
FIXTURE_VARIANT_ADD(attack, io_uring_registered) { .backend = IO_URING, .kind = REGISTERED };
FIXTURE_VARIANT_ADD(attack, ruring_polls) { .backend = RURING, .kind = POLLS };
FIXTURE_VARIANT_ADD(attack, io_uring_polls) { .backend = IO_URING, .kind = POLLS };
FIXTURE_VARIANT_ADD(attack, ruring_polls_itself) { .backend = RURING, .kind = POLLS_ITSELF };
FIXTURE_VARIANT_ADD(attack, io_uring_polls_itself) { .backend = IO_URING, .kind = POLLS_ITSELF };

#define PINNED	(1 << 20)

static void pin_memory(struct ring *r)
{
	struct iovec iov = { NULL, PINNED };

	iov.iov_base = mmap(NULL, PINNED, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(iov.iov_base != MAP_FAILED);
	memset(iov.iov_base, 1, PINNED);
	MUST(!ring_register(r, IORING_REGISTER_BUFFERS, &iov, 1));
}

static int own_address(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	MUST(fd >= 0 && !bind(fd, (void *)&addr, sizeof(addr.sun_family)));
	MUST(!getsockname(fd, (void *)&addr, &len));
	MUST(!connect(fd, (void *)&addr, len));
	return fd;
}

/* What is sent into a socket, whose last descriptors are closed. */
static void send_and_close(struct ring *r, int sv[2], bool both)
{
	int ret;

	/* the other end, too, is then only to be had from the queue */
	if (both)
		MUST(!send_fd(sv[1], sv[1]));
	ret = send_fd(sv[1], r->fd);
	/* io_uring's rings cannot be sent */
	MUST(ret == (r->backend == RURING ? 0 : -EINVAL));
	close(sv[0]);
	close(sv[1]);
}

static void make_cycle(struct ring *r, int kind, bool both)
{
	int sv[2];

	if (kind == POLLS_ITSELF)
		sv[0] = sv[1] = own_address();
	else
		MUST(!unix_pair(SOCK_STREAM, sv));
	if (kind == REGISTERED) {
		MUST(!ring_register(r, IORING_REGISTER_FILES, sv, 1));
	} else {
		prep_poll(r, sv[0], POLLPRI, 1);
		MUST(ring_submit(r) == 1);
	}
	send_and_close(r, sv, both);
}

static void make_cycles(enum backend backend, int kind, unsigned int nr)
{
	struct ring ring;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		MUST(!ring_init(&ring, backend, 64, 0));
		pin_memory(&ring);
		make_cycle(&ring, kind, i & 1);
		ring_exit(&ring);
	}
	_exit(0);
}

static bool pins_are_back(void *arg)
{
	return pinned_pages() <= *(long long *)arg;
}

/* Once the process has ended, however it has. */
TEST_F(attack, of_a_process_that_exits)
{
	long long before = pinned_pages();
	pid_t attacker = spawn(self->group, ATTACKER);

	ASSERT_LE(0, attacker);
	if (!attacker)
		make_cycles(variant->backend, variant->kind, 4);
	EXPECT_TRUE(child_ends(attacker, "attacker", 0));
	EXPECT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS))
		TH_LOG("%lld users are left", module_users());
	EXPECT_TRUE(wait_ms(pins_are_back, &before, LATE_MS));
}

/* @kept: it has its descriptors to the end. If not they are nowhere but in the queues, and nothing of a ring is closed. */
static void wait_to_be_killed(enum backend backend, int kind, bool kept)
{
	struct ring rings[2];

	MUST(!ring_init(&rings[0], backend, 4, 0));
	MUST(!ring_init(&rings[1], backend, 4, 0));
	make_cycle(&rings[0], kind, false);
	make_cycle(&rings[1], kind, true);
	/* rings that have each other's descriptors, too */
	ring_register(&rings[0], IORING_REGISTER_FILES, &rings[1].fd, 1);
	prep_poll_multi(&rings[0], rings[1].fd, POLLIN, 5);
	MUST(ring_submit(&rings[0]) == 1);
	prep_poll_multi(&rings[1], rings[0].fd, POLLIN, 5);
	MUST(ring_submit(&rings[1]) == 1);
	if (!kept) {
		ring_exit(&rings[0]);
		ring_exit(&rings[1]);
	}
	reach(&board->step[0], 1);
	for (;;)
		pause();
}

TEST_F(attack, of_a_process_that_is_killed)
{
	int kept;

	for (kept = 0; kept < 2; kept++) {
		pid_t attacker;

		reach(&board->step[0], 0);
		attacker = spawn(self->group, ATTACKER);
		ASSERT_LE(0, attacker);
		if (!attacker)
			wait_to_be_killed(variant->backend, variant->kind, kept);
		ASSERT_TRUE(reaches(&board->step[0], 1));
		EXPECT_TRUE(child_dies(attacker, "attacker"));
		EXPECT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS))
			TH_LOG("%lld users are left, descriptors kept %d", module_users(), kept);
	}
}

TEST_HARNESS_MAIN
