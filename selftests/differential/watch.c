// SPDX-License-Identifier: GPL-2.0
/*
 * Others who look at the ring while the program's own thread submits or waits:
 * threads and processes that wait for it, and the one that goes on with the
 * program meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

static struct run *watched;

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long wait_for_ring(struct run *run, unsigned int op)
{
	struct ring *r = &run->rings[0];
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	long ret;
	int fd;

	switch (op) {
	case WATCH_ENTER:
	case WATCH_PROCESS_ENTER:
		return ring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
	case WATCH_EPOLL:
		/* where no request's descriptor can be */
		fd = epoll_create1(0);
		ret = fcntl(fd, F_DUPFD, SIGNALLED_FD + 1);
		close(fd);
		fd = ret;
		epoll_ctl(fd, EPOLL_CTL_ADD, r->fd, &event);
		ret = result(epoll_wait(fd, &event, 1, -1));
		close(fd);
		return ret;
	case WATCH_EVENTFD:
		p.fd = SIGNALLED_FD;
		break;
	case WATCH_FULL:
		return ring_enter(r, 0, 0, IORING_ENTER_SQ_WAIT);
	}
	ret = result(poll(&p, 1, -1));
	return ret < 0 ? ret : p.revents;
}

static void finish(struct watcher *w, long ret)
{
	w->result = ret;
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
}

static void *watching_thread(void *arg)
{
	struct watcher *w = arg;

	__atomic_store_n(&w->id, gettid(), __ATOMIC_RELEASE);
	finish(w, wait_for_ring(watched, w->op));
	return NULL;
}

/* Before anybody makes room for it. */
static void until_asleep(struct watcher *w)
{
	unsigned int still = 0;

	while (still < 3 && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
		usleep(100);
		still = is_asleep(w->id, false) ? still + 1 : 0;
	}
}

void watch(struct run *run, const struct step *step)
{
	struct watcher *w;
	pid_t pid;

	if (!run->watchers) {
		run->watchers = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				     -1, 0);
		watched = run;
	}
	if (run->nr_watchers == MAX_WATCHERS || !has_descriptor(run, 0))
		return;
	w = &run->watchers[run->nr_watchers++];
	w->op = step->op;
	w->process = step->op >= WATCH_PROCESS_ENTER;
	if (w->op == WATCH_FULL)
		fill_queue(run);
	if (!w->process) {
		pthread_create(&w->thread, NULL, watching_thread, w);
		while (!__atomic_load_n(&w->id, __ATOMIC_ACQUIRE))
			sched_yield();
		if (w->op == WATCH_FULL)
			until_asleep(w);
		return;
	}
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		finish(w, wait_for_ring(run, w->op));
		_exit(0);
	}
	w->id = pid;
}

static void wake(struct run *run, struct watcher *w)
{
	if (w->process)
		kill(w->id, SIGUSR1);
	else
		tgkill(getpid(), w->id, SIGUSR1);
	(void)run;
}

void end_watchers(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr_watchers; i++) {
		struct watcher *w = &run->watchers[i];

		/* asleep before its call, it would miss a first signal */
		while (!__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
			if (is_asleep(w->id, w->process))
				wake(run, w);
			usleep(100);
		}
		if (!w->told)
			event(run, EVENT_WATCH, 0, i, w->result, w->op, 1);
		w->told = true;
		if (w->process)
			waitpid(w->id, NULL, 0);
		else
			pthread_join(w->thread, NULL);
	}
}

static bool has_returned(struct run *run)
{
	return __atomic_load_n(&run->returned, __ATOMIC_ACQUIRE);
}

/* How often it is to be found asleep that waits for no time, until it is certain that it waits after all. */
#define WAITS_LONG	100

/* The program's thread sleeps in its call, or is back. If it waits for no time, it is not there for long. */
static void until_it_waits(struct run *run)
{
	const struct step *step = &run->p->steps[run->trace->step];
	bool ends = step->timed == TIMED_ZERO ||
		    (step->timed == TIMED_REGION && !step->wait_arg.ts.tv_sec);
	unsigned int still = 0;

	while (still < (ends ? WAITS_LONG : 3) && !has_returned(run)) {
		/* that one has given way so often that it would not run again for long beside who only looks */
		usleep(100);
		still = is_asleep(run->id, false) ? still + 1 : 0;
	}
}

static void go_on(struct run *run)
{
	unsigned int i, step = run->trace->step;
	bool told = false;

	until_it_waits(run);
	/* and workers have begun with what is theirs */
	rest(run, false);
	for (i = run->from; i < run->to; i++) {
		run->trace->step = i;
		if (run->p->steps[i].kind != STEP_PEER)
			continue;
		event(run, EVENT_RETURN, 0, 0, do_peer_step(run, &run->p->steps[i]), 0, 0);
		rest(run, false);
		if (!defers(run) || !has_returned(run))
			observe(run);
		if (has_returned(run) && !told) {
			event(run, EVENT_WATCH, 0, 100, 0, 0, 0);
			told = true;
		}
	}
	run->trace->step = step;
	rest(run, false);
	/* it may be in another sleep than this one takes it for */
	while (!has_returned(run)) {
		/* it sleeps as well when it is back */
		if (is_asleep(run->id, false) && !has_returned(run)) {
			if (!told)
				event(run, EVENT_WATCH, 0, 100, -EINTR, 0, 0);
			told = true;
			tgkill(getpid(), run->id, SIGUSR1);
		}
		usleep(100);
	}
}

static void *helping_thread(void *arg)
{
	struct run *run = arg;

	for (;;) {
		while (sem_wait(&run->asked))
			;
		go_on(run);
		sem_post(&run->helped);
	}
	return NULL;
}

void help(struct run *run, unsigned int from, unsigned int to)
{
	if (!run->has_helper) {
		sem_init(&run->asked, 0, 0);
		sem_init(&run->helped, 0, 0);
		pthread_create(&run->helper, NULL, helping_thread, run);
		run->has_helper = true;
	}
	run->from = from;
	run->to = to < run->p->nr_steps ? to : run->p->nr_steps;
	__atomic_store_n(&run->returned, false, __ATOMIC_RELEASE);
	sem_post(&run->asked);
}

void helped(struct run *run)
{
	__atomic_store_n(&run->returned, true, __ATOMIC_RELEASE);
	while (sem_wait(&run->helped))
		;
}
