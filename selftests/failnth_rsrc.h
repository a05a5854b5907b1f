/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registrations of buffers, files and buffer groups, each by itself. See failnth_calls.h.
 */
#ifndef SELFTESTS_FAILNTH_RSRC_H
#define SELFTESTS_FAILNTH_RSRC_H

#include <linux/ruring.h>
#include <sys/mman.h>

#include "failnth_call.h"

/* Buffers and files. */

static int do_buffers(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };

	return reg(c, IORING_REGISTER_BUFFERS, iov, 2);
}

static int do_buffers2(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };
	struct io_uring_rsrc_register arg = {
		.nr = 2,
		.data = (uintptr_t)iov,
		.tags = (uintptr_t)c->tags,
	};

	return reg(c, IORING_REGISTER_BUFFERS2, &arg, sizeof(arg));
}

static int do_buffers_update(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };
	struct io_uring_rsrc_update2 up = {
		.data = (uintptr_t)iov,
		.tags = (uintptr_t)c->tags,
		.nr = 2,
	};

	return reg(c, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up));
}

static int end_buffers(struct calls *c)
{
	int ret = reg(c, IORING_UNREGISTER_BUFFERS, NULL, 0);

	/* the tags */
	ring_drain(&c->ring);
	return ret;
}

static int do_files(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };

	return reg(c, IORING_REGISTER_FILES, fds, 2);
}

static int do_files2(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_register arg = {
		.nr = 2,
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
	};

	return reg(c, IORING_REGISTER_FILES2, &arg, sizeof(arg));
}

static int do_files_update(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_update up = { .data = (uintptr_t)fds };

	return reg(c, IORING_REGISTER_FILES_UPDATE, &up, 2);
}

static int do_files_update2(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_update2 up = {
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
		.nr = 2,
	};

	return reg(c, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));
}

static int end_files(struct calls *c)
{
	int ret = reg(c, IORING_UNREGISTER_FILES, NULL, 0);

	ring_drain(&c->ring);
	return ret;
}

static int do_range(struct calls *c)
{
	struct io_uring_file_index_range range = { .len = 2 };

	return reg(c, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0);
}

static int have_slots(struct calls *c)
{
	int none[2] = { -1, -1 };

	return buffers_register_sparse(&c->ring, 4) ?:
	       ring_register(&c->ring, IORING_REGISTER_FILES, none, 2);
}

/* From another ring, which has some. */
static int do_clone(struct calls *c)
{
	struct io_uring_clone_buffers arg = { .src_fd = c->from.fd };

	return reg(c, IORING_REGISTER_CLONE_BUFFERS, &arg, 1);
}

static int have_other_buffers(struct calls *c)
{
	struct iovec iov = { c->mem, PAGE };

	return ring_init(&c->from, RURING, 4, 0) ?: buffers_register(&c->from, &iov, 1);
}

/* Groups. */

static int do_group(struct calls *c)
{
	struct io_uring_buf_reg arg = {
		.ring_addr = (uintptr_t)c->mem,
		.ring_entries = 512,
		.bgid = GROUP,
	};

	return reg(c, IORING_REGISTER_PBUF_RING, &arg, 1);
}

static int do_group_mmap(struct calls *c)
{
	struct io_uring_buf_reg arg = {
		.ring_entries = 512,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return reg(c, IORING_REGISTER_PBUF_RING, &arg, 1);
}

static int end_group(struct calls *c)
{
	struct io_uring_buf_reg arg = { .bgid = GROUP };

	return reg(c, IORING_UNREGISTER_PBUF_RING, &arg, 1);
}

static int do_group_status(struct calls *c)
{
	struct io_uring_buf_status status = { .buf_group = GROUP };

	return reg(c, IORING_REGISTER_PBUF_STATUS, &status, 1);
}

static int do_group_low(struct calls *c)
{
	struct ruring_pbuf_low low = { .user_data = 7, .nr = 1, .bgid = GROUP };

	return reg(c, RURING_REGISTER_PBUF_LOW, &low, 1);
}

#endif
