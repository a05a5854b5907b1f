// SPDX-License-Identifier: GPL-2.0
/*
 * Another thread of the program that submits: what is under way there comes back
 * to that one, which sleeps meanwhile. And how programs end, of which nothing
 * is compared but that they do.
 */
#include <signal.h>
#include <unistd.h>

#include "run.h"

static struct {
	pthread_t thread;
	sem_t asked, done;
	struct run *run;
	unsigned int step;
	bool ends;
} other;

static void *submitting_thread(void *none)
{
	for (;;) {
		while (sem_wait(&other.asked))
			;
		if (other.ends)
			return none;
		submit(other.run, other.step);
		sem_post(&other.done);
	}
}

void elsewhere(struct run *run, unsigned int index)
{
	if (!other.run) {
		sem_init(&other.asked, 0, 0);
		sem_init(&other.done, 0, 0);
		other.run = run;
		pthread_create(&other.thread, NULL, submitting_thread, NULL);
	}
	other.step = index;
	sem_post(&other.asked);
	while (sem_wait(&other.done))
		;
}

static void end_thread(struct run *run)
{
	if (!other.run)
		return;
	other.ends = true;
	sem_post(&other.asked);
	pthread_join(other.thread, NULL);
	rest(run, true);
}

/* All that there are: programs do not know where the ring's are. */
static void close_rings(struct run *run)
{
	unsigned int i;

	for (i = 0; i < RINGS; i++)
		if (has_descriptor(run, i))
			close(run->rings[i].fd);
	close_range(RING_EPOLL_FD, ~0U, 0);
	close_range(FIRST_FD, PEER_FD - 1, 0);
}

void end_program(struct run *run)
{
	switch (run->p->ending) {
	case ENDING_THREAD:
		end_thread(run);
		break;
	case ENDING_CLOSE:
		close_rings(run);
		break;
	case ENDING_KILL:
		kill(getpid(), SIGKILL);
		break;
	case ENDING_EXECUTE:
		execl("/bin/true", "true", NULL);
		break;
	}
	_exit(0);
}
