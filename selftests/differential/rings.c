// SPDX-License-Identifier: GPL-2.0
/*
 * The rings of a program that runs.
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "run.h"

static long make_ring(struct run *run, unsigned int index, unsigned int setup)
{
	const struct program *p = run->p;
	struct io_uring_params params = {
		.flags = setup,
		.cq_entries = index ? 16 : p->cq_entries,
		.sq_thread_idle = 1,
		.sq_thread_cpu = p->cpu,
		.wq_fd = index && has_descriptor(run, 0) ? run->rings[0].fd : p->shared_fd,
	};
	int ret;

	ret = ring_init_params(&run->rings[index], run->backend, index ? 8 : p->sq_entries, &params);
	if (ret)
		return ret;
	run->has_ring[index] = true;
	run->enabled[index] = !(setup & IORING_SETUP_R_DISABLED);
	if (!has_descriptor(run, index))
		run->at[run->rings[index].fd % INDICES] = index;
	else
		dup2(run->rings[index].fd, index ? RING2_FD : RING_FD);
	return 0;
}

/* What set-up has made of what it was asked for. */
static __u32 given(const struct ring *r)
{
	const struct io_uring_params *p = &r->params;
	const __u32 numbers[] = { p->flags, p->sq_entries, p->cq_entries };

	return sum_of(numbers, sizeof(numbers));
}

void make_rings(struct run *run)
{
	const struct program *p = run->p;
	struct epoll_event events = { .events = EPOLLIN | (p->edge ? EPOLLET : 0) };
	unsigned int i;
	long ret;

	ret = make_ring(run, 0, p->setup);
	event(run, EVENT_RETURN, 0, 0, ret, 0, ret ? 0 : given(&run->rings[0]));
	if (!run->has_ring[0])
		_exit(0);
	for (i = 0; i < MAX_OBJECTS; i++) {
		if (p->objects[i].kind != SECOND_RING || run->has_ring[1])
			continue;
		ret = make_ring(run, 1, p->setup2);
		event(run, EVENT_RETURN, 1, 0, ret, 0, ret ? 0 : given(&run->rings[1]));
		if (!run->has_ring[1])
			_exit(0);
		if (!has_descriptor(run, 1))
			continue;
		dup2(run->rings[1].fd, FIRST_FD + 2 * i);
		dup2(run->rings[1].fd, FIRST_FD + 2 * i + 1);
	}
	if (p->epoll && has_descriptor(run, 0)) {
		int fd = epoll_create1(0);

		dup2(fd, RING_EPOLL_FD);
		close(fd);
		epoll_ctl(RING_EPOLL_FD, EPOLL_CTL_ADD, run->rings[0].fd, &events);
	}
}

static void *making_thread(void *run)
{
	make_rings(run);
	return NULL;
}

void make_orphans(struct run *run)
{
	pthread_t thread;

	pthread_create(&thread, NULL, making_thread, run);
	pthread_join(thread, NULL);
	/* this one takes their place */
	rest(run, true);
}
