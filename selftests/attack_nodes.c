// SPDX-License-Identifier: GPL-2.0
/*
 * Devices and what the administrator says of them, beside users who are busy, who hold what can be held, and who would like to
 * have a say themselves.
 */
#include <linux/ruring.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };

#define DEVICE		"/dev/ruring"
#define PARAMETERS	"/sys/module/ruring/parameters"

static int say(int node, const char *text)
{
	return write(node, text, strlen(text)) < 0 ? -errno : 0;
}

static int say_number(int node, char what, unsigned int nr)
{
	char text[32];

	snprintf(text, sizeof(text), "%cnode%u", what, nr);
	return say(node, text);
}

/* Who goes on with what he does, counting at a place of his own, until his ring is ended. */
static void be_busy(int node, unsigned int place)
{
	int first = dup(device_fd()), sv[2], ret;
	struct io_uring_cqe cqe;
	struct ring ring;
	char c;

	MUST(!unix_pair(SOCK_STREAM, sv) && dup2(node, device_fd()) >= 0);
	MUST(!ring_init(&ring, RURING, 8, 0));
	MUST(dup2(first, device_fd()) >= 0);
	for (;;) {
		prep_recv(&ring, sv[0], &c, 1, 1);
		prep_send(&ring, sv[1], "x", 1, 2);
		ret = ring_submit(&ring);
		if (ret >= 0)
			ret = ring_wait(&ring, 2);
		if (ret < 0)
			break;
		while (ring_peek(&ring, &cqe))
			;
		__atomic_add_fetch(&board->step[place], 1, __ATOMIC_RELEASE);
	}
	board->result[place] = ret;
	_exit(0);
}

static bool goes_on(unsigned int place)
{
	return reaches(&board->step[place], board->step[place] + 20);
}

/* What a user has to say of devices and parameters is not heard. */
TEST_F(attack, by_who_may_not)
{
	static const char *const texts[] = { "+mine", "-theirs", "+theirs ops=all", "-", "+" };
	static const char *const parameters[] = { "enabled", "ops", "registers", "families", "max_rings" };
	int first = open(DEVICE, O_RDWR | O_CLOEXEC);
	pid_t user;

	ASSERT_LE(0, first);
	ASSERT_EQ(0, say(first, "+theirs ops=base"));
	ASSERT_EQ(0, chmod(DEVICE "-theirs", 0666));
	user = spawn(self->group, ATTACKER);
	ASSERT_LE(0, user);
	if (!user) {
		unsigned int i;
		int own = open(DEVICE, O_RDWR | O_CLOEXEC);
		int node = open(DEVICE "-theirs", O_RDWR | O_CLOEXEC);

		MUST(own >= 0 && node >= 0);
		for (i = 0; i < ARRAY_SIZE(texts); i++) {
			/* his own, that of the administrator, and a further one, which hears nobody */
			MUST(say(own, texts[i]) == -EPERM && say(first, texts[i]) == -EPERM);
			MUST(say(node, texts[i]) < 0);
		}
		for (i = 0; i < ARRAY_SIZE(parameters); i++)
			MUST(put(PARAMETERS, parameters[i], "0") == -EACCES);
		MUST(!access(DEVICE "-theirs", F_OK) && access(DEVICE "-mine", F_OK));
		_exit(0);
	}
	EXPECT_TRUE(child_ends(user, "user", 0));
	EXPECT_EQ(0, say(first, "-theirs"));
	close(first);
}

/* A device goes, and with it what it allowed: rings that were made by it are as they were, and end with who has them. */
TEST_F(attack, removed_while_its_rings_live)
{
	int first = open(DEVICE, O_RDWR | O_CLOEXEC), node;
	pid_t users[4];
	unsigned int i;

	ASSERT_LE(0, first);
	ASSERT_EQ(0, say(first, "+theirs ops=base,net max_rings=4 max_workers=2"));
	node = open(DEVICE "-theirs", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, node);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		users[i] = spawn(self->group, ATTACKER + (i & 1) * (BYSTANDER - ATTACKER));
		ASSERT_LE(0, users[i]);
		if (!users[i])
			be_busy(node, i);
	}
	for (i = 0; i < ARRAY_SIZE(users); i++)
		ASSERT_TRUE(goes_on(i));
	close(node);
	EXPECT_EQ(0, say(first, "-theirs"));
	for (i = 0; i < ARRAY_SIZE(users); i++)
		EXPECT_TRUE(goes_on(i));
	/* the next of that name is not theirs */
	EXPECT_EQ(0, say(first, "+theirs ops=all max_rings=1"));
	node = open(DEVICE "-theirs", O_RDWR | O_CLOEXEC);
	for (i = 0; i < ARRAY_SIZE(users); i++)
		EXPECT_TRUE(child_dies(users[i], "user"));
	users[0] = spawn(self->group, ATTACKER);
	ASSERT_LE(0, users[0]);
	if (!users[0])
		be_busy(node, 0);
	EXPECT_TRUE(goes_on(0));
	close(node);
	EXPECT_EQ(0, say(first, "-theirs"));
	EXPECT_TRUE(child_dies(users[0], "user"));
	close(first);
}

/* Thousands of devices are nothing that users notice. */
#define NODES	2000

TEST_F(attack, thousands_of_nodes)
{
	int first = open(DEVICE, O_RDWR | O_CLOEXEC);
	unsigned int i, made;
	pid_t user;
	int ret = 0;

	ASSERT_LE(0, first);
	user = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, user);
	if (!user)
		be_busy(first, 0);
	ASSERT_TRUE(goes_on(0));
	for (made = 0; made < NODES; made++) {
		ret = say_number(first, '+', made);
		if (ret)
			break;
		if (made % 500 == 0)
			EXPECT_TRUE(goes_on(0));
	}
	/* as many as it allows, and then it says so */
	EXPECT_TRUE(made == NODES || ret == -ENOSPC || ret == -EBUSY)
		TH_LOG("%u were made, then %d", made, ret);
	EXPECT_LE(100, made);
	EXPECT_TRUE(goes_on(0));
	for (i = 0; i < made; i++)
		EXPECT_EQ(0, say_number(first, '-', i));
	EXPECT_TRUE(goes_on(0));
	EXPECT_TRUE(child_dies(user, "user"));
	close(first);
}

/* The write that ends every ring waits for nobody, whatever users have their rings locked for. */

static void hold_it(void *page)
{
	struct ring ring;
	int sv[2];

	MUST(!unix_pair(SOCK_STREAM, sv) && !ring_init(&ring, RURING, 8, 0));
	/* the header of the message is read with the ring locked */
	prep(&ring, IORING_OP_SENDMSG, sv[0], page, 1, 1);
	ring_submit(&ring);
	pause();
}

TEST_F(attack, the_end_of_every_ring)
{
	pid_t holder, opener, waiter, users[2], administrator;
	int first = open(DEVICE, O_RDWR | O_CLOEXEC);
	unsigned int i;

	ASSERT_LE(0, first);
	holder = spawn(self->group, 0);
	ASSERT_LE(0, holder);
	if (!holder) {
		void *page = missing_page();

		join(self->group, "attackers");
		become(ATTACKER);
		hold_it(page);
	}
	ASSERT_TRUE(sleep_in(holder, "handle_userfault", 1));
	opener = spawn(self->group, ATTACKER);
	ASSERT_LE(0, opener);
	if (!opener) {
		struct ring ring;

		MUST(!ring_init(&ring, RURING, 8, 0));
		prep_fifo(&ring, 1);
		ring_submit(&ring);
		pause();
	}
	ASSERT_TRUE(sleep_in(opener, AT_FIFO, 1));
	waiter = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, waiter);
	if (!waiter) {
		struct ring ring;

		MUST(!ring_init(&ring, RURING, 8, 0));
		reach(&board->step[10], 1);
		/* it does not go on for ever */
		ring_enter(&ring, 0, 1, IORING_ENTER_GETEVENTS);
		MUST(ring_submit(&ring) <= 0);
		_exit(0);
	}
	ASSERT_TRUE(reaches(&board->step[10], 1));
	for (i = 0; i < 2; i++) {
		users[i] = spawn(self->group, i ? ATTACKER : BYSTANDER);
		ASSERT_LE(0, users[i]);
		if (!users[i])
			be_busy(first, i);
	}
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(goes_on(i));
	administrator = fork();
	if (!administrator)
		_exit(put(PARAMETERS, "enabled", "N") ? 1 : 0);
	EXPECT_TRUE(child_ends(administrator, "who ends them", 0));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(child_ends(users[i], "busy user", 0));
		EXPECT_GT(0, board->result[i]);
	}
	EXPECT_TRUE(child_ends(waiter, "who waits", 0));
	EXPECT_EQ(0, put(PARAMETERS, "enabled", "Y"));
	/* others go on with new ones, while what was held is still held */
	users[0] = spawn(self->group, BYSTANDER);
	ASSERT_LE(0, users[0]);
	if (!users[0])
		be_busy(first, 0);
	EXPECT_TRUE(goes_on(0));
	EXPECT_TRUE(child_dies(users[0], "user"));
	EXPECT_TRUE(child_dies(opener, "who opens"));
	EXPECT_TRUE(child_dies(holder, "who holds it"));
	close(first);
}

TEST_HARNESS_MAIN
