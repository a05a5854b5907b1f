// SPDX-License-Identifier: GPL-2.0
/*
 * What others feel of it when somebody stays in a call on the ring that they share.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fixture.h"
#include "worker.h"

/* The header of the message is in memory that is not there. */
static void *submit(void *ring)
{
	return (void *)(long)ring_submit(ring);
}

static bool waits(void *arg)
{
	return task_state(*(pid_t *)arg) == 'D';
}

TEST_F(ring, others_end_while_one_is_at_it)
{
	int sv[2], status;
	pthread_t thread;
	struct slow s;
	void *done;
	pid_t pid;

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	ASSERT_EQ(0, slow_init(&s, 1));
	prep(&self->ring, IORING_OP_SENDMSG, sv[0], s.mem, 1, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit, &self->ring));
	ASSERT_EQ(0, slow_wait(&s));

	/* who only has the descriptor */
	pid = fork();
	if (!pid)
		_exit(0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* and who waits; io_uring's cannot be killed */
	if (variant->backend == RURING) {
		unsigned int how;

		for (how = 0; how < 2; how++) {
			pid = fork();
			if (!pid) {
				if (how)
					ring_register(&self->ring, IORING_UNREGISTER_FILES,
						      NULL, 0);
				else
					ring_enter(&self->ring, 1, 0, 0);
				_exit(0);
			}
			ASSERT_TRUE(wait_until(waits, &pid));
			ASSERT_EQ(0, kill(pid, SIGKILL));
			ASSERT_EQ(pid, waitpid(pid, &status, 0));
			EXPECT_EQ(SIGKILL, WTERMSIG(status));
		}
	}
	ASSERT_EQ(0, slow_fill(&s, 0));
	ASSERT_EQ(0, pthread_join(thread, &done));
	EXPECT_EQ(1, (long)done);
	ASSERT_CQE(&self->ring, 1, 0, 0);
	slow_exit(&s);
}

TEST_HARNESS_MAIN
