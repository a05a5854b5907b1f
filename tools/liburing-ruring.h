/* SPDX-License-Identifier: GPL-2.0 */
/*
 * liburing's queue functions on a ring of ruring.
 *
 * liburing keeps the queues in memory and makes system calls for the rest. The
 * memory of a ring of ruring looks the same, so everything of liburing that
 * makes no system call works on it: io_uring_get_sqe(), io_uring_prep_*(),
 * io_uring_for_each_cqe(), io_uring_cq_advance(), io_uring_cqe_seen(),
 * io_uring_buf_ring_add(), io_uring_buf_ring_advance() and their like. Those
 * that do make one have their counterparts here, by the same name but for the
 * prefix, with the same arguments and results:
 *
 *	ruring_queue_init_params	instead of io_uring_queue_init_params
 *	ruring_queue_init		instead of io_uring_queue_init
 *	ruring_submit			instead of io_uring_submit
 *	ruring_submit_and_wait		instead of io_uring_submit_and_wait
 *	ruring_submit_and_wait_timeout	... and so on
 *	ruring_submit_and_wait_min_timeout
 *	ruring_submit_and_wait_reg
 *	ruring_submit_and_get_events
 *	ruring_get_events
 *	ruring_sqring_wait
 *	ruring_peek_cqe
 *	ruring_peek_batch_cqe
 *	ruring_wait_cqe
 *	ruring_wait_cqe_nr
 *	ruring_wait_cqes
 *	ruring_wait_cqe_timeout
 *	ruring_setup_buf_ring
 *	ruring_free_buf_ring
 *	ruring_register_ring_fd
 *	ruring_unregister_ring_fd
 *	ruring_close_ring_fd
 *	ruring_queue_exit
 *	ruring_register_files
 *	ruring_register_files_tags
 *	ruring_register_files_sparse
 *	ruring_register			for all other io_uring_register_*
 *
 * io_uring_queue_exit() works as it is for a ring that has no index any more. A
 * ring may have any flags; with IORING_SETUP_SQPOLL its thread is woken up if it
 * sleeps.
 */
#ifndef LIBURING_RURING_H
#define LIBURING_RURING_H

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <linux/ruring.h>

static inline int ruring_result(int ret)
{
	return ret < 0 ? -errno : ret;
}

/*
 * A descriptor of /dev/ruring, opened once: calls for a ring that has none are
 * made on it.
 */
static inline int ruring_device(void)
{
	static int device = -1;
	int none = -1, fd = __atomic_load_n(&device, __ATOMIC_RELAXED);

	if (fd >= 0)
		return fd;
	fd = open("/dev/ruring", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (__atomic_compare_exchange_n(&device, &none, fd, 0, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return fd;
	close(fd);
	return none;
}

static inline int ruring_queue_init_params(unsigned int entries,
					   struct io_uring *ring,
					   struct io_uring_params *params)
{
	struct ruring_setup setup = {
		.params = (unsigned long)params,
		.entries = entries,
	};
	int dev, fd, ret;
	unsigned int i;

	dev = open("/dev/ruring", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = ruring_result(ioctl(dev, RURING_IOC_SETUP, &setup));
	close(dev);
	if (fd < 0)
		return fd;
	ret = io_uring_queue_mmap(fd, params, ring);
	if (ret) {
		close(fd);
		return ret;
	}
	if (!(params->flags & IORING_SETUP_NO_SQARRAY)) {
		for (i = 0; i < params->sq_entries; i++)
			ring->sq.array[i] = i;
	}
	ring->features = params->features;
	return 0;
}

static inline int ruring_queue_init(unsigned int entries, struct io_uring *ring,
				    unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	return ruring_queue_init_params(entries, ring, &params);
}

/* io_uring_enter(2) */
static inline int ruring_enter(struct io_uring *ring, unsigned int to_submit,
			       unsigned int min_complete, unsigned int flags,
			       void *arg, size_t argsz)
{
	struct ruring_enter enter = {
		.arg = (unsigned long)arg,
		.argsz = argsz,
		.to_submit = to_submit,
		.min_complete = min_complete,
		.flags = flags,
	};
	int fd = ring->ring_fd;

	if (fd < 0) {
		enter.flags |= IORING_ENTER_REGISTERED_RING;
		enter.index = ring->enter_ring_fd;
		fd = ruring_device();
	}
	return ruring_result(ioctl(fd, RURING_IOC_ENTER, &enter));
}

/* io_uring_register(2) */
static inline int ruring_register(struct io_uring *ring, unsigned int opcode,
				  const void *arg, unsigned int nr_args)
{
	struct ruring_register reg = {
		.arg = (unsigned long)arg,
		.opcode = opcode,
		.nr_args = nr_args,
	};
	struct ruring_register_indexed indexed = {
		.arg = (unsigned long)arg,
		.opcode = opcode | IORING_REGISTER_USE_REGISTERED_RING,
		.nr_args = nr_args,
		.index = ring->enter_ring_fd,
	};

	if (ring->ring_fd < 0)
		return ruring_result(ioctl(ruring_device(),
					   RURING_IOC_REGISTER_INDEXED,
					   &indexed));
	return ruring_result(ioctl(ring->ring_fd, RURING_IOC_REGISTER, &reg));
}

/* Show the kernel the entries handed out so far: how many it has to take. */
static inline unsigned int ruring_flush_sq(struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;

	sq->sqe_head = sq->sqe_tail;
	io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	return sq->sqe_tail - IO_URING_READ_ONCE(*sq->khead);
}

/* Must the kernel be entered for completions that it has kept so far? */
static inline unsigned int ruring_needs_getevents(struct io_uring *ring)
{
	return IO_URING_READ_ONCE(*ring->sq.kflags) &
	       (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

/*
 * Must the kernel be entered for @to_submit entries? If there is a thread that
 * takes them it need only be woken up, if it sleeps.
 */
static inline int ruring_needs_enter(struct io_uring *ring,
				     unsigned int to_submit,
				     unsigned int *flags)
{
	if (!to_submit)
		return 0;
	if (!(ring->flags & IORING_SETUP_SQPOLL))
		return 1;
	/* The thread looks at the tail after it has said that it sleeps. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_NEED_WAKEUP))
		return 0;
	*flags |= IORING_ENTER_SQ_WAKEUP;
	return 1;
}

/* As the functions that begin so: submit, and wait for @wait_nr if @getevents. */
static inline int ruring_do_submit(struct io_uring *ring, unsigned int wait_nr,
				   int getevents)
{
	unsigned int to_submit = ruring_flush_sq(ring);
	unsigned int flags = 0;
	int enter = ruring_needs_enter(ring, to_submit, &flags);

	if (getevents || wait_nr || ruring_needs_getevents(ring)) {
		flags |= IORING_ENTER_GETEVENTS;
		enter = 1;
	}
	if (!enter)
		return to_submit;
	return ruring_enter(ring, to_submit, wait_nr, flags, NULL, 0);
}

static inline int ruring_submit_and_wait(struct io_uring *ring,
					 unsigned int wait_nr)
{
	return ruring_do_submit(ring, wait_nr, 0);
}

static inline int ruring_submit(struct io_uring *ring)
{
	return ruring_do_submit(ring, 0, 0);
}

static inline int ruring_submit_and_get_events(struct io_uring *ring)
{
	return ruring_do_submit(ring, 0, 1);
}

static inline int ruring_get_events(struct io_uring *ring)
{
	return ruring_enter(ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
}

/* Wait until the thread of a ring with IORING_SETUP_SQPOLL has taken an entry. */
static inline int ruring_sqring_wait(struct io_uring *ring)
{
	if (!(ring->flags & IORING_SETUP_SQPOLL) || io_uring_sq_space_left(ring))
		return 0;
	return ruring_enter(ring, 0, 0, IORING_ENTER_SQ_WAIT, NULL, 0);
}

/* The oldest completion that has arrived, or NULL. */
static inline struct io_uring_cqe *ruring_first_cqe(struct io_uring *ring)
{
	unsigned int head = *ring->cq.khead;

	if (head == io_uring_smp_load_acquire(ring->cq.ktail))
		return NULL;
	return &ring->cq.cqes[(head & ring->cq.ring_mask) <<
			      io_uring_cqe_shift(ring)];
}

static inline int ruring_peek_cqe(struct io_uring *ring,
				  struct io_uring_cqe **cqe)
{
	int ret = 0;

	*cqe = ruring_first_cqe(ring);
	if (!*cqe && ruring_needs_getevents(ring)) {
		ret = ruring_enter(ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
		*cqe = ruring_first_cqe(ring);
	}
	if (*cqe)
		return 0;
	return ret < 0 ? ret : -EAGAIN;
}

static inline int
ruring_submit_and_wait_min_timeout(struct io_uring *ring,
				   struct io_uring_cqe **cqe,
				   unsigned int wait_nr,
				   struct __kernel_timespec *ts,
				   unsigned int min_wait_usec,
				   sigset_t *sigmask)
{
	struct io_uring_getevents_arg arg = {
		.sigmask = (unsigned long)sigmask,
		.sigmask_sz = _NSIG / 8,
		.min_wait_usec = min_wait_usec,
		.ts = (unsigned long)ts,
	};
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	unsigned int to_submit = ruring_flush_sq(ring);
	int ret;

	ruring_needs_enter(ring, to_submit, &flags);
	ret = ruring_enter(ring, to_submit, wait_nr, flags, &arg, sizeof(arg));
	*cqe = ruring_first_cqe(ring);
	return ret;
}

static inline int ruring_submit_and_wait_timeout(struct io_uring *ring,
						 struct io_uring_cqe **cqe,
						 unsigned int wait_nr,
						 struct __kernel_timespec *ts,
						 sigset_t *sigmask)
{
	return ruring_submit_and_wait_min_timeout(ring, cqe, wait_nr, ts, 0,
						  sigmask);
}

/* @index is the place of the arguments in the region registered for them. */
static inline int ruring_submit_and_wait_reg(struct io_uring *ring,
					     struct io_uring_cqe **cqe,
					     unsigned int wait_nr, int index)
{
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG |
			     IORING_ENTER_EXT_ARG_REG;
	size_t size = sizeof(struct io_uring_reg_wait);
	unsigned int to_submit = ruring_flush_sq(ring);
	int ret;

	ruring_needs_enter(ring, to_submit, &flags);
	ret = ruring_enter(ring, to_submit, wait_nr, flags,
			   (void *)(index * size), size);
	*cqe = ruring_first_cqe(ring);
	return ret;
}

static inline int ruring_wait_cqe_timeout(struct io_uring *ring,
					  struct io_uring_cqe **cqe,
					  struct __kernel_timespec *ts)
{
	int ret = 0;

	while (!(*cqe = ruring_first_cqe(ring)) && ret >= 0)
		ret = ruring_submit_and_wait_timeout(ring, cqe, 1, ts, NULL);
	return *cqe ? 0 : ret;
}

static inline int ruring_wait_cqe(struct io_uring *ring,
				  struct io_uring_cqe **cqe)
{
	int ret = 0;

	while (!(*cqe = ruring_first_cqe(ring)) && ret >= 0)
		ret = ruring_enter(ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	return *cqe ? 0 : ret;
}

static inline int ruring_wait_cqe_nr(struct io_uring *ring,
				     struct io_uring_cqe **cqe,
				     unsigned int wait_nr)
{
	int ret = 0;

	while (io_uring_cq_ready(ring) < wait_nr && ret >= 0)
		ret = ruring_enter(ring, 0, wait_nr, IORING_ENTER_GETEVENTS,
				   NULL, 0);
	*cqe = ruring_first_cqe(ring);
	return ret < 0 ? ret : 0;
}

/* Submits what is there as well, as where the kernel has IORING_FEAT_EXT_ARG. */
static inline int ruring_wait_cqes(struct io_uring *ring,
				   struct io_uring_cqe **cqe,
				   unsigned int wait_nr,
				   struct __kernel_timespec *ts,
				   sigset_t *sigmask)
{
	int ret = 0;

	if (io_uring_cq_ready(ring) < wait_nr)
		ret = ruring_submit_and_wait_timeout(ring, cqe, wait_nr, ts,
						     sigmask);
	*cqe = ruring_first_cqe(ring);
	return ret < 0 ? ret : 0;
}

/* Up to @count completions that have arrived; rings of completions of one size. */
static inline unsigned int ruring_peek_batch_cqe(struct io_uring *ring,
						 struct io_uring_cqe **cqes,
						 unsigned int count)
{
	unsigned int ready = io_uring_cq_ready(ring), head, i;

	if (!ready && ruring_needs_getevents(ring)) {
		ruring_get_events(ring);
		ready = io_uring_cq_ready(ring);
	}
	if (count > ready)
		count = ready;
	head = *ring->cq.khead;
	for (i = 0; i < count; i++)
		cqes[i] = &ring->cq.cqes[((head + i) & ring->cq.ring_mask) <<
					 io_uring_cqe_shift(ring)];
	return count;
}

/*
 * An index for the ring, of the current task. liburing, whose flag for that is not
 * set, would give it back to io_uring. As long as there is a descriptor calls go
 * by that, which saves them a lookup.
 */
static inline int ruring_register_ring_fd(struct io_uring *ring)
{
	struct io_uring_rsrc_update update = {
		.offset = -1U,
		.data = ring->ring_fd,
	};
	int ret;

	if (ring->pad[0])
		return -EEXIST;
	ret = ruring_register(ring, IORING_REGISTER_RING_FDS, &update, 1);
	if (ret == 1) {
		ring->enter_ring_fd = update.offset;
		ring->pad[0] = 1;
	}
	return ret;
}

static inline int ruring_unregister_ring_fd(struct io_uring *ring)
{
	struct io_uring_rsrc_update update = {
		.offset = ring->enter_ring_fd,
	};
	int ret;

	if (!ring->pad[0])
		return -EINVAL;
	ret = ruring_register(ring, IORING_UNREGISTER_RING_FDS, &update, 1);
	if (ret == 1) {
		ring->enter_ring_fd = ring->ring_fd;
		ring->pad[0] = 0;
	}
	return ret;
}

/* The ring goes on by its index. */
static inline int ruring_close_ring_fd(struct io_uring *ring)
{
	int dev;

	if (!(ring->features & IORING_FEAT_REG_REG_RING))
		return -EOPNOTSUPP;
	if (!ring->pad[0])
		return -EINVAL;
	if (ring->ring_fd == -1)
		return -EBADF;
	dev = ruring_device();
	if (dev < 0)
		return dev;
	close(ring->ring_fd);
	ring->ring_fd = -1;
	return 1;
}

static inline void ruring_queue_exit(struct io_uring *ring)
{
	if (ring->pad[0])
		ruring_unregister_ring_fd(ring);
	io_uring_queue_exit(ring);
}

/*
 * Registers files, of which there may be as many as descriptors: if that is not
 * enough the limit is raised, once, as far as the hard one allows.
 */
static inline int ruring_do_register_files(struct io_uring *ring,
					   unsigned int opcode, const void *arg,
					   unsigned int nr_args,
					   unsigned int files)
{
	int ret = ruring_register(ring, opcode, arg, nr_args);
	struct rlimit limit;

	if (ret != -EMFILE || getrlimit(RLIMIT_NOFILE, &limit))
		return ret;
	if (limit.rlim_cur < files) {
		limit.rlim_cur += files;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return ruring_register(ring, opcode, arg, nr_args);
}

static inline int ruring_register_files(struct io_uring *ring,
					const int *files, unsigned int nr_files)
{
	return ruring_do_register_files(ring, IORING_REGISTER_FILES, files,
					nr_files, nr_files);
}

static inline int ruring_register_files_tags(struct io_uring *ring,
					     const int *files,
					     const __u64 *tags, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.data = (unsigned long)files,
		.tags = (unsigned long)tags,
	};

	return ruring_do_register_files(ring, IORING_REGISTER_FILES2, &reg,
					sizeof(reg), nr);
}

static inline int ruring_register_files_sparse(struct io_uring *ring,
					       unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.flags = IORING_RSRC_REGISTER_SPARSE,
		.nr = nr,
	};

	return ruring_do_register_files(ring, IORING_REGISTER_FILES2, &reg,
					sizeof(reg), nr);
}

static inline struct io_uring_buf_ring *
ruring_setup_buf_ring(struct io_uring *ring, unsigned int entries, int group,
		      unsigned int flags, int *err)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = entries,
		.bgid = (__u16)group,
		.flags = (__u16)flags,
	};
	size_t size = entries * sizeof(struct io_uring_buf);
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		*err = -errno;
		return NULL;
	}
	reg.ring_addr = (unsigned long)memory;
	*err = ruring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
	if (*err) {
		munmap(memory, size);
		return NULL;
	}
	io_uring_buf_ring_init((struct io_uring_buf_ring *)memory);
	return (struct io_uring_buf_ring *)memory;
}

static inline int ruring_free_buf_ring(struct io_uring *ring,
				       struct io_uring_buf_ring *bufs,
				       unsigned int entries, int group)
{
	struct io_uring_buf_reg reg = { .bgid = (__u16)group };
	int ret;

	ret = ruring_register(ring, IORING_UNREGISTER_PBUF_RING, &reg, 1);
	if (!ret)
		munmap(bufs, entries * sizeof(struct io_uring_buf));
	return ret;
}

#endif /* LIBURING_RURING_H */
