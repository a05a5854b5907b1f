/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ruring-run: the parts of the runner and what they share.
 *
 *	main.c		options, and how the program and its tracer start
 *	trace.c		the tracer's loop: what stopped, and how it goes on
 *	task.c		what is known of each traced thread
 *	call.c		the three calls on their way to ruring and back
 *	filter.c	the seccomp filter, and filters of others
 *	stub.c		calls without a stop on the way out
 *	stub_code.c	the instructions for that
 *	site.c		call sites that are rewritten, to make calls without a stop
 *	code.c		which can be, and to what
 *	preload.c	--preload: libruring.so does it, in the program
 *	detach.c	--detach: the tracer lets go of programs that need it no more
 *	ringfd.c	registered ring descriptors
 *	inject.c	system calls that a thread makes on our behalf
 *	pass.c		descriptors for a thread
 *	signal.c	signals that must not be noticed
 *	stats.c		what --stats counts and prints
 *	view.c		what a program put into its rings, for --stats
 *	names.c		the names of operations, for --stats
 *
 * The tracer is one process with one thread. It stops for one of the three
 * calls, or for something that ptrace cannot help reporting, and never waits
 * for one program to do something while another could go on; only injected
 * calls, none of which sleeps, are waited for on the spot.
 *
 * Functions return a negative errno on failure. -ESRCH means that the thread
 * is gone or going: whoever gets it returns it, up to the loop.
 */
#ifndef RURING_RUN_H
#define RURING_RUN_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>
#include <linux/types.h>

#define DEVICE		"/dev/ruring"

/* As many as IORING_REGISTER_RING_FDS takes. */
#define RING_FDS	16

/* Exit statuses of our own, the same as those of env(1) and nohup(1). */
#define EXIT_FAILED	125
#define EXIT_CANNOT_RUN	126
#define EXIT_NOT_FOUND	127

struct options {
	bool detach;
	bool fallback;
	bool no_rewrite;
	bool preload;
	bool stats;
	bool trap;		/* a filter denies the calls already */
};

extern struct options opt;
extern int device_fd;		/* DEVICE, open in the tracer for good */

/*
 * A piece of memory that we mapped into a program, to put the arguments of
 * calls there. Its first page is for injected calls, the rest is cut into
 * slots, one for each thread that makes calls.
 */
#define REGION_SIZE	65536UL
#define REGION_INJECT	4096UL
#define SLOT_SIZE	64UL
#define REGION_SLOTS	((REGION_SIZE - REGION_INJECT) / SLOT_SIZE)

struct region {
	struct region *next;
	__u64 address;
	unsigned int free;		/* number of slots */
	bool used[REGION_SLOTS];
};

/* A page with the instructions of stub.c, and what rewritten sites need. */
#define AREA_SITES	28

struct area {
	struct area *next;
	__u64 address;
	unsigned int nr_sites;
	struct area_site {
		__u64 start;		/* where the jump is */
		__u64 call;		/* its "syscall" */
	} sites[AREA_SITES];
};

/* As many places are known from which calls have stopped. */
#define MAX_KNOWN	256

/* An address space, shared by the threads that run in it. */
struct space {
	unsigned int refs;
	struct region *regions;
	struct area *areas;
	bool no_areas;			/* no more can be mapped */
	unsigned int registrations;	/* that have stopped */
	unsigned int native;		/* calls since the last that stopped */
	bool detaching;			/* its threads are let go */
	unsigned int nr_known;
	__u64 known[MAX_KNOWN];
};

/*
 * A table of file descriptors, shared by the threads that use it, and what we
 * put in it: duplicates of registered rings. A stale one belongs to a thread
 * that is no more, or to one of the process that this was forked from.
 */
struct files {
	unsigned int refs;
	unsigned int nr_dups;
	unsigned int nr_stale;
	unsigned int setups;		/* how many rings were made */
	int device;			/* the device's, or 0 */
	struct dup {
		int fd;
		bool stale;
	} *dups;
	/* For --stats: which rings they name. */
	unsigned int nr_rings;
	struct named_ring *rings;
};

enum call_kind {
	CALL_NONE,
	CALL_ENTER,
	CALL_REGISTER,
	CALL_NATIVE,	/* the kernel does what the program has asked for */
};

/* One traced thread. */
struct task {
	struct task *next;		/* in its hash chain */
	pid_t tid;
	struct space *space;
	struct files *files;

	enum call_kind call;		/* in the kernel now */
	bool trapped;			/* by a signal, not before the call */
	bool at_entry;			/* the next border is the call's first */
	__u64 slot;			/* for its arguments, or 0 */
	int call_fd;
	unsigned int call_opcode;	/* of CALL_REGISTER */
	struct user_regs_struct saved;	/* as they were when it trapped */

	bool injecting;			/* the first injected call is made */
	bool restop;			/* a stop came while injecting */
	bool interrupted;		/* by us: its call is to go on */
	bool detached;			/* it is not ours any more */
	bool orphan;			/* seen before what has cloned it was */
	bool held;			/* stopped until that is seen */
	__u64 sigmask;			/* saved while injecting */
	int pending_status;		/* a wait status for the loop, or 0 */

	bool traps;			/* behind a filter of ours that traps */
	bool let_pass;			/* what installs a filter of its own */

	int ring_fds[RING_FDS];		/* our duplicates, or -1 */
	bool has_context;		/* it has used a ring */

	__u8 *opcodes;			/* for --stats: about to be submitted */
	unsigned int nr_opcodes;
	struct view *view;		/* for --stats: into the call's ring */
	int pidfd;			/* for --stats: of the thread, or 0 */
};

/* preload.c */
/* Have libruring.so loaded into the program; false if it has to be traced. */
bool preload(const char *program);

/* task.c */
struct task *task_find(pid_t tid);
struct task *task_add(pid_t tid);
/* @child was cloned from @parent with @clone_flags. */
void task_inherit(struct task *child, struct task *parent, __u64 clone_flags);
/* The thread runs a new program, and is @former no more. */
void task_exec(struct task *task, struct task *former);
void task_remove(struct task *task);
/* Give the thread a slot, if one is free; true if it has one. */
bool slot_get(struct task *task);
/* Tell the thread's address space that a region or an area was mapped. */
void space_add_region(struct space *space, __u64 address);
struct area *space_add_area(struct space *space, __u64 address);
/* Let no other thread of the address space execute anything until it is resumed. */
void task_interrupt_others(const struct task *task);
/* Have all threads of the address space stop when they can. */
void task_stop_all(const struct space *space);
/* What has cloned some threads will not be seen any more: let them run. */
void task_release_orphans(void);
void out_of_memory(void);

/* trace.c */
/* Trace @leader and all that comes from it, until there is none left. */
void trace(pid_t leader);
/* Let a stopped thread run: to the end of its system call, or freely. */
void resume_to_exit(struct task *task);
void resume(struct task *task, int signal);

/* detach.c: --detach has no filter, so that threads stop at all system calls */
/* The thread is at the border of a call, whoever has it made. */
void detach_border(struct task *task);
/* The thread has stopped for us: true if it was let go for good. */
bool detach(struct task *task);

/* filter.c */
#define FILTER_MAX	32
/* Marks our filter's SIGSYS. */
#define TRAP_MARK	0x5275
/* In the upper half of a call's first argument: our filter lets it pass. */
#define PASS_MARK	0x72757269U

struct sock_filter;

/* The program's instructions, at most FILTER_MAX: how many there are. */
unsigned short filter_write(struct sock_filter *code, bool trap);
/* Behind which filters is the runner itself? Ends it if nothing would work. */
void check_filters(void);
/* Does the SIGSYS that the thread is about to get come from our filter? */
bool filter_trapped(const struct task *task);
/* Put back what that has changed in the signal mask. */
void filter_restore_mask(const struct task *task);
/* The thread is about to install a filter of its own. */
void filter_installed(struct task *task);

/* call.c */
/* The thread stands at a call that the filter has stopped. */
void call_begin(struct task *task, bool trapped);
/* The thread is at the border of a call that we have had it make. */
void call_border(struct task *task);
/* Something else comes before that: as if the call had not begun. */
void call_put_off(struct task *task);

/* stub.c */
/* Send the thread there, to make its call on this ring: false if it cannot. */
bool stub_enter(struct task *task, int fd);
/*
 * Has it stopped because its call failed for want of a proper descriptor? Then
 * what is saved becomes what it was at the call.
 */
bool stub_judges(struct task *task, const struct user_regs_struct *regs);
/* Take the thread out of them if it is there: a signal is to be delivered. */
int stub_leave(struct task *task);
/* Has the thread just come back from the ioctl? */
bool stub_called_here(const struct task *task,
		      const struct user_regs_struct *regs);
/* Errors become the program's without a judge. */
int stub_detach(const struct task *task);

/* site.c */
/* Write into memory that the program cannot write to. */
int poke(const struct task *task, __u64 at, const void *from, size_t len);
/*
 * The thread has stopped for io_uring_enter() or io_uring_register(), of the ring with an index if it @is_index.
 * Rewrite the place, if that can be. True if the thread is on its way already: its call will stop again.
 */
bool site_stopped(struct task *task, bool is_index);
/* Is this among a rewritten site's instructions? Then make it the program's own. */
bool site_leave(const struct task *task, struct user_regs_struct *regs);
/* Stop a thread before it executes any instruction of its own. */
void site_interrupt(struct task *other);

/* ringfd.c */
/* Descriptors from here on are rarely the lowest free one. */
#define DUP_FROM	960
int ring_fds_register(struct task *task, __u64 arg, unsigned int nr);
int ring_fds_unregister(struct task *task, __u64 arg, unsigned int nr);
/* Register one ring, wherever there is room: its index. */
int ring_fds_add(struct task *task, int fd);
/* The descriptor of a registered ring. */
int ring_fds_lookup(const struct task *task, unsigned int index);
/* Close what threads that are gone have left in this one's files. */
int ring_fds_close_stale(struct task *task);
/* The thread is gone: its registrations end. */
void ring_fds_abandon(struct task *task);
/* @to has all that is in @from; what @stale says, or was said before. */
void ring_fds_copy(struct files *to, const struct files *from, bool stale);
/* Is descriptor @fd of the thread this kind of anonymous file? */
bool fd_is(const struct task *task, int fd, const char *kind);
/* Is it DEVICE? */
bool is_device(const struct task *task, int fd);

/* inject.c */
int regs_get(const struct task *task, struct user_regs_struct *regs);
int regs_set(const struct task *task, const struct user_regs_struct *regs);
int memory_read(const struct task *task, __u64 address, void *to, size_t len);
int memory_write(const struct task *task, __u64 address, const void *from,
		 size_t len);
/*
 * At a trapped call: make other system calls instead, any number of them, then
 * either give the trapped call a result, or make it again.
 */
int inject_begin(struct task *task);
long inject(struct task *task, long nr, __u64 a, __u64 b, __u64 c, __u64 d,
	    __u64 e, __u64 f);
int inject_end(struct task *task, long result);
int inject_again(struct task *task);
/* Only put the signal mask back: the caller sets registers and resumes. */
int inject_leave(struct task *task);
/* Map a region. */
int inject_region(struct task *task);

/* Begins injecting calls, for which there is a region then. */
int inject_begin_with_region(struct task *task);

/* pass.c */
/* At a trapped call: give the thread a descriptor of its own for @fd of ours. */
long pass_fd(struct task *task, int fd);

/* signal.c */
/* The thread is about to get @signal: true if it would ignore it anyway. */
bool signal_unnoticed(struct task *task, int signal);
/* The thread was interrupted by us: have it make again what says EINTR. */
void signal_restart(struct task *task);

/* stats.c: called only with --stats */
void stats_start(void);
void stats_setup(struct task *task, long result);
void stats_enter(struct task *task, int fd, unsigned int to_submit);
void stats_entered(struct task *task, long result);
void stats_registered(unsigned int opcode, long result);
void stats_print(void);

/* view.c: does nothing without --stats */
/* The thread made a ring; its parameters are at @params of its memory. */
void view_made(struct task *task, int fd, __u64 params);
void view_dup(struct task *task, int fd, int dup);
/*
 * Look into a ring until it is closed, also at @entries to submit. If that
 * cannot be, nothing is seen.
 */
void view_open(struct task *task, int fd, bool entries);
void view_close(struct task *task);
/* The opcodes of the next entries that it will submit: how many there are. */
unsigned int view_submitted(const struct task *task, __u8 *opcodes,
			    unsigned int max);
/* How many completions there were since the last look. */
unsigned int view_completed(const struct task *task);
/* @to has the rings of @from too. Is what @from says @newer? */
void view_copy(struct files *to, const struct files *from, bool newer);
void view_forget(struct files *files);

/* names.c */
const char *op_name(unsigned int op);
const char *registration_name(unsigned int opcode);

#endif /* RURING_RUN_H */
