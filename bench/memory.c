// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel memory, in bytes: free pages before many were made, and after. A first
 * lot is made that does not count, so that caches are full already.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/sysinfo.h>

#include "bench.h"

static double free_memory(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		err(1, "sysinfo");
	return (double)info.freeram * info.mem_unit;
}

static void *array(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		err(1, "calloc");
	memset(p, 0xff, nr * size);
	return p;
}

/* Only what the kernel keeps: the mappings go. */
static void idle_rings(struct bench *b)
{
	unsigned int i, nr = b->row->count;
	struct ring *rings = array(2 * nr, sizeof(*rings));
	double before = 0;

	for (i = 0; i < 2 * nr; i++) {
		if (i == nr)
			before = free_memory();
		bench_ring(b, &rings[i], 128, 256);
	}
	bench_figure(b, (before - free_memory()) / nr);
}

static void armed_receives(struct bench *b)
{
	unsigned int i, nr = b->row->count;
	int (*fds)[2] = array(2 * nr, sizeof(*fds));
	struct buf_ring bufs;
	struct ring ring;
	double before = 0;
	int ret;

	for (i = 0; i < 2 * nr; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds[i]))
			err(1, "socketpair");
	}
	bench_ring(b, &ring, 64, 4096);
	ret = buf_ring_init(&bufs, &ring, 1, 64, 64);
	if (ret < 0)
		errx(1, "buffer ring: %s", strerror(-ret));
	for (i = 0; i < 2 * nr; i++) {
		if (i == nr)
			before = free_memory();
		ring_prep_recv_multishot(bench_sqe(&ring), fds[i][0], 1);
		if (i % 64 == 63)
			bench_enter(b, &ring, 0);
	}
	bench_figure(b, (before - free_memory()) / nr);
}

/* Rings of buffers in memory of the kernel, 32768 entries each. */
static void ring_entries(struct bench *b)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 32768,
		.flags = IOU_PBUF_RING_MMAP,
	};
	unsigned int i, nr = b->row->count;
	struct ring ring;
	double before = 0;
	int ret;

	bench_ring(b, &ring, 8, 16);
	for (i = 0; i < 2 * nr; i++) {
		if (i == nr)
			before = free_memory();
		reg.bgid = i;
		ret = ring_register(&ring, IORING_REGISTER_PBUF_RING, &reg, 1);
		if (ret < 0)
			errx(1, "register: %s", strerror(-ret));
	}
	bench_figure(b, (before - free_memory()) / nr / reg.ring_entries);
}

/* Buffers of a classic group, handed over one at a time. */
static void classic_buffers(struct bench *b)
{
	unsigned int i, nr = b->row->count;
	struct io_uring_sqe *sqe;
	struct ring ring;
	double before = 0;

	bench_ring(b, &ring, 64, 128);
	for (i = 0; i < 2 * nr; i++) {
		if (i == nr)
			before = free_memory();
		sqe = bench_sqe(&ring);
		sqe->opcode = IORING_OP_PROVIDE_BUFFERS;
		sqe->fd = 1;
		/* Every other one: they are no range. */
		sqe->addr = (unsigned long)bench_memory;
		sqe->len = 16;
		sqe->off = i * 2 % 65536;
		sqe->buf_group = i / 32768;
		if (i % 64 == 63) {
			bench_enter(b, &ring, 64);
			bench_reap(&ring, 64, 0);
		}
	}
	bench_figure(b, (before - free_memory()) / nr);
}

const struct row memory_rows[] = {
	{ "memory/ring", idle_rings, ON_RINGS, DEFER, .count = 1024 },
	{ "memory/armed-multishot-recv", armed_receives, ON_RINGS, DEFER,
	  .count = 8192 },
	{ "memory/ring-buffer", ring_entries, ON_RINGS, DEFER, .count = 64 },
	{ "memory/classic-buffer", classic_buffers, ON_RINGS, DEFER,
	  .count = 65536 },
	{ }
};
