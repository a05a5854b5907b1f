/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registered files, and files to open.
 */
#ifndef SELFTESTS_FILES_H
#define SELFTESTS_FILES_H

#include <fcntl.h>
#include <poll.h>

#include "fixture.h"

static inline int register_files(struct ring *r, const int *fds, unsigned int nr)
{
	return ring_register(r, IORING_REGISTER_FILES, fds, nr);
}

static inline int register_sparse(struct ring *r, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};

	return ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static inline int register_tagged(struct ring *r, const int *fds, const __u64 *tags, unsigned int nr)
{
	struct io_uring_rsrc_register reg = {
		.nr = nr,
		.data = (unsigned long)fds,
		.tags = (unsigned long)tags,
	};

	return ring_register(r, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static inline int unregister_files(struct ring *r)
{
	return ring_register(r, IORING_UNREGISTER_FILES, NULL, 0);
}

static inline int update_files(struct ring *r, unsigned int off, const int *fds, unsigned int nr)
{
	struct io_uring_rsrc_update up = {
		.offset = off,
		.data = (unsigned long)fds,
	};

	return ring_register(r, IORING_REGISTER_FILES_UPDATE, &up, nr);
}

static inline int update_tagged(struct ring *r, unsigned int off, const int *fds, const __u64 *tags,
			 unsigned int nr)
{
	struct io_uring_rsrc_update2 up = {
		.offset = off,
		.data = (unsigned long)fds,
		.tags = (unsigned long)tags,
		.nr = nr,
	};

	return ring_register(r, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));
}

static inline int alloc_range(struct ring *r, unsigned int off, unsigned int len)
{
	struct io_uring_file_index_range range = { .off = off, .len = len };

	return ring_register(r, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0);
}

static inline void fixed(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_FIXED_FILE;
}

/* Whether there is a file at @index. */
static inline bool has_file(struct ring *r, int index)
{
	struct io_uring_cqe cqe = {};
	struct io_uring_sqe *sqe = prep(r, IORING_OP_NOP, index, NULL, 0, 99);

	sqe->nop_flags = IORING_NOP_FILE | IORING_NOP_FIXED_FILE;
	if (ring_submit(r) != 1 || ring_take(r, &cqe))
		return false;
	return cqe.res == 0;
}

/* Whether @fd's peer is closed, which may take a moment. */
static inline bool hung_up(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static inline struct io_uring_sqe *prep_socket(struct ring *r, unsigned int slot, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, user_data);

	sqe->off = SOCK_STREAM;
	sqe->file_index = slot;
	return sqe;
}

static inline struct io_uring_sqe *prep_close_direct(struct ring *r, unsigned int slot, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_CLOSE, 0, NULL, 0, user_data);

	sqe->file_index = slot + 1;
	return sqe;
}

static inline int make_file(const char *name, const char *content)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	int len = strlen(content);

	if (fd < 0 || write(fd, content, len) != len)
		return -errno;
	return close(fd);
}

#endif /* SELFTESTS_FILES_H */
