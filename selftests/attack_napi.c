// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of network devices, which anybody may poll by their numbers: whoever does so for ever gives others their
 * turn, ends when killed, and takes nothing from those whose queue it is.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "attack.h"
#include "veth.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

/* Numbers that a queue could have. */
#define SOME_QUEUE	1000000
#define QUEUES		1000
#define MESSAGES	200

static void register_napi(struct ring *r, unsigned int op, unsigned int param)
{
	struct io_uring_napi napi = {
		.opcode = op, .op_param = param, .busy_poll_to = 10000, .prefer_busy_poll = 1,
	};

	MUST(!ring_register(r, IORING_REGISTER_NAPI, &napi, 1));
}

/* Polls @nr queues from number @from on whenever it waits, which it always does. */
static void poll_for_ever(enum backend backend, unsigned int from, unsigned int nr)
{
	struct ring ring;
	unsigned int i;

	MUST(!ring_init(&ring, backend, 8, DEFER_FLAGS));
	register_napi(&ring, IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_STATIC);
	for (i = 0; i < nr; i++)
		register_napi(&ring, IO_URING_NAPI_STATIC_ADD_ID, from + i);
	for (;;) {
		MUST(ring_wait_ms(&ring, 1, 5) == -ETIME);
		__atomic_add_fetch(&board->count, 1, __ATOMIC_RELEASE);
	}
}

static void on_one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	MUST(!sched_setaffinity(0, sizeof(set), &set));
}

/* The share of its processor, in percent, that one who wants all of it gets. */
static int share(void)
{
	long long begin, used;

	on_one_processor();
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin = now_ns(CLOCK_MONOTONIC);
	while (now_ns(CLOCK_MONOTONIC) - begin < 1000 * 1000000LL)
		;
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	return 100 * used / (now_ns(CLOCK_MONOTONIC) - begin);
}

TEST_F(attack, polls_for_ever)
{
	pid_t attacker = spawn(self->group, ATTACKER), bystander;

	ASSERT_LE(0, attacker);
	if (!attacker) {
		on_one_processor();
		poll_for_ever(variant->backend, SOME_QUEUE, QUEUES);
	}
	/* it comes back each time */
	ASSERT_TRUE(reaches(&board->count, 5));
	bystander = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, bystander);
	if (!bystander) {
		board->result[0] = share();
		_exit(0);
	}
	EXPECT_TRUE(child_ends(bystander, "bystander", 0));
	/* half of it, or more */
	EXPECT_LE(35, board->result[0]);
	EXPECT_TRUE(reaches(&board->count, board->count + 5));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

/* Somebody else, in another network, polls the queue that a user's messages come by. */
TEST_F(attack, queue_of_another_user)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(7777),
		.sin_addr.s_addr = htonl(0x0a090801),
	};
	pid_t attacker, user;
	int there, fd, i;
	char buf[16];

	if (!veth_begin(&there))
		SKIP(return, "no ip(8), or no veth");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&to, sizeof(to)));
	user = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, user);
	if (!user) {
		struct io_uring_cqe cqe;
		unsigned int id = 0;
		socklen_t len = sizeof(id);
		struct ring ring;

		MUST(!ring_init(&ring, variant->backend, 8, 0));
		for (i = 0; i < MESSAGES; i++) {
			prep_recv(&ring, fd, buf, sizeof(buf), 1);
			MUST(ring_submit(&ring) == 1 && !ring_take(&ring, &cqe) && cqe.res == 4);
			MUST(!memcmp(buf, &i, 4));
			MUST(!getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len));
			reach(&board->result[0], id);
			reach(&board->step[0], i + 1);
		}
		_exit(0);
	}
	/* by the first one the number is known */
	i = 0;
	ASSERT_EQ(4, sendto(there, &i, 4, 0, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_TRUE(reaches(&board->step[0], 1));
	ASSERT_LT(1, board->result[0]);
	attacker = spawn(self->group, 0);
	ASSERT_LE(0, attacker);
	if (!attacker) {
		MUST(!unshare(CLONE_NEWNET));
		join(self->group, "attackers");
		become(ATTACKER);
		poll_for_ever(variant->backend, board->result[0], 1);
	}
	ASSERT_TRUE(reaches(&board->count, 2));
	for (i = 1; i < MESSAGES; i++) {
		ASSERT_EQ(4, sendto(there, &i, 4, 0, (struct sockaddr *)&to, sizeof(to)));
		ASSERT_TRUE(reaches(&board->step[0], i + 1));
	}
	EXPECT_TRUE(child_ends(user, "user", 0));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
	close(there);
	close(fd);
}

TEST_HARNESS_MAIN
