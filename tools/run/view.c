// SPDX-License-Identifier: GPL-2.0
/*
 * What a program put into its rings, for --stats.
 *
 * The tracer looks into a ring as long as its thread is in io_uring_enter(): it
 * takes the ring's descriptor, maps the queues, reads before and after the call,
 * and lets go of it, so that the ring ends when the program ends it. How the
 * queues lie in memory is known from the ring's setup. What lies in memory of
 * the program's own (IORING_SETUP_NO_MMAP) is read there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "run.h"

#define PIDFD_THREAD	O_EXCL

/* A ring, by whatever descriptors it goes. */
struct ring {
	unsigned int refs;
	struct io_uring_params params;
	__u32 cq_tail;			/* when last seen */
};

struct named_ring {
	int fd;
	struct ring *ring;
};

/*
 * A look into a ring; the entries are not mapped if there is nothing to submit,
 * and nothing is if it is the program's memory.
 */
struct view {
	struct ring *ring;
	char *queues;
	char *sqes;
	size_t queues_size;
	size_t sqes_size;
};

static void forget(struct ring *ring)
{
	if (!--ring->refs)
		free(ring);
}

static void name(struct files *files, int fd, struct ring *ring)
{
	unsigned int i;

	ring->refs++;
	for (i = 0; i < files->nr_rings; i++) {
		if (files->rings[i].fd == fd) {
			forget(files->rings[i].ring);
			files->rings[i].ring = ring;
			return;
		}
	}
	files->rings = realloc(files->rings,
			       (files->nr_rings + 1) * sizeof(*files->rings));
	if (!files->rings)
		out_of_memory();
	files->rings[files->nr_rings++] = (struct named_ring) { fd, ring };
}

static struct ring *find(const struct files *files, int fd)
{
	unsigned int i;

	for (i = 0; i < files->nr_rings; i++) {
		if (files->rings[i].fd == fd)
			return files->rings[i].ring;
	}
	return NULL;
}

void view_made(struct task *task, int fd, __u64 params)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		out_of_memory();
	if (memory_read(task, params, &ring->params, sizeof(ring->params)))
		free(ring);
	else
		name(task->files, fd, ring);
}

void view_dup(struct task *task, int fd, int dup)
{
	struct ring *ring = find(task->files, fd);

	if (ring)
		name(task->files, dup, ring);
}

void view_copy(struct files *to, const struct files *from, bool newer)
{
	unsigned int i;

	for (i = 0; i < from->nr_rings; i++) {
		if (newer || !find(to, from->rings[i].fd))
			name(to, from->rings[i].fd, from->rings[i].ring);
	}
}

void view_forget(struct files *files)
{
	unsigned int i;

	for (i = 0; i < files->nr_rings; i++)
		forget(files->rings[i].ring);
	free(files->rings);
}

static int take_fd(struct task *task, int fd)
{
	if (!task->pidfd)
		task->pidfd = syscall(__NR_pidfd_open, task->tid, PIDFD_THREAD);
	return syscall(__NR_pidfd_getfd, task->pidfd, fd, 0);
}

static void *map(int fd, size_t size, __u64 offset)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

void view_close(struct task *task)
{
	struct view *view = task->view;

	if (!view)
		return;
	if (view->queues)
		munmap(view->queues, view->queues_size);
	if (view->sqes)
		munmap(view->sqes, view->sqes_size);
	forget(view->ring);
	free(view);
	task->view = NULL;
}

/* Map the ring of @view, which is the program's @fd. */
static bool map_all(struct task *task, struct view *view, int fd, bool entries)
{
	const struct io_uring_params *params = &view->ring->params;
	size_t cqe_size = sizeof(struct io_uring_cqe);
	size_t sqe_size = sizeof(struct io_uring_sqe);
	size_t sq_end;
	int ours = take_fd(task, fd);

	if (ours < 0)
		return false;
	if (params->flags & IORING_SETUP_CQE32)
		cqe_size *= 2;
	if (params->flags & IORING_SETUP_SQE128)
		sqe_size *= 2;
	view->sqes_size = params->sq_entries * sqe_size;
	view->queues_size = params->cq_off.cqes + params->cq_entries * cqe_size;
	sq_end = params->sq_off.array + params->sq_entries * sizeof(__u32);
	if (!(params->flags & IORING_SETUP_NO_SQARRAY) &&
	    sq_end > view->queues_size)
		view->queues_size = sq_end;

	view->queues = map(ours, view->queues_size, IORING_OFF_SQ_RING);
	if (entries)
		view->sqes = map(ours, view->sqes_size, IORING_OFF_SQES);
	close(ours);
	return view->queues && (view->sqes || !entries);
}

static bool is_own_memory(const struct view *view)
{
	return view->ring->params.flags & IORING_SETUP_NO_MMAP;
}

void view_open(struct task *task, int fd, bool entries)
{
	struct ring *ring = find(task->files, fd);
	struct view *view;

	if (!ring)
		return;
	view = calloc(1, sizeof(*view));
	if (!view)
		out_of_memory();
	view->ring = ring;
	ring->refs++;
	task->view = view;
	if (!is_own_memory(view) && !map_all(task, view, fd, entries))
		view_close(task);
}

static __u32 shared(const struct task *task, __u32 offset)
{
	const struct view *view = task->view;
	__u32 value = 0;

	if (is_own_memory(view)) {
		/* 0 if the program has unmapped it */
		memory_read(task, view->ring->params.cq_off.user_addr + offset,
			    &value, sizeof(value));
		return value;
	}
	return __atomic_load_n((__u32 *)(view->queues + offset),
			       __ATOMIC_ACQUIRE);
}

static __u8 opcode(const struct task *task, __u32 index)
{
	const struct view *view = task->view;
	const struct io_uring_params *params = &view->ring->params;
	size_t size = sizeof(struct io_uring_sqe);
	__u8 opcode = IORING_OP_LAST;

	if (params->flags & IORING_SETUP_SQE128)
		size *= 2;
	if (!is_own_memory(view))
		return view->sqes[index * size];
	memory_read(task, params->sq_off.user_addr + index * size, &opcode, 1);
	return opcode;
}

unsigned int view_submitted(const struct task *task, __u8 *opcodes,
			    unsigned int max)
{
	const struct view *view = task->view;
	const struct io_uring_params *params;
	__u32 head, tail, mask, index, i;

	if (!view)
		return 0;
	params = &view->ring->params;
	mask = params->sq_entries - 1;
	head = shared(task, params->sq_off.head);
	tail = shared(task, params->sq_off.tail);
	if (max > params->sq_entries)
		max = params->sq_entries;
	if (max > tail - head)
		max = tail - head;
	for (i = 0; i < max; i++) {
		index = (head + i) & mask;
		if (!(params->flags & IORING_SETUP_NO_SQARRAY))
			index = shared(task, params->sq_off.array +
				       index * sizeof(__u32));
		opcodes[i] = index > mask ? IORING_OP_LAST :
			opcode(task, index);
	}
	return max;
}

unsigned int view_completed(const struct task *task)
{
	struct view *view = task->view;
	__u32 tail, seen;

	if (!view)
		return 0;
	tail = shared(task, view->ring->params.cq_off.tail);
	seen = tail - view->ring->cq_tail;
	view->ring->cq_tail = tail;
	return seen;
}
