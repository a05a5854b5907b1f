// SPDX-License-Identifier: GPL-2.0
/*
 * A small ring library on the raw ABI. See ring.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/ruring.h>

#include "ring.h"

static const char * const backend_names[] = {
	[RING_RURING] = "ruring",
	[RING_IO_URING] = "io_uring",
};

const char *ring_backend_name(enum ring_backend backend)
{
	return backend_names[backend];
}

bool ring_backend_parse(const char *name, enum ring_backend *backend)
{
	unsigned int i;

	for (i = 0; i < sizeof(backend_names) / sizeof(*backend_names); i++) {
		if (!strcmp(name, backend_names[i])) {
			*backend = i;
			return true;
		}
	}
	return false;
}

/* How the ABI writes an address. */
static __u64 address(const void *p)
{
	return (unsigned long)p;
}

/*
 * The three calls. This is all that tells ruring from io_uring.
 */

static int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

static int call_setup(enum ring_backend backend, unsigned int entries,
		      struct io_uring_params *params)
{
	struct ruring_setup setup = {
		.params = address(params),
		.entries = entries,
	};
	int dev, ret;

	if (backend == RING_IO_URING)
		return result(syscall(__NR_io_uring_setup, entries, params));

	dev = open("/dev/ruring", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	ret = result(ioctl(dev, RURING_IOC_SETUP, &setup));
	/* The ring does not need the device any more. */
	close(dev);
	return ret;
}

int ring_enter(const struct ring *ring, unsigned int to_submit,
	       unsigned int min_complete, unsigned int flags)
{
	struct ruring_enter enter = {
		.to_submit = to_submit,
		.min_complete = min_complete,
		.flags = flags,
	};

	if (ring->backend == RING_IO_URING)
		return result(syscall(__NR_io_uring_enter, ring->fd, to_submit,
				      min_complete, flags, NULL, 0));
	return result(ioctl(ring->fd, RURING_IOC_ENTER, &enter));
}

static int call_register(const struct ring *ring, unsigned int opcode,
			 void *arg, unsigned int nr_args)
{
	struct ruring_register reg = {
		.arg = address(arg),
		.opcode = opcode,
		.nr_args = nr_args,
	};

	if (ring->backend == RING_IO_URING)
		return result(syscall(__NR_io_uring_register, ring->fd, opcode,
				      arg, nr_args));
	return result(ioctl(ring->fd, RURING_IOC_REGISTER, &reg));
}

/*
 * What the two sides share is read with acquire and written with release, so
 * that an entry is complete before the index that shows it moves.
 */

static unsigned int load_acquire(const unsigned int *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store_release(unsigned int *p, unsigned int value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static void *map(int fd, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, offset);
}

/* Map both queues and the entries, and find our way around in them. */
static int map_queues(struct ring *ring, const struct io_uring_params *params)
{
	const struct io_sqring_offsets *sq = &params->sq_off;
	const struct io_cqring_offsets *cq = &params->cq_off;
	size_t sq_size, cq_size;
	unsigned int *array;
	unsigned int i;
	char *base;

	sq_size = sq->array + params->sq_entries * sizeof(__u32);
	cq_size = cq->cqes + params->cq_entries * sizeof(struct io_uring_cqe);
	ring->rings_size = sq_size > cq_size ? sq_size : cq_size;
	ring->sqes_size = params->sq_entries * sizeof(struct io_uring_sqe);

	/* IORING_FEAT_SINGLE_MMAP: one mapping shows both queues. */
	ring->rings_map = map(ring->fd, ring->rings_size, IORING_OFF_SQ_RING);
	if (ring->rings_map == MAP_FAILED)
		return -errno;
	ring->sqes = map(ring->fd, ring->sqes_size, IORING_OFF_SQES);
	if (ring->sqes == MAP_FAILED) {
		int err = errno;

		munmap(ring->rings_map, ring->rings_size);
		return -err;
	}

	base = ring->rings_map;
	ring->sq_head = (unsigned int *)(base + sq->head);
	ring->sq_tail = (unsigned int *)(base + sq->tail);
	ring->sq_flags = (unsigned int *)(base + sq->flags);
	ring->sq_entries = params->sq_entries;
	ring->sq_mask = params->sq_entries - 1;
	ring->sq_next = 0;
	ring->cq_head = (unsigned int *)(base + cq->head);
	ring->cq_tail = (unsigned int *)(base + cq->tail);
	ring->cq_mask = params->cq_entries - 1;
	ring->cqes = (struct io_uring_cqe *)(base + cq->cqes);

	/* Slot i of the submission queue always names entry i. */
	if (!(params->flags & IORING_SETUP_NO_SQARRAY)) {
		array = (unsigned int *)(base + sq->array);
		for (i = 0; i < params->sq_entries; i++)
			array[i] = i;
	}
	return 0;
}

int ring_init(struct ring *ring, enum ring_backend backend,
	      unsigned int sq_entries, unsigned int cq_entries,
	      unsigned int setup_flags)
{
	struct io_uring_params params = {
		.flags = setup_flags | IORING_SETUP_CQSIZE,
		.cq_entries = cq_entries,
	};
	int ret;

	memset(ring, 0, sizeof(*ring));
	ring->backend = backend;
	ring->fd = call_setup(backend, sq_entries, &params);
	if (ring->fd < 0)
		return ring->fd;

	ret = params.features & IORING_FEAT_SINGLE_MMAP ?
		map_queues(ring, &params) : -EOPNOTSUPP;
	if (ret < 0)
		close(ring->fd);
	return ret;
}

void ring_exit(struct ring *ring)
{
	munmap(ring->sqes, ring->sqes_size);
	munmap(ring->rings_map, ring->rings_size);
	close(ring->fd);
}

int ring_register(struct ring *ring, unsigned int opcode, void *arg,
		  unsigned int nr_args)
{
	return call_register(ring, opcode, arg, nr_args);
}

struct io_uring_sqe *ring_get_sqe(struct ring *ring)
{
	struct io_uring_sqe *sqe;

	if (ring->sq_next - load_acquire(ring->sq_head) >= ring->sq_entries)
		return NULL;
	sqe = &ring->sqes[ring->sq_next++ & ring->sq_mask];
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

int ring_submit_and_wait(struct ring *ring, unsigned int wait_nr)
{
	unsigned int to_submit, flags = 0;

	store_release(ring->sq_tail, ring->sq_next);
	to_submit = ring->sq_next - load_acquire(ring->sq_head);

	/*
	 * Waiting needs GETEVENTS. So do completions that did not fit in the
	 * queue, and work that the kernel has put off until we come.
	 */
	if (wait_nr || (__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) &
			(IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)))
		flags = IORING_ENTER_GETEVENTS;
	if (!to_submit && !flags)
		return 0;

	ring->enters++;
	return ring_enter(ring, to_submit, wait_nr, flags);
}

struct io_uring_cqe *ring_peek_cqe(const struct ring *ring)
{
	unsigned int head = *ring->cq_head;

	if (head == load_acquire(ring->cq_tail))
		return NULL;
	return &ring->cqes[head & ring->cq_mask];
}

void ring_seen_cqe(struct ring *ring)
{
	store_release(ring->cq_head, *ring->cq_head + 1);
}

static void *map_anonymous(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int buf_ring_init(struct buf_ring *bufs, struct ring *ring, __u16 group,
		  unsigned int entries, unsigned int buf_size)
{
	return buf_ring_init_flags(bufs, ring, group, entries, buf_size, 0);
}

int buf_ring_init_flags(struct buf_ring *bufs, struct ring *ring, __u16 group,
			unsigned int entries, unsigned int buf_size,
			unsigned int flags)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = entries,
		.bgid = group,
		.flags = flags,
	};
	unsigned int id;
	int ret;

	memset(bufs, 0, sizeof(*bufs));
	bufs->group = group;
	bufs->entries = entries;
	bufs->buf_size = buf_size;
	bufs->shared_size = entries * sizeof(struct io_uring_buf);
	bufs->memory_size = (size_t)entries * buf_size;

	bufs->shared = map_anonymous(bufs->shared_size);
	if (bufs->shared == MAP_FAILED)
		return -errno;
	bufs->memory = map_anonymous(bufs->memory_size);
	if (bufs->memory == MAP_FAILED) {
		ret = -errno;
		goto unmap_shared;
	}

	reg.ring_addr = address(bufs->shared);
	ret = ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
	if (ret < 0)
		goto unmap_memory;

	for (id = 0; id < entries; id++)
		buf_ring_recycle(bufs, id);
	buf_ring_publish(bufs);
	return 0;

unmap_memory:
	munmap(bufs->memory, bufs->memory_size);
unmap_shared:
	munmap(bufs->shared, bufs->shared_size);
	return ret;
}

void buf_ring_exit(struct buf_ring *bufs, struct ring *ring)
{
	struct io_uring_buf_reg reg = { .bgid = bufs->group };

	ring_register(ring, IORING_UNREGISTER_PBUF_RING, &reg, 1);
	munmap(bufs->memory, bufs->memory_size);
	munmap(bufs->shared, bufs->shared_size);
}

void ring_prep_accept_multishot(struct io_uring_sqe *sqe, int fd,
				int accept_flags)
{
	sqe->opcode = IORING_OP_ACCEPT;
	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	sqe->fd = fd;
	sqe->accept_flags = accept_flags;
}

void ring_prep_recv_multishot(struct io_uring_sqe *sqe, int fd, __u16 group)
{
	sqe->opcode = IORING_OP_RECV;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = group;
	sqe->fd = fd;
}

void ring_prep_send(struct io_uring_sqe *sqe, int fd, const void *data,
		    unsigned int len, int msg_flags)
{
	sqe->opcode = IORING_OP_SEND;
	sqe->fd = fd;
	sqe->addr = address(data);
	sqe->len = len;
	sqe->msg_flags = msg_flags;
}

void ring_prep_poll_add(struct io_uring_sqe *sqe, int fd, unsigned int events)
{
	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	events = events >> 16 | events << 16;
#endif
	sqe->poll32_events = events;
}

void ring_prep_cancel(struct io_uring_sqe *sqe, __u64 user_data)
{
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = user_data;
}

void ring_prep_close(struct io_uring_sqe *sqe, int fd)
{
	sqe->opcode = IORING_OP_CLOSE;
	sqe->fd = fd;
}
