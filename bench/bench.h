/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rows of the benchmark share.
 *
 * A row is a function that does the same thing over and over, on one side:
 * ruring, io_uring, the plain system calls that are the floor of both, or what a
 * server does with epoll. It says when a call into the kernel begins and ends, and for what the call is:
 *
 *	while (bench_sample(b)) {
 *		...
 *		bench_enter(b, &ring, 1);
 *		bench_reap(&ring, 1);
 *		bench_end(b, 1);
 *	}
 *
 * Each sample gives one figure per operation; the row's figure is the mean of
 * the middle half, so that a timer interrupt in some of them does not count.
 */
#ifndef RURING_BENCH_H
#define RURING_BENCH_H

#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "ring.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* What is measured. */
enum bench_side {
	SIDE_RURING,
	SIDE_IO_URING,
	SIDE_CALLS,
	SIDE_EPOLL,
	NR_SIDES,
};

#define ON_RURING	(1U << SIDE_RURING)
#define ON_IO_URING	(1U << SIDE_IO_URING)
#define ON_CALLS	(1U << SIDE_CALLS)
#define ON_EPOLL	(1U << SIDE_EPOLL)
#define ON_RINGS	(ON_RURING | ON_IO_URING)
#define ON_ALL		(ON_RINGS | ON_CALLS)
#define ON_SERVERS	(ON_ALL | ON_EPOLL)

/* As the man pages recommend it for a ring that belongs to one thread. */
#define DEFER		(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

enum proto {
	TCP,
	UDP,
	UNIX,
};

struct bench;

/* One line of the table, on @sides. What the numbers mean is up to @run. */
struct row {
	const char *name;
	void (*run)(struct bench *b);
	unsigned int sides;
	unsigned int setup_flags;
	enum proto proto;
	unsigned int size;		/* bytes of a message */
	unsigned int batch;		/* operations for one call */
	unsigned int count;		/* of clients, of armed requests */
	unsigned int mode;
};

/* Rows end with one that has no name. */
extern const struct row nop_rows[];
extern const struct row transfer_rows[];
extern const struct row multishot_rows[];
extern const struct row poll_rows[];
extern const struct row accept_rows[];
extern const struct row crowd_rows[];
extern const struct row cancel_rows[];
extern const struct row setup_rows[];
extern const struct row zerocopy_rows[];
extern const struct row late_rows[];
extern const struct row memory_rows[];
extern const struct row runner_rows[];

/* Where time goes. */
enum account {
	ENTER,		/* the calls that are measured */
	PEER,		/* the other end's calls, which wake us up */
	OTHER,		/* what does not count */
	NR_ACCOUNTS,
};

#define MAX_SAMPLES	64

/* A row on one side, while it is measured. */
struct bench {
	const struct row *row;
	enum bench_side side;
	unsigned int wanted;
	unsigned int warm;		/* samples before the first that counts */
	unsigned int taken;
	bool restless;			/* one sample right after the other */
	__u64 begun;
	__u64 operations;		/* in all samples that count */
	__u64 spent[NR_ACCOUNTS];
	struct {
		double enter, peer, app;
	} samples[MAX_SAMPLES];
};

/*
 * The time stamp counter. Under an instruction-exact clock one tick is one
 * instruction, and reading it is one as well.
 */
static inline __u64 bench_clock(void)
{
	__u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (__u64)high << 32 | low;
}

/* What two readings of the clock with nothing in between say. */
extern __u64 bench_clock_cost;

/*
 * What tells a plugin of the emulator where a call that is measured begins and
 * ends, where a sample ends, and where a row begins: see plugin.h.
 */
void bench_mark_enter(void);
void bench_mark_peer(void);
void bench_mark_end(void);
void bench_mark_sample(void);
void bench_mark_row(void);

static inline void bench_mark(const struct bench *b, enum account account)
{
	if (b->taken < b->warm || account == OTHER)
		return;
	if (account == ENTER)
		bench_mark_enter();
	else
		bench_mark_peer();
}

/* Counts the time that @call takes, and is its value. */
#define BENCH_CALL(b, account, call) ({					\
	__u64 begun_, ended_;						\
	typeof(call) ret_;						\
									\
	bench_mark(b, account);						\
	begun_ = bench_clock();						\
	ret_ = (call);							\
	ended_ = bench_clock();						\
	bench_mark_end();						\
	(b)->spent[account] += ended_ - begun_ - bench_clock_cost;	\
	ret_;								\
})

/* Begins a sample. False when there are enough. */
bool bench_sample(struct bench *b);
/* Ends it: so many operations were done. */
void bench_end(struct bench *b, unsigned int operations);
/* A row that is one figure, not taken with the clock. */
void bench_figure(struct bench *b, double value);
/* There is nothing to measure on this side: ends the process. */
void bench_skip(const char *why);

/* A ring as the row wants it, on the row's side. */
void bench_ring(struct bench *b, struct ring *ring, unsigned int sq_entries,
		unsigned int cq_entries);
/* The next entry of a queue that has room. */
struct io_uring_sqe *bench_sqe(struct ring *ring);
/* Submits what there is and waits for @wait_nr completions, on an account. */
void bench_enter_on(struct bench *b, enum account account, struct ring *ring,
		    unsigned int wait_nr);
static inline void bench_enter(struct bench *b, struct ring *ring,
			       unsigned int wait_nr)
{
	bench_enter_on(b, ENTER, ring, wait_nr);
}
/* Takes the next completion, which must be there. */
struct completion {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};
struct completion bench_cqe(struct ring *ring);
/* Takes @nr completions, each with this result. */
void bench_reap(struct ring *ring, unsigned int nr, int res);

/* Whether the ring's side has the opcode. */
bool bench_has(struct ring *ring, __u8 opcode);

/* setsockopt(2) of an int, an Internet socket with this address. */
void bench_set(int fd, int level, int name, int value);
int bench_socket(int type, in_port_t port);
/* Where that is. */
struct sockaddr_in bench_address(in_port_t port);

/* Which ports the next pair has. */
extern in_port_t bench_next_port;
/* Two connected sockets: what is sent to [1] is received from [0]. */
void bench_pair(enum proto proto, int fds[2]);
/* Has them take so many bytes at once: what waits counts with its overhead. */
void bench_room(const int fds[2], size_t bytes);
/* Sends and receives one message whole, without waiting. */
void bench_send(struct bench *b, enum account account, int fd, size_t size);
void bench_recv(struct bench *b, enum account account, int fd, size_t size);

/* Memory for messages, long in place. */
extern unsigned char bench_memory[1 << 20];

#endif /* RURING_BENCH_H */
