/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that runs: this process, its rings, and who looks on.
 */
#ifndef DIFFERENTIAL_RUN_H
#define DIFFERENTIAL_RUN_H

#include <pthread.h>
#include <semaphore.h>

#include "trace.h"
#include "world.h"

#define RINGS		2
#define MAX_WATCHERS	3
/* The descriptor of the eventfd that a ring may signal. */
#define SIGNALLED_FD	131
/* Of an epoll instance that has the ring. */
#define RING_EPOLL_FD	132
/* Of this process's threads. */
#define TASKS_FD	133

/* Somebody else who waits for the ring. In memory that processes share. */
struct watcher {
	unsigned int op;
	bool started;
	bool process;
	bool done;
	bool told;
	int id;
	long result;
	pthread_t thread;
};

struct run {
	const struct program *p;
	struct trace *trace;
	enum backend backend;
	/* a hang is given up after so long */
	unsigned int seconds;
	struct ring rings[RINGS];
	/* completions of the first that its epoll was asked about */
	unsigned int tail_seen;
	bool has_ring[RINGS];
	/* which of them is at an index, -1 if none is */
	signed char at[INDICES];
	bool enabled[RINGS];
	/* there are requests or files that a timer ends */
	bool has_timers;
	/* io_uring may take many calls to find out that it has to wait */
	bool tries_again;
	struct watcher *watchers;
	unsigned int nr_watchers;
	/* of the thread that runs the program */
	int id;

	/* what is done while that one waits */
	pthread_t helper;
	bool has_helper;
	sem_t asked, helped;
	unsigned int from, to;
	bool returned;
};

extern unsigned int signals_seen;

/* Whether completions may wait for the program's thread to ask for them. */
static inline bool defers(const struct run *run)
{
	return (run->p->setup | run->p->setup2) & IORING_SETUP_DEFER_TASKRUN;
}

/* Whether it can be polled, mapped and waited for by others. */
static inline bool has_descriptor(const struct run *run, unsigned int ring)
{
	return run->has_ring[ring] && !(run->rings[ring].params.flags & IORING_SETUP_REGISTERED_FD_ONLY);
}

/*
 * Run @p to its end, in a process of its own. With a @chance other than 0 each step comes later, by
 * a time that is another one for each number. Does not return.
 */
void run_program(const struct program *p, struct trace *trace, enum backend backend,
		 unsigned int seconds, unsigned int chance);

void event(struct run *run, enum event_kind kind, unsigned int ring, __u64 key, long res,
	   unsigned int flags, unsigned int sum);
/* What is seen after a step without taking anything away. */
void observe(struct run *run);
/* Leave out of what a registration has told what is otherwise on purpose. */
void scrub_answer(unsigned int opcode, long ret);
/* Take all completions. */
void reap(struct run *run);
/* What is left at the end. */
void observe_end(struct run *run);

/* What somebody else does; what he is told. */
long do_peer_step(struct run *run, const struct step *step);
/* Wait until nothing happens any more, entering the kernel for completions or not. */
void rest(struct run *run, bool enter);
/* Has a thread look at others from here on, before there is anything of the program's. */
void begin_to_look(void);
/* Whether thread @id of this process, or process @id, sleeps or is gone; 0 for all of this process but the caller. */
bool is_asleep(int id, bool process);

/* Make them, and what looks at them. Ends the program if there cannot be any. */
void make_rings(struct run *run);
/* By a thread that ends. */
void make_orphans(struct run *run);

/* Which ring a step is about. */
unsigned int ring_of(const struct run *run, const struct step *step);
void registers(struct run *run, const struct step *step);
/* What a step submits, and the same by another thread, which is there from then on. */
void submit(struct run *run, unsigned int index);
void elsewhere(struct run *run, unsigned int index);
/*
 * Submit what was left in the queue, as whatever is behind an error is: a cancel in the same
 * submission would find it or not, as workers are quick.
 */
void submit_rest(struct run *run);
/* Nothing is under way any more after this. */
void cancel_all(struct run *run);
/* End as the program says. Does not return. */
void end_program(struct run *run);

/* Fill the first ring's queue, if that is for a thread to take, which sleeps then. */
void fill_queue(struct run *run);
void watch(struct run *run, const struct step *step);
void end_watchers(struct run *run);
/* Have the steps after this one done while this thread waits; returns at once. */
void help(struct run *run, unsigned int from, unsigned int to);
/* The wait is over: until the helper is through. */
void helped(struct run *run);

#endif /* DIFFERENTIAL_RUN_H */
