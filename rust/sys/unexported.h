/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the kernel that it does not export to modules, for opcodes that cannot be had without: see
 * unexported.c. Each wrapper fails with -EOPNOTSUPP if its function was not found.
 */
#ifndef _RURING_UNEXPORTED_H
#define _RURING_UNEXPORTED_H

#include <linux/cpumask.h>
#include <linux/types.h>

struct file;
struct open_how;
struct socket;

/* Which of them: one bit each. */
enum ruring_function {
	RURING_HAS_BUILD_OPEN_FLAGS = 1 << 0,
	RURING_HAS_DO_FILE_OPEN = 1 << 1,
	RURING_HAS_DO_STATX = 1 << 2,
	RURING_HAS_DO_FTRUNCATE = 1 << 3,
	RURING_HAS_FILENAME_MKDIRAT = 1 << 4,
	RURING_HAS_FILENAME_UNLINKAT = 1 << 5,
	RURING_HAS_FILENAME_RMDIR = 1 << 6,
	RURING_HAS_FILENAME_RENAMEAT2 = 1 << 7,
	RURING_HAS_FILENAME_LINKAT = 1 << 8,
	RURING_HAS_FILENAME_SYMLINKAT = 1 << 9,
	RURING_HAS_SYNC_FILE_RANGE = 1 << 10,
	RURING_HAS_DO_MADVISE = 1 << 11,
	RURING_HAS_DO_SPLICE = 1 << 12,
	RURING_HAS_DO_TEE = 1 << 13,
	RURING_HAS_DO_EPOLL_CTL = 1 << 14,
	RURING_HAS_CREATE_PIPE_FILES = 1 << 15,
	RURING_HAS_TASK_WORK_RUN = 1 << 16,
	RURING_HAS_SKB_HAS_TX_TIMESTAMP = 1 << 17,
	RURING_HAS_SKB_GET_TX_TIMESTAMP = 1 << 18,
	RURING_HAS_EPOLL_SENDEVENTS = 1 << 19,
	RURING_HAS_CPUSET_CPUS_ALLOWED = 1 << 20,
};

/* Looks for them, once, when the module is loaded. May sleep. Returns those that there are. */
unsigned int ruring_find_functions(void);

/*
 * A name is one that the kernel has a copy of. A directory is a descriptor of the current task, or AT_FDCWD. The
 * task must have its directories, and descriptors if it is one of those that a name is relative to.
 */
/* If not @strict, what of @how means nothing is not looked at, as by openat(2). */
struct file *ruring_openat(int dir, const char *name, const struct open_how *how, bool strict);
int ruring_read_open_how(struct open_how *how, u64 from, size_t size);
int ruring_statx(int dir, const char *name, unsigned int flags, unsigned int mask, u64 to);
int ruring_mkdirat(int dir, const char *name, umode_t mode);
int ruring_unlinkat(int dir, const char *name, bool is_dir);
int ruring_renameat(int old_dir, const char *old, int new_dir, const char *new,
		    unsigned int flags);
int ruring_linkat(int old_dir, const char *old, int new_dir, const char *new, int flags);
int ruring_symlinkat(const char *old, int new_dir, const char *new);

int ruring_ftruncate(struct file *file, loff_t len);
int ruring_sync_file_range(struct file *file, loff_t start, loff_t len, unsigned int flags);
int ruring_madvise(u64 start, u64 len, int advice);
/* A position that is NULL is the file's own. */
ssize_t ruring_splice(struct file *in, const loff_t *from, struct file *out, const loff_t *to,
		      size_t len, unsigned int flags);
ssize_t ruring_tee(struct file *in, struct file *out, size_t len, unsigned int flags);

/* The descriptors are the current task's. @event is a struct epoll_event. */
int ruring_epoll_ctl(int epfd, int op, int fd, const struct epoll_event *event);
/* Writes the events that the epoll @file has now, at most so many; how many these are. */
int ruring_epoll_sendevents(struct file *file, u64 events, int most);
/* Both ends of a new pipe, the one to read from first. */
int ruring_create_pipe(struct file *files[2], int flags);

/* When something was sent by a socket: what its error queue tells, without what was sent. */
struct ruring_tx_timestamp {
	s64 sec;
	s64 nsec;
	/* Which bytes or which packet: as SOF_TIMESTAMPING_OPT_ID says. */
	u32 key;
	/* SCM_TSTAMP_* */
	u32 type;
	/* SOF_TIMESTAMPING_TX_HARDWARE or _SOFTWARE; not positive if there is none. */
	int source;
};

/* Whether there is one, and the first one, which is taken out. */
bool ruring_has_tx_timestamp(struct socket *sock);
struct ruring_tx_timestamp ruring_take_tx_timestamp(struct socket *sock);

/*
 * Runs what task work the current task has, as on its way to user space. The task must be in a system call, without
 * locks, and use no file without a reference. False if that cannot be done.
 */
bool ruring_run_task_work(void);

/*
 * Whether the processor is on line and the current task's cpuset has it. Where that cannot be told it is only so if the
 * task may run there itself. May sleep.
 */
bool ruring_cpu_allowed(unsigned int cpu);

/* A set of processors. */
struct ruring_cpus {
	unsigned long bits[BITS_TO_LONGS(NR_CPUS)];
};

/* The same for a set, of which none need be on line. May sleep. */
bool ruring_cpus_allowed(struct ruring_cpus cpus);

/*
 * Has the current task run on those of them that its cpuset has, which may have become less. If none is left it runs where
 * it can. May sleep.
 */
void ruring_place_current(struct ruring_cpus cpus);

/* Takes a reference to a file whose memory stays. False if the last one is gone. */
struct file *ruring_get_live_file(struct file *file);

#endif /* _RURING_UNEXPORTED_H */
