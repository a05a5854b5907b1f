// SPDX-License-Identifier: GPL-2.0
/*
 * A user without rights whose set-ups fail for want of memory, at each place once: nothing of them stays, neither
 * threads nor the module. This takes the debug kernel's fault injection.
 */
#include <sys/wait.h>

#include "failnth.h"
#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

static const unsigned int modes[] = {
	0, DEFER_FLAGS, IORING_SETUP_SQPOLL, IORING_SETUP_SQPOLL | IORING_SETUP_R_DISABLED,
};

static void fail_at_each_place(enum backend backend, unsigned int flags)
{
	unsigned int n;
	bool failed;

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	MUST(nth_fd >= 0);
	for (n = 1, failed = true; failed; n++) {
		struct io_uring_params params = { .flags = flags, .sq_thread_idle = 1 };
		int fd;

		MUST(n < MANY && arm(n));
		fd = backend_setup(backend, 8, &params);
		failed = disarm();
		MUST(failed || fd >= 0);
		if (fd >= 0)
			close(fd);
		board->count++;
	}
	close(nth_fd);
}

static bool is_alone(void *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", *(pid_t *)pid);
	return proc_value(path, "Threads:") == 1;
}

TEST_F(attack, set_ups)
{
	unsigned int i;
	pid_t attacker;

	if (!can_fail())
		SKIP(return, "no fault injection");
	close(nth_fd);
	attacker = spawn(self->group, ATTACKER);
	ASSERT_LE(0, attacker);
	if (!attacker) {
		for (i = 0; i < ARRAY_SIZE(modes); i++)
			fail_at_each_place(variant->backend, modes[i]);
		device_close();
		reach(&board->step[0], 1);
		for (;;)
			pause();
	}
	EXPECT_TRUE(wait_ms(is_reached, &(struct level){ &board->step[0], 1 }, 100000));
	/* each has some places */
	EXPECT_LT(20, board->count);
	/* with the attacker still there, who has no ring */
	EXPECT_TRUE(wait_ms(is_alone, &attacker, LATE_MS));
	if (variant->backend == RURING)
		EXPECT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS));
	EXPECT_TRUE(child_dies(attacker, "attacker"));
}

TEST_HARNESS_MAIN
