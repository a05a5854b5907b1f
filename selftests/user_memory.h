/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arguments of registrations, all of which have some part in a page that may be missing.
 */
#ifndef SELFTESTS_USER_MEMORY_H
#define SELFTESTS_USER_MEMORY_H

#include <fcntl.h>
#include <linux/io_uring/query.h>
#include <linux/ruring.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "check.h"

#define PAGE	4096
#define GROUP	1

struct held {
	struct ring ring;
	int uffd;
	/* is missing at first, or cannot be written */
	char *page;
	/* what is in it then */
	char *content;
	/* how many arguments there are, if that is not one */
	unsigned int nr;
	/* what has come of it */
	int ret;
	bool over;
};

/* Each prepares the ring and @content, and returns the argument; NULL if that has failed. */

static const void *page_is_eventfd(struct held *h)
{
	*(int *)h->content = eventfd(0, EFD_CLOEXEC);
	return h->page;
}

static const void *page_is_restriction(struct held *h)
{
	*(struct io_uring_restriction *)h->content = (struct io_uring_restriction) {
		.opcode = IORING_RESTRICTION_SQE_OP,
		.sqe_op = IORING_OP_NOP,
	};
	return h->page;
}

static const void *page_is_group(struct held *h)
{
	*(struct io_uring_buf_reg *)h->content = (struct io_uring_buf_reg) {
		.ring_entries = 8,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_MMAP,
	};
	return h->page;
}

static const void *page_is_buffer_ring(struct held *h)
{
	static struct io_uring_buf_reg reg = { .ring_entries = 8, .bgid = GROUP };

	reg.ring_addr = (uintptr_t)h->page;
	return &reg;
}

static bool make_group(struct held *h)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 8,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return !ring_register(&h->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static const void *page_is_old_group(struct held *h)
{
	((struct io_uring_buf_reg *)h->content)->bgid = GROUP;
	return make_group(h) ? h->page : NULL;
}

static const void *page_is_status(struct held *h)
{
	((struct io_uring_buf_status *)h->content)->buf_group = GROUP;
	return make_group(h) ? h->page : NULL;
}

static const void *page_is_mark(struct held *h)
{
	*(struct ruring_pbuf_low *)h->content = (struct ruring_pbuf_low) { .nr = 2, .bgid = GROUP };
	return make_group(h) ? h->page : NULL;
}

static int a_file(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static const void *page_is_files(struct held *h)
{
	int *fds = (int *)h->content;

	h->nr = 64;
	for (unsigned int i = 0; i < h->nr; i++)
		fds[i] = i % 2 ? -1 : a_file();
	return h->page;
}

static const void *page_is_table(struct held *h)
{
	*(struct io_uring_rsrc_register *)h->content = (struct io_uring_rsrc_register) {
		.nr = 4,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};
	h->nr = sizeof(struct io_uring_rsrc_register);
	return h->page;
}

static const void *page_is_tag_of_file(struct held *h)
{
	static struct io_uring_rsrc_register reg = { .nr = 1 };
	static int fd;

	fd = a_file();
	*(__u64 *)h->content = 7;
	reg.data = (uintptr_t)&fd;
	reg.tags = (uintptr_t)h->page;
	h->nr = sizeof(reg);
	return &reg;
}

static bool make_files(struct held *h)
{
	int fds[64];

	memset(fds, -1, sizeof(fds));
	return !ring_register(&h->ring, IORING_REGISTER_FILES, fds, 64);
}

static const void *page_is_update(struct held *h)
{
	static int fd;

	fd = a_file();
	((struct io_uring_files_update *)h->content)->fds = (uintptr_t)&fd;
	return make_files(h) ? h->page : NULL;
}

static const void *page_is_new_files(struct held *h)
{
	static struct io_uring_files_update update;

	update.fds = (uintptr_t)page_is_files(h);
	return make_files(h) ? &update : NULL;
}

static const void *page_is_tag_of_new_file(struct held *h)
{
	static struct io_uring_rsrc_update2 update = { .nr = 1 };
	static int fd;

	fd = a_file();
	*(__u64 *)h->content = 7;
	update.data = (uintptr_t)&fd;
	update.tags = (uintptr_t)h->page;
	h->nr = sizeof(update);
	return make_files(h) ? &update : NULL;
}

static const void *page_is_range(struct held *h)
{
	((struct io_uring_file_index_range *)h->content)->len = 2;
	h->nr = 0;
	return make_files(h) ? h->page : NULL;
}

static const void *page_is_cancel(struct held *h)
{
	*(struct io_uring_sync_cancel_reg *)h->content = (struct io_uring_sync_cancel_reg) {
		.addr = 5,
		.timeout = { -1, -1 },
	};
	return h->page;
}

static const void *page_is_limits(struct held *h)
{
	h->nr = 2;
	return h->page;
}

static char memory[PAGE];

static const void *page_is_vector(struct held *h)
{
	*(struct iovec *)h->content = (struct iovec) { memory, PAGE };
	return h->page;
}

static const void *page_is_buffer(struct held *h)
{
	static struct iovec vec = { .iov_len = PAGE };

	vec.iov_base = h->page;
	return &vec;
}

static const void *page_is_tag_of_buffer(struct held *h)
{
	static struct iovec vec = { memory, PAGE };
	static struct io_uring_rsrc_register reg = { .nr = 1, .data = (uintptr_t)&vec };

	*(__u64 *)h->content = 7;
	reg.tags = (uintptr_t)h->page;
	h->nr = sizeof(reg);
	return &reg;
}

static bool make_buffers(struct held *h)
{
	struct io_uring_rsrc_register reg = { .nr = 4, .flags = IORING_RSRC_REGISTER_SPARSE };

	return !ring_register(&h->ring, IORING_REGISTER_BUFFERS2, &reg, sizeof(reg));
}

static struct io_uring_rsrc_update2 update_buffer;

static const void *page_is_new_vector(struct held *h)
{
	update_buffer = (struct io_uring_rsrc_update2) {
		.nr = 1,
		.data = (uintptr_t)page_is_vector(h),
	};
	h->nr = sizeof(update_buffer);
	return make_buffers(h) ? &update_buffer : NULL;
}

static const void *page_is_new_buffer(struct held *h)
{
	update_buffer = (struct io_uring_rsrc_update2) {
		.nr = 1,
		.data = (uintptr_t)page_is_buffer(h),
	};
	h->nr = sizeof(update_buffer);
	return make_buffers(h) ? &update_buffer : NULL;
}

static const void *page_is_clone(struct held *h)
{
	*(struct io_uring_clone_buffers *)h->content = (struct io_uring_clone_buffers) {
		.src_fd = h->ring.fd,
		.flags = IORING_REGISTER_DST_REPLACE,
	};
	return make_buffers(h) ? h->page : NULL;
}

static const void *page_is_probe(struct held *h)
{
	h->nr = 64;
	return h->page;
}

static const void *page_is_query(struct held *h)
{
	h->nr = 0;
	return h->page;
}

static const void *page_is_answer(struct held *h)
{
	static struct io_uring_query_hdr hdr = {
		.query_op = IO_URING_QUERY_OPCODES,
		.size = sizeof(struct io_uring_query_opcode),
	};

	hdr.query_data = (uintptr_t)h->page;
	h->nr = 0;
	return &hdr;
}

static const void *page_is_clock(struct held *h)
{
	((struct io_uring_clock_register *)h->content)->clockid = CLOCK_BOOTTIME;
	h->nr = 0;
	return h->page;
}

static const void *page_is_sizes(struct held *h)
{
	*(struct io_uring_params *)h->content = (struct io_uring_params) { .sq_entries = 16 };
	return h->page;
}

static struct io_uring_region_desc desc;

static const void *page_is_region(struct held *h)
{
	desc = (struct io_uring_region_desc) { .size = PAGE };
	*(struct io_uring_mem_region_reg *)h->content = (struct io_uring_mem_region_reg) {
		.region_uptr = (uintptr_t)&desc,
	};
	return h->page;
}

static const void *page_is_memory(struct held *h)
{
	static struct io_uring_mem_region_reg reg = { .region_uptr = (uintptr_t)&desc };

	desc = (struct io_uring_region_desc) {
		.size = PAGE,
		.flags = IORING_MEM_REGION_TYPE_USER,
		.user_addr = (uintptr_t)h->page,
	};
	return &reg;
}

static const void *page_is_wait(struct held *h)
{
	h->nr = sizeof(struct io_uring_getevents_arg);
	return h->page;
}

static const void *page_is_time(struct held *h)
{
	static struct io_uring_getevents_arg arg;

	arg = (struct io_uring_getevents_arg) { .ts = (uintptr_t)h->page };
	h->nr = sizeof(arg);
	return &arg;
}

#endif /* SELFTESTS_USER_MEMORY_H */
