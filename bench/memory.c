// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel memory, in bytes: free pages before a lot was made, and after; the
 * median of several lots. The first does not count, so that caches are full
 * already.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/sysinfo.h>

#include "bench.h"

/* An odd number, and the first. */
#define LOTS	6

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "%s", path);
	close(fd);
}

/* Free pages that a processor keeps for itself do not count as free. */
static void keep_few(void)
{
	write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "100000");
}

static double free_memory(void)
{
	struct sysinfo info;

	write_file("/proc/sys/vm/stat_refresh", "1");
	if (sysinfo(&info))
		err(1, "sysinfo");
	return (double)info.freeram * info.mem_unit;
}

struct many {
	struct bench *b;
	struct ring *rings;
	struct ring ring;
	int (*fds)[2];
};

static void *array(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		err(1, "calloc");
	memset(p, 0xff, nr * size);
	return p;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Has the row's count made of them time and again. */
static void measure(struct many *many, void (*make)(struct many *many,
						    unsigned int i))
{
	unsigned int lot, i, count = many->b->row->count;
	double lots[LOTS], before;

	keep_few();
	for (lot = 0; lot < LOTS; lot++) {
		before = free_memory();
		for (i = 0; i < count; i++)
			make(many, lot * count + i);
		lots[lot] = (before - free_memory()) / count;
	}
	qsort(lots + 1, LOTS - 1, sizeof(*lots), compare);
	bench_figure(many->b, lots[LOTS / 2]);
}

static void make_ring(struct many *many, unsigned int i)
{
	bench_ring(many->b, &many->rings[i], 128, 256);
}

static void idle_rings(struct bench *b)
{
	struct many many = { .b = b };

	many.rings = array(LOTS * b->row->count, sizeof(*many.rings));
	measure(&many, make_ring);
}

static void arm_receive(struct many *many, unsigned int i)
{
	ring_prep_recv_multishot(bench_sqe(&many->ring), many->fds[i][0], 1);
	if (i % 64 == 63)
		bench_enter(many->b, &many->ring, 0);
}

static void armed_receives(struct bench *b)
{
	struct many many = { .b = b };
	struct buf_ring bufs;
	unsigned int i;
	int ret;

	many.fds = array(LOTS * b->row->count, sizeof(*many.fds));
	for (i = 0; i < LOTS * b->row->count; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, many.fds[i]))
			err(1, "socketpair");
	}
	bench_ring(b, &many.ring, 64, 4096);
	ret = buf_ring_init(&bufs, &many.ring, 1, 64, 64);
	if (ret < 0)
		errx(1, "buffer ring: %s", strerror(-ret));
	measure(&many, arm_receive);
}

/* In memory of the kernel. */
static void make_buffer_ring(struct many *many, unsigned int i)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 32768,
		.flags = IOU_PBUF_RING_MMAP,
		.bgid = i,
	};
	int ret = ring_register(&many->ring, IORING_REGISTER_PBUF_RING, &reg, 1);

	if (ret < 0)
		errx(1, "register: %s", strerror(-ret));
}

static void buffer_rings(struct bench *b)
{
	struct many many = { .b = b };

	bench_ring(b, &many.ring, 8, 16);
	measure(&many, make_buffer_ring);
}

/* Handed over one at a time, and no neighbours. */
static void provide_buffer(struct many *many, unsigned int i)
{
	struct io_uring_sqe *sqe = bench_sqe(&many->ring);
	unsigned int count = many->b->row->count;

	sqe->opcode = IORING_OP_PROVIDE_BUFFERS;
	sqe->fd = 1;
	sqe->addr = (unsigned long)bench_memory;
	sqe->len = 16;
	sqe->off = i % count * 2;
	sqe->buf_group = i / count;
	if (i % 64 == 63) {
		bench_enter(many->b, &many->ring, 64);
		bench_reap(&many->ring, 64, 0);
	}
}

static void classic_buffers(struct bench *b)
{
	struct many many = { .b = b };

	bench_ring(b, &many.ring, 64, 128);
	measure(&many, provide_buffer);
}

const struct row memory_rows[] = {
	{ "memory/ring", idle_rings, ON_RINGS, DEFER, .count = 1024 },
	{ "memory/armed-multishot-recv", armed_receives, ON_RINGS, DEFER,
	  .count = 4096 },
	{ "memory/buffer-ring-of-32768", buffer_rings, ON_RINGS, DEFER,
	  .count = 64 },
	{ "memory/classic-buffer", classic_buffers, ON_RINGS, DEFER,
	  .count = 32768 },
	{ }
};
