// SPDX-License-Identifier: GPL-2.0
/* NOP: what a request costs that does nothing; and what a buffer adds. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ruring.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "bench.h"

#define ROUNDS		10
#define BUFFERS		128
#define BUF_SIZE	32
#define GROUP		1

static void nop(struct bench *b)
{
	unsigned int i, j, rounds = b->row->batch == 1 ? 200 : ROUNDS;
	struct ring ring;

	bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < rounds; i++) {
			for (j = 0; j < b->row->batch; j++)
				bench_sqe(&ring);
			bench_enter(b, &ring, b->row->batch);
			bench_reap(&ring, b->row->batch, 0);
		}
		bench_end(b, rounds * b->row->batch);
	}
}

/* An enter that finds nothing to do. */
static void enter_nothing(struct bench *b)
{
	struct ring ring;
	unsigned int i;

	bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < 200; i++)
			BENCH_CALL(b, ENTER, ring_enter(&ring, 0, 0, 0));
		bench_end(b, 200);
	}
}

/* The same for the ring of an index; an ioctl needs a descriptor all the same, the device's. */
static void enter_registered(struct bench *b)
{
	struct io_uring_rsrc_update update = { .offset = 0 };
	struct ruring_register reg = {
		.arg = (unsigned long)&update,
		.opcode = IORING_REGISTER_RING_FDS,
		.nr_args = 1,
	};
	struct ruring_enter enter = { .flags = IORING_ENTER_REGISTERED_RING };
	int dev = open("/dev/ruring", O_RDWR);
	struct ring ring;
	unsigned int i;
	long ret;

	bench_ring(b, &ring, 64, 128);
	update.data = ring.fd;
	if (ring.backend == RING_IO_URING)
		ret = syscall(__NR_io_uring_register, ring.fd, reg.opcode, &update, 1);
	else
		ret = ioctl(ring.fd, RURING_IOC_REGISTER, &reg);
	if (ret != 1)
		err(1, "registered ring");
	while (bench_sample(b)) {
		for (i = 0; i < 200; i++) {
			if (ring.backend == RING_IO_URING)
				BENCH_CALL(b, ENTER, syscall(__NR_io_uring_enter, 0, 0, 0,
							     enter.flags, NULL, 0));
			else
				BENCH_CALL(b, ENTER, ioctl(dev, RURING_IOC_ENTER, &enter));
		}
		bench_end(b, 200);
	}
	close(dev);
}

/* The way into the kernel: a system call, and an ioctl that is refused. */
static void empty_call(struct bench *b)
{
	unsigned int i;

	while (bench_sample(b)) {
		for (i = 0; i < 200; i++)
			BENCH_CALL(b, ENTER, syscall(__NR_getppid));
		bench_end(b, 200);
	}
}

static void empty_ioctl(struct bench *b)
{
	struct ring ring;
	unsigned int i;

	bench_ring(b, &ring, 64, 128);
	while (bench_sample(b)) {
		for (i = 0; i < 200; i++)
			BENCH_CALL(b, ENTER, ioctl(ring.fd, _IO(0xB9, 0xff)));
		bench_end(b, 200);
	}
}

/*
 * What a plugin that counts must find: for each of a row's lines two locked
 * instructions, on one that is written; and one more that is read.
 */
static int locks_and_lines(unsigned int count)
{
	unsigned int i, value = 1;

	for (i = 0; i < count; i++) {
		unsigned int *line = (unsigned int *)(bench_memory + i * 128);

		asm volatile("lock incl %0" : "+m"(*line));
		asm volatile("xchgl %0, %1" : "+m"(*line), "+r"(value));
		asm volatile("xchgl %%eax, %%ecx" : : : "eax", "ecx");
		asm volatile("movl %1, %0" : "=r"(value) : "m"(line[16]));
	}
	return value;
}

static void known(struct bench *b)
{
	unsigned int i;

	while (bench_sample(b)) {
		for (i = 0; i < 16; i++)
			BENCH_CALL(b, ENTER, locks_and_lines(b->row->count));
		bench_end(b, 16);
	}
}

/*
 * The measurement with which ring-mapped buffers came to io_uring: NOPs that
 * take a buffer, 32 of them submitted at a time out of 128 buffers, which are
 * given back 32 or 1 at a time. io_uring never got its NOP that does so.
 */
enum replenish {
	NO_BUFFERS,
	CLASSIC_32,
	CLASSIC_1,
	RING_32,
	RING_1,
};

static void prep_provide(struct ring *ring, unsigned int id, unsigned int nr)
{
	struct io_uring_sqe *sqe = bench_sqe(ring);

	sqe->opcode = IORING_OP_PROVIDE_BUFFERS;
	sqe->fd = nr;
	sqe->addr = (unsigned long)bench_memory + id * BUF_SIZE;
	sqe->len = BUF_SIZE;
	sqe->buf_group = GROUP;
	sqe->off = id;
	sqe->user_data = 1;
}

static void buffer_round(struct bench *b, struct ring *ring,
			 struct buf_ring *bufs, unsigned int *provided)
{
	unsigned int i, nr = *provided + 32;
	struct completion cqe;
	struct io_uring_sqe *sqe;
	unsigned int id, ids[32], taken = 0;

	for (i = 0; i < 32; i++) {
		sqe = bench_sqe(ring);
		if (b->row->mode == NO_BUFFERS)
			continue;
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
	}
	bench_enter(b, ring, nr);
	while (nr--) {
		cqe = bench_cqe(ring);
		if (cqe.res)
			errx(1, "result %d", cqe.res);
		if (cqe.user_data || b->row->mode == NO_BUFFERS)
			continue;
		if (!(cqe.flags & IORING_CQE_F_BUFFER))
			errx(1, "no buffer");
		id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		if (b->row->mode >= RING_32) {
			buf_ring_recycle(bufs, id);
			if (b->row->mode == RING_1)
				buf_ring_publish(bufs);
		} else {
			ids[taken++] = id;
		}
	}
	*provided = 0;
	switch (b->row->mode) {
	case RING_32:
		buf_ring_publish(bufs);
		break;
	case CLASSIC_32:
		/* They come back in order: one range. */
		prep_provide(ring, ids[0], taken);
		*provided = 1;
		break;
	case CLASSIC_1:
		for (i = 0; i < taken; i++)
			prep_provide(ring, ids[i], 1);
		*provided = taken;
		break;
	}
}

static void nop_buffers(struct bench *b)
{
	unsigned int i, provided = 0;
	struct buf_ring bufs;
	struct ring ring;
	int ret;

	bench_ring(b, &ring, 128, 256);
	if (b->row->mode >= RING_32) {
		ret = buf_ring_init(&bufs, &ring, GROUP, BUFFERS, BUF_SIZE);
		if (ret < 0)
			errx(1, "buffer ring: %s", strerror(-ret));
	} else if (b->row->mode != NO_BUFFERS) {
		prep_provide(&ring, 0, BUFFERS);
		bench_enter(b, &ring, 1);
		bench_reap(&ring, 1, 0);
	}
	while (bench_sample(b)) {
		for (i = 0; i < ROUNDS; i++)
			buffer_round(b, &ring, &bufs, &provided);
		bench_end(b, ROUNDS * 32);
	}
}

const struct row nop_rows[] = {
	{ "call/empty", empty_call, ON_CALLS },
	{ "call/ioctl", empty_ioctl, ON_RINGS, DEFER },
	{ "call/enter", enter_nothing, ON_RINGS, DEFER },
	{ "call/registered", enter_registered, ON_RINGS, DEFER },
	{ "nop/1", nop, ON_RINGS, DEFER, .batch = 1 },
	{ "nop/32", nop, ON_RINGS, DEFER, .batch = 32 },
	{ "nop-buffer/none", nop_buffers, ON_RINGS, DEFER, .mode = NO_BUFFERS },
	{ "nop-buffer/classic-32", nop_buffers, ON_RURING, DEFER,
	  .mode = CLASSIC_32 },
	{ "nop-buffer/classic-1", nop_buffers, ON_RURING, DEFER,
	  .mode = CLASSIC_1 },
	{ "nop-buffer/ring-32", nop_buffers, ON_RURING, DEFER, .mode = RING_32 },
	{ "nop-buffer/ring-1", nop_buffers, ON_RURING, DEFER, .mode = RING_1 },
	{ "known/0", known, ON_CALLS, .count = 0 },
	{ "known/16", known, ON_CALLS, .count = 16 },
	{ }
};
