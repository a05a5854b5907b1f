/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program: the set-up of a ring, what there is for its requests to work on,
 * and steps. It is plain data. The same program is run on ruring and on
 * io_uring, and parts of it are dropped to find out which of them matter.
 */
#ifndef DIFFERENTIAL_PROGRAM_H
#define DIFFERENTIAL_PROGRAM_H

#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define MAX_OBJECTS	4
#define MAX_STEPS	40
#define MAX_REQUESTS	40
#define SLOTS		12
#define GROUPS		6
/* Groups below are buffer rings, those from here on classic ones. */
#define CLASSIC_GROUPS	4

/*
 * Where everything is that the kernel is given an address of: at the same place
 * in each process, so that addresses are part of the program.
 */
#define PLACE		0x200000000000UL
#define PAGE		4096UL
#define STRUCTS		(PLACE + 0x10000)
#define STRUCTS_SIZE	512UL
#define ARGUMENT	(PLACE + 0x20000)
#define GROUP_MEM	(PLACE + 0x30000)
#define GROUP_SIZE	(2 * PAGE)
#define BUFFERS		(PLACE + 0x40000)
#define BUFFER_SIZE	(2 * PAGE)
#define NR_BUFFERS	4
#define DEST		(PLACE + 0x50000)
/* Two pages, of a ring's memory region. */
#define REGION		(PLACE + 0x78000)
#define REGION_SIZE	(2 * PAGE)
/* Where a page of memory ends, behind which there is none; its bytes are all ones. */
#define EDGE		(PLACE + 0x7b000)
#define BIG		(PLACE + 0x80000)
#define BIG_SIZE	0x40000UL
#define SOURCE		(PLACE + 0xc0000)
#define SOURCE_SIZE	0x40000UL
#define PLACE_END	(PLACE + 0x100000)
/* Memory of one large page, if the kernel has one. */
#define HUGE		(PLACE + 0x200000)
#define HUGE_SIZE	0x200000UL

/* A group's buffer ring, and its buffers. */
#define GROUP_RING(bgid)	(GROUP_MEM + (bgid) * GROUP_SIZE)
#define GROUP_BUFS(bgid)	(GROUP_RING(bgid) + PAGE)
#define GROUP_ENTRIES		16
#define GROUP_BUF		256

/* Object i has the descriptors 100 + 2 * i and the next one, its other end. */
#define FIRST_FD	100
/* Those that the program's steps get from connect(2) and accept(2). */
#define PEER_FD		120
#define NR_PEER_FDS	8
/* The rings, under other descriptors. */
#define RING_FD		134
#define RING2_FD	135
/* Indices that a task can have rings at. */
#define INDICES		16
/* Unused by anybody. */
#define BAD_FD		99

/* Where in SOURCE there are messages for the kernel, and how long they are. */
#define KERNEL_MESSAGES		(SOURCE_SIZE / 2 - PAGE)
#define KERNEL_MESSAGE_SIZE	32U
#define NR_KERNEL_MESSAGES	3
/* And a number that a counter has room for if it says that it can be written to. */
#define SMALL_NUMBER		(KERNEL_MESSAGES - 8)

enum object_kind {
	OBJECT_NONE,
	UNIX_STREAM,
	UNIX_DGRAM,
	UNIX_SEQPACKET,
	TCP,
	TCP6,
	UDP,
	UDP6,
	/* the other end is a socket that is not connected yet */
	TCP_LISTENER,
	UNIX_LISTENER,
	/* the other end is bound and not connected either */
	UDP_ALONE,
	UNIX_ALONE,
	PIPE,
	EVENTFD,
	TIMERFD,
	PTY,
	REGULAR,
	DIRECTORY,
	O_PATH_FILE,
	EPOLL,
	/* what never waits, and a file of the kernel's */
	DEVICE,
	PROC_FILE,
	/* a socket whose other end is the kernel */
	NETLINK,
	SECOND_RING,
	NR_OBJECT_KINDS,
};

#define KIND(kind)	(1U << (kind))
#define CONNECTED	(KIND(UNIX_STREAM) | KIND(UNIX_DGRAM) | KIND(UNIX_SEQPACKET) | \
			 KIND(TCP) | KIND(TCP6) | KIND(UDP) | KIND(UDP6))
#define LISTENERS	(KIND(TCP_LISTENER) | KIND(UNIX_LISTENER))
#define ALONE		(KIND(UDP_ALONE) | KIND(UNIX_ALONE))
#define SOCKETS		(CONNECTED | LISTENERS | ALONE)
#define INET		(KIND(TCP) | KIND(TCP6) | KIND(UDP) | KIND(UDP6) | KIND(UDP_ALONE))
#define STREAMS		(KIND(UNIX_STREAM) | KIND(TCP) | KIND(TCP6))

enum object_flag {
	OBJECT_NONBLOCK = 1,
	/* as small buffers as the kernel has */
	OBJECT_SMALL = 2,
};

struct object {
	__u8 kind;
	__u8 flags;
};

/* Whose address a request's is. */
enum address {
	ADDRESS_EMPTY,
	/* that of object @address_of's first or second descriptor */
	ADDRESS_FIRST,
	ADDRESS_SECOND,
	/* of a family that there is not */
	ADDRESS_BAD,
	/* of a family, with no port or name */
	ADDRESS_ANY,
	/* the names of a socket in the directory, and of none */
	ADDRESS_NAMED,
	ADDRESS_NAMED_NONE,
};

/* What a request's SQE points to. */
struct structs {
	struct msghdr msg;
	struct iovec iov[4];
	struct __kernel_timespec time;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int ints[8];
	char path[20];
	char path2[20];
	char control[64];
};

struct request {
	struct io_uring_sqe sqe;
	struct structs structs;
	__u8 address;
	__u8 address_of;
	/* left out by who shrinks the program */
	bool dropped;
};

enum step_kind {
	STEP_NONE,
	/* submit @nr requests from @first on */
	STEP_SUBMIT,
	STEP_REGISTER,
	/* provide buffers of the ring of buffers @group */
	STEP_REFILL,
	/* somebody else does @op with @fd */
	STEP_PEER,
	/* somebody else waits for the ring, from now on */
	STEP_WATCH,
};

enum peer_op {
	PEER_WRITE,
	PEER_READ,
	PEER_SHUTDOWN,
	PEER_CLOSE,
	PEER_RESET,
	PEER_CONNECT,
	PEER_ACCEPT,
	PEER_POLL,
	PEER_FILL,
	PEER_DRAIN,
	PEER_URGENT,
	PEER_EXPIRE,
	PEER_NONBLOCK,
	/* have the ring's eventfd say nothing, or something again */
	PEER_MUTE,
	/* many small messages */
	PEER_BURST,
	/* interrupt who waits */
	PEER_SIGNAL,
	/* map a page of the ring for a moment */
	PEER_MAP,
	/* read what /proc says of the ring */
	PEER_LOOK,
	NR_PEER_OPS,
};

enum watch_op {
	WATCH_ENTER,
	WATCH_POLL,
	WATCH_EPOLL,
	WATCH_EVENTFD,
	/* until the queue, which is full, has room */
	WATCH_FULL,
	WATCH_PROCESS_ENTER,
	WATCH_PROCESS_POLL,
	NR_WATCH_OPS,
};

enum step_flag {
	/* the next step follows at once, whatever is pending */
	STEP_AT_ONCE = 1,
	/* completions stay in their queue */
	STEP_KEEP = 2,
	/* nobody enters the kernel for completions */
	STEP_NO_ENTER = 4,
	/* another thread submits */
	STEP_OTHER = 8,
	/* the place of its last entry is one that there is not */
	STEP_NOWHERE = 16,
};

/* How a program ends, after all that is compared. */
enum ending {
	/* with everything cancelled, which is compared as well */
	ENDING_CANCEL,
	/* with requests under way: */
	ENDING_EXIT,
	/* those of another thread, which is gone before */
	ENDING_THREAD,
	/* without a descriptor of the ring */
	ENDING_CLOSE,
	ENDING_KILL,
	ENDING_EXECUTE,
	NR_ENDINGS,
};

enum wait_time {
	TIMED_NOT,
	TIMED_ZERO,
	TIMED_LONG,
	/* by an argument of a wrong size */
	TIMED_BADLY,
	/* with signals blocked meanwhile, of which none comes */
	TIMED_MASK,
	/* with a set of signals of a wrong size */
	TIMED_BAD_MASK,
	/* until all are there, or for a moment, and then until one is */
	TIMED_LEAST,
	/* by a time that cannot be read */
	TIMED_NOWHERE,
	/* by an argument in the ring's memory region, if it has one */
	TIMED_REGION,
};

/* In place of a number of completions: more than there can be. */
#define WAIT_HUGE	255

/*
 * How many completions a step waits for. A negative number is none, but io_uring never comes back
 * with one from a ring with DEFER_TASKRUN, and cannot be killed.
 */
static inline unsigned int min_complete(unsigned int setup, unsigned int wait)
{
	if (wait != WAIT_HUGE)
		return wait;
	return setup & IORING_SETUP_DEFER_TASKRUN ? 0x7fffffff : 0x80000000;
}

struct registration {
	unsigned int opcode;
	unsigned int nr;
	bool null;
	/* of no ring */
	bool blind;
	/* where the argument is said to be, where it is not */
	__u64 elsewhere;
	/* all of this is at ARGUMENT */
	struct argument {
		__u64 words[16];
		struct iovec iov[NR_BUFFERS];
		int fds[SLOTS];
		__u64 tags[SLOTS];
	} arg;
};

/* Where in an argument its parts are for the kernel. */
#define ARG(field)	(ARGUMENT + offsetof(struct argument, field))
/* Which word a region's description begins at. */
#define REGION_DESC	4

struct step {
	__u8 kind;
	__u8 op;
	__u8 flags;
	/* which ring: the first one, or the second one */
	__u8 ring;
	/* or that of an index, which is one less */
	__u8 by;
	__u8 first;
	__u8 nr;
	/* wait for so many completions, while so many of the next steps are done by another thread */
	__u8 wait;
	__u8 during;
	/* how long it waits at most */
	__u8 timed;
	/* an argument of a wait, and where in the region it is */
	struct io_uring_reg_wait wait_arg;
	unsigned int wait_offset;
	unsigned int enter;
	unsigned int group;
	int fd;
	unsigned int len;
	/* of what is written, or how */
	unsigned int offset;
	struct registration reg;
};

struct program {
	__u64 seed;
	__u64 branch;
	unsigned int setup;
	unsigned int sq_entries;
	unsigned int cq_entries;
	unsigned int setup2;
	/* whose thread the first ring is to share, and which processor threads have */
	int shared_fd;
	unsigned int cpu;
	bool epoll;
	bool edge;
	__u8 ending;
	/* how many descriptors are left for its requests, counted from 1; 0 for as many as they want */
	__u8 descriptors;
	/* the thread that has made the rings is gone */
	bool orphans;
	unsigned int nr_steps;
	unsigned int nr_requests;
	struct object objects[MAX_OBJECTS];
	/* the last one stands for the end */
	struct step steps[MAX_STEPS + 1];
	struct request requests[MAX_REQUESTS];
};

#define USER_DATA	0x1000
/* That of what has no other purpose than to fill the queue. */
#define FILLER		0x5600

static inline struct structs *structs_of(unsigned int request)
{
	return (struct structs *)(STRUCTS + request * STRUCTS_SIZE);
}

static inline unsigned long dest_of(unsigned int request)
{
	return DEST + request * PAGE;
}

/* The one that a descriptor belongs to, NULL without any. */
static inline const struct object *object_of(const struct program *p, int fd)
{
	int i = (fd - FIRST_FD) / 2;

	if (fd < FIRST_FD || i >= MAX_OBJECTS || p->objects[i].kind == OBJECT_NONE)
		return NULL;
	return &p->objects[i];
}

/* Whether a request of this opcode is about a file by its name. */
static inline bool is_of_a_name(unsigned int opcode)
{
	switch (opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_STATX:
	case IORING_OP_UNLINKAT:
	case IORING_OP_MKDIRAT:
	case IORING_OP_RENAMEAT:
	case IORING_OP_LINKAT:
	case IORING_OP_SYMLINKAT:
		return true;
	default:
		return false;
	}
}

/*
 * A random program, always the same one for a seed. With a @branch other than 0
 * it is that of the seed up to some step, and another one from there on.
 */
void generate(struct program *p, __u64 seed, __u64 branch);
void print_program(const struct program *p);

#endif /* DIFFERENTIAL_PROGRAM_H */
