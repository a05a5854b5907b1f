// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of a test, on either back end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ruring.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"

static int device = -1;

int device_fd(void)
{
	if (device < 0)
		device = open("/dev/ruring", O_RDWR | O_CLOEXEC);
	return device < 0 ? -errno : device;
}

void device_close(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

static int result(long ret)
{
	return ret < 0 ? -errno : ret;
}

int backend_setup(enum backend backend, unsigned int entries,
		  struct io_uring_params *params)
{
	struct ruring_setup arg = {
		.params = (uintptr_t)params,
		.entries = entries,
	};
	int fd;

	if (backend == IO_URING)
		return result(syscall(__NR_io_uring_setup, entries, params));

	fd = device_fd();
	if (fd < 0)
		return fd;
	return result(ioctl(fd, RURING_IOC_SETUP, &arg));
}

int try_setup(enum backend backend, unsigned int entries, struct io_uring_params *params)
{
	int fd = backend_setup(backend, entries, params);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int backend_enter(enum backend backend, int fd, unsigned int to_submit,
		  unsigned int min_complete, unsigned int flags,
		  const void *arg, size_t argsz)
{
	struct ruring_enter enter = {
		.arg = (uintptr_t)arg,
		.argsz = argsz,
		.to_submit = to_submit,
		.min_complete = min_complete,
		.flags = flags,
	};

	if (backend == IO_URING)
		return result(syscall(__NR_io_uring_enter, fd, to_submit,
				      min_complete, flags, arg, argsz));
	if (flags & IORING_ENTER_REGISTERED_RING) {
		enter.index = fd;
		fd = device_fd();
	}
	return result(ioctl(fd, RURING_IOC_ENTER, &enter));
}

int backend_register(enum backend backend, int fd, unsigned int opcode,
		     const void *arg, unsigned int nr_args)
{
	struct ruring_register reg = {
		.arg = (uintptr_t)arg,
		.opcode = opcode,
		.nr_args = nr_args,
	};
	struct ruring_register_indexed indexed = {
		.arg = (uintptr_t)arg,
		.opcode = opcode,
		.nr_args = nr_args,
		.index = fd,
	};

	if (backend == IO_URING)
		return result(syscall(__NR_io_uring_register, fd, opcode, arg,
				      nr_args));
	if (opcode & IORING_REGISTER_USE_REGISTERED_RING)
		return result(ioctl(device_fd(), RURING_IOC_REGISTER_INDEXED, &indexed));
	return result(ioctl(fd, RURING_IOC_REGISTER, &reg));
}

static int map(void **to, size_t size, int flags, int fd, off_t offset)
{
	*to = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd, offset);
	return *to == MAP_FAILED ? -errno : 0;
}

static int map_both(struct ring *ring, int flags, int fd)
{
	int ret = map(&ring->rings, ring->rings_size, flags, fd, IORING_OFF_SQ_RING);

	if (ret)
		return ret;
	ret = map((void **)&ring->sqes, ring->sqes_size, flags, fd, IORING_OFF_SQES);
	if (ret)
		munmap(ring->rings, ring->rings_size);
	return ret;
}

static size_t round_up(size_t n)
{
	size_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

int ring_give_memory(struct ring *ring, unsigned int entries)
{
	struct io_uring_params *p = &ring->params;
	size_t sq = round_up(entries), cq = sq * 2;
	int ret;

	if (p->flags & IORING_SETUP_CQSIZE)
		cq = round_up(p->cq_entries);
	/* 64 bytes before the completions, and the array aligned to so many */
	ring->rings_size = 64 + cq * sizeof(struct io_uring_cqe) + 64;
	if (!(p->flags & IORING_SETUP_NO_SQARRAY))
		ring->rings_size += sq * sizeof(__u32);
	ring->sqes_size = sq * sizeof(struct io_uring_sqe);
	ret = map_both(ring, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (ret)
		return ret;
	/* it need not be empty */
	memset(ring->rings, 0xa5, ring->rings_size);
	memset(ring->sqes, 0xa5, ring->sqes_size);
	p->cq_off.user_addr = (uintptr_t)ring->rings;
	p->sq_off.user_addr = (uintptr_t)ring->sqes;
	return 0;
}

int ring_map(struct ring *ring)
{
	const struct io_uring_params *p = &ring->params;
	size_t cqe_size = sizeof(struct io_uring_cqe) << !!(p->flags & IORING_SETUP_CQE32);
	size_t sqe_size = sizeof(struct io_uring_sqe) << !!(p->flags & IORING_SETUP_SQE128);
	size_t end = p->cq_off.cqes + p->cq_entries * cqe_size;
	unsigned int i;

	if (!(p->flags & IORING_SETUP_NO_MMAP)) {
		int ret;

		if (!(p->flags & IORING_SETUP_NO_SQARRAY))
			end = p->sq_off.array + p->sq_entries * sizeof(__u32);
		ring->rings_size = end;
		ring->sqes_size = p->sq_entries * sqe_size;
		ret = map_both(ring, MAP_SHARED, ring->fd);
		if (ret)
			return ret;
	}

	ring->sq_head = ring->rings + p->sq_off.head;
	ring->sq_tail = ring->rings + p->sq_off.tail;
	ring->sq_flags = ring->rings + p->sq_off.flags;
	ring->sq_dropped = ring->rings + p->sq_off.dropped;
	ring->cq_head = ring->rings + p->cq_off.head;
	ring->cq_tail = ring->rings + p->cq_off.tail;
	ring->cq_overflow = ring->rings + p->cq_off.overflow;
	ring->cqes = ring->rings + p->cq_off.cqes;
	ring->sq_array = NULL;
	if (!(p->flags & IORING_SETUP_NO_SQARRAY)) {
		ring->sq_array = ring->rings + p->sq_off.array;
		for (i = 0; i < p->sq_entries; i++)
			ring->sq_array[i] = i;
	}
	ring->prepared = *ring->sq_tail;
	return 0;
}

void ring_unmap(struct ring *ring)
{
	munmap(ring->rings, ring->rings_size);
	munmap(ring->sqes, ring->sqes_size);
}

int ring_init_params(struct ring *ring, enum backend backend,
		     unsigned int entries, const struct io_uring_params *params)
{
	int ret;

	memset(ring, 0, sizeof(*ring));
	ring->backend = backend;
	ring->params = *params;
	if (params->flags & IORING_SETUP_NO_MMAP) {
		ret = ring_give_memory(ring, entries);
		if (ret)
			return ret;
	}
	ring->fd = backend_setup(backend, entries, &ring->params);
	if (ring->fd < 0) {
		if (params->flags & IORING_SETUP_NO_MMAP)
			ring_unmap(ring);
		return ring->fd;
	}
	ret = ring_map(ring);
	if (ret) {
		close(ring->fd);
		ring->fd = -1;
	}
	return ret;
}

int ring_init(struct ring *ring, enum backend backend, unsigned int entries,
	      unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	return ring_init_params(ring, backend, entries, &params);
}

int ring_init_cq(struct ring *ring, enum backend backend, unsigned int entries,
		 unsigned int cq_entries, unsigned int flags)
{
	struct io_uring_params params = {
		.flags = flags | IORING_SETUP_CQSIZE,
		.cq_entries = cq_entries,
	};

	return ring_init_params(ring, backend, entries, &params);
}

/* Whether it has an index in place of a descriptor. */
static bool has_index(const struct ring *ring)
{
	return ring->params.flags & IORING_SETUP_REGISTERED_FD_ONLY;
}

void ring_exit(struct ring *ring)
{
	struct io_uring_rsrc_update update = { .offset = ring->fd };

	ring_unmap(ring);
	if (has_index(ring))
		ring_register(ring, IORING_UNREGISTER_RING_FDS, &update, 1);
	else
		close(ring->fd);
	ring->fd = -1;
}

int ring_enter(struct ring *ring, unsigned int to_submit,
	       unsigned int min_complete, unsigned int flags)
{
	if (has_index(ring))
		flags |= IORING_ENTER_REGISTERED_RING;
	return backend_enter(ring->backend, ring->fd, to_submit, min_complete,
			     flags, NULL, 0);
}

int ring_register(struct ring *ring, unsigned int opcode, const void *arg,
		  unsigned int nr_args)
{
	if (has_index(ring))
		opcode |= IORING_REGISTER_USE_REGISTERED_RING;
	return backend_register(ring->backend, ring->fd, opcode, arg, nr_args);
}

int ring_wait_ms(struct ring *ring, unsigned int nr, unsigned int ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};
	struct io_uring_getevents_arg arg = {
		.ts = (uintptr_t)&ts,
	};

	return backend_enter(ring->backend, ring->fd, 0, nr,
			     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			     &arg, sizeof(arg));
}

unsigned int ring_publish(struct ring *ring)
{
	__atomic_store_n(ring->sq_tail, ring->prepared, __ATOMIC_RELEASE);
	return ring->prepared - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
}

int ring_submit(struct ring *ring)
{
	return ring_enter(ring, ring_publish(ring), 0, 0);
}

int ring_submit_and_run(struct ring *ring)
{
	return ring_enter(ring, ring_publish(ring), 0, IORING_ENTER_GETEVENTS);
}

int ring_run(struct ring *ring)
{
	return ring_enter(ring, 0, 0, IORING_ENTER_GETEVENTS);
}

unsigned int ring_ready(struct ring *ring)
{
	return __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) - *ring->cq_head;
}

int ring_wait(struct ring *ring, unsigned int nr)
{
	long long deadline = now_ms() + DEADLINE_MS;

	while (ring_ready(ring) < nr) {
		int ret = ring_wait_ms(ring, nr, DEADLINE_MS);

		/* completions that are there, but nobody was woken for, are late */
		if (now_ms() >= deadline)
			return -ETIME;
		if (ret < 0 && ret != -EINTR)
			return ret;
	}
	return 0;
}

unsigned int fdinfo_lines(struct ring *ring, const char *text)
{
	char line[512];
	unsigned int nr = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", ring->fd);
	f = fopen(line, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		nr += !!strstr(line, text);
	fclose(f);
	return nr;
}

int ring_wait_polled(struct ring *ring, unsigned int opcode)
{
	long long deadline = now_ms() + DEADLINE_MS;
	char text[16];

	snprintf(text, sizeof(text), " op=%u,", opcode);
	while (!fdinfo_lines(ring, text)) {
		if (now_ms() >= deadline)
			return -ETIME;
		usleep(1000);
	}
	return 0;
}

bool ring_peek(struct ring *ring, struct io_uring_cqe *cqe)
{
	unsigned int head = *ring->cq_head, mask = ring->params.cq_entries - 1, index;
	bool large;

	do {
		if (!ring_ready(ring))
			return false;
		large = ring->params.flags & IORING_SETUP_CQE32;
		index = (head & mask) << large;
		*cqe = ring->cqes[index];
		head++;
		if (cqe->flags & IORING_CQE_F_32 && ring->params.flags & IORING_SETUP_CQE_MIXED) {
			large = true;
			head++;
		}
		if (large)
			memcpy(ring->extra, &ring->cqes[index + 1], sizeof(ring->extra));
		__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	} while (cqe->flags & IORING_CQE_F_SKIP && ring->params.flags & IORING_SETUP_CQE_MIXED);
	return true;
}

int ring_take(struct ring *ring, struct io_uring_cqe *cqe)
{
	do {
		int ret = ring_wait(ring, 1);

		if (ret)
			return ret;
		if (ring_peek(ring, cqe))
			return 0;
		/* It may have been one to leave out. */
	} while (ring->params.flags & IORING_SETUP_CQE_MIXED);
	return -ENODATA;
}

unsigned int ring_drain(struct ring *ring)
{
	struct io_uring_cqe cqe;
	unsigned int nr = 0;

	while (ring_peek(ring, &cqe))
		nr++;
	return nr;
}

unsigned int ring_flags(struct ring *ring)
{
	return __atomic_load_n(ring->sq_flags, __ATOMIC_ACQUIRE);
}

bool ring_op_supported(struct ring *ring, unsigned int op)
{
	struct io_uring_probe *probe;
	bool supported = false;

	probe = calloc(1, sizeof(*probe) + IORING_OP_LAST * sizeof(probe->ops[0]));
	if (!probe)
		return false;
	if (!ring_register(ring, IORING_REGISTER_PROBE, probe, IORING_OP_LAST))
		supported = probe->ops[op].flags & IO_URING_OP_SUPPORTED;
	free(probe);
	return supported;
}

unsigned int cqe_bid(const struct io_uring_cqe *cqe)
{
	return cqe->flags >> IORING_CQE_BUFFER_SHIFT;
}
