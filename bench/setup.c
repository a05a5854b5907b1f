// SPDX-License-Identifier: GPL-2.0
/* Making and ending what requests need: rings and buffer rings. */
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define ENTRIES		128

enum mode {
	SETUP,
	TEARDOWN,
	CYCLE,
};

static int make(struct bench *b, struct ring *ring)
{
	bench_ring(b, ring, ENTRIES, 2 * ENTRIES);
	return 0;
}

static int end(struct ring *ring)
{
	ring_exit(ring);
	return 0;
}

static int cycles(struct bench *b, unsigned int nr)
{
	struct ring ring;

	while (nr--) {
		make(b, &ring);
		end(&ring);
	}
	return 0;
}

/*
 * With its mappings, and for ruring with opening the device. The cycle is
 * longer than its parts: it has in it what the kernel's own threads do later.
 */
static void ring_life(struct bench *b)
{
	unsigned int i, mode = b->row->mode, nr = mode == CYCLE ? 64 : 16;
	struct ring ring;

	/* What is left to others must show in the next sample. */
	b->restless = mode == CYCLE;
	while (bench_sample(b)) {
		if (mode == CYCLE) {
			BENCH_CALL(b, ENTER, cycles(b, nr));
		} else {
			for (i = 0; i < nr; i++) {
				BENCH_CALL(b, mode == SETUP ? ENTER : OTHER,
					   make(b, &ring));
				BENCH_CALL(b, mode == TEARDOWN ? ENTER : OTHER,
					   end(&ring));
			}
		}
		bench_end(b, nr);
	}
}

/* Registered and unregistered. */
static void register_buffers(struct bench *b)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = b->row->count,
		.flags = b->row->mode,
	};
	struct io_uring_buf_reg unreg = { };
	unsigned int i, nr = b->row->count > 1024 ? 2 : 64;
	size_t size = b->row->count * sizeof(struct io_uring_buf);
	struct ring ring;
	void *memory;
	int ret;

	bench_ring(b, &ring, 8, 16);
	if (!(b->row->mode & IOU_PBUF_RING_MMAP)) {
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (memory == MAP_FAILED)
			err(1, "mmap");
		reg.ring_addr = (unsigned long)memory;
	}
	while (bench_sample(b)) {
		for (i = 0; i < nr; i++) {
			ret = BENCH_CALL(b, ENTER,
					 ring_register(&ring,
						       IORING_REGISTER_PBUF_RING,
						       &reg, 1));
			if (ret < 0)
				errx(1, "register: %s", strerror(-ret));
			ret = BENCH_CALL(b, ENTER,
					 ring_register(&ring,
						       IORING_UNREGISTER_PBUF_RING,
						       &unreg, 1));
			if (ret < 0)
				errx(1, "unregister: %s", strerror(-ret));
		}
		bench_end(b, nr);
	}
}

const struct row setup_rows[] = {
	{ "ring/setup", ring_life, ON_RINGS, DEFER, .mode = SETUP },
	{ "ring/teardown", ring_life, ON_RINGS, DEFER, .mode = TEARDOWN },
	{ "ring/cycle", ring_life, ON_RINGS, DEFER, .mode = CYCLE },
	{ "register-buffers/user/128", register_buffers, ON_RINGS, DEFER,
	  .count = 128 },
	{ "register-buffers/user/32768", register_buffers, ON_RINGS, DEFER,
	  .count = 32768 },
	{ "register-buffers/kernel/128", register_buffers, ON_RINGS, DEFER,
	  .count = 128, .mode = IOU_PBUF_RING_MMAP },
	{ "register-buffers/kernel/32768", register_buffers, ON_RINGS, DEFER,
	  .count = 32768, .mode = IOU_PBUF_RING_MMAP },
	{ }
};
