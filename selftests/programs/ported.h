/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put before one of liburing's examples it makes a program of ruring of it:
 * what Documentation/porting.rst has changed by hand is changed by name.
 */
#ifndef PORTED_H
#define PORTED_H

#include "liburing-ruring.h"

#define io_uring_queue_init		ruring_queue_init
#define io_uring_queue_init_params	ruring_queue_init_params
#define io_uring_submit			ruring_submit
#define io_uring_submit_and_wait	ruring_submit_and_wait
#define io_uring_submit_and_wait_timeout ruring_submit_and_wait_timeout
#define io_uring_submit_and_get_events	ruring_submit_and_get_events
#define io_uring_sqring_wait		ruring_sqring_wait
#define io_uring_peek_cqe		ruring_peek_cqe
#define io_uring_peek_batch_cqe		ruring_peek_batch_cqe
#define io_uring_wait_cqe		ruring_wait_cqe
#define io_uring_setup_buf_ring		ruring_setup_buf_ring
#define io_uring_free_buf_ring		ruring_free_buf_ring
#define io_uring_register_ring_fd	ruring_register_ring_fd
#define io_uring_unregister_ring_fd	ruring_unregister_ring_fd
#define io_uring_close_ring_fd		ruring_close_ring_fd
#define io_uring_queue_exit		ruring_queue_exit
#define io_uring_register_files		ruring_register_files
#define io_uring_register_files_sparse	ruring_register_files_sparse
#define io_uring_submit_and_wait_reg	ruring_submit_and_wait_reg

#define io_uring_register_buffers(ring, iov, nr) \
	ruring_register(ring, IORING_REGISTER_BUFFERS, iov, nr)
#define io_uring_register_buf_ring(ring, reg, flags) \
	((void)(flags), ruring_register(ring, IORING_REGISTER_PBUF_RING, reg, 1))
#define io_uring_register_iowq_aff(ring, size, mask) \
	ruring_register(ring, IORING_REGISTER_IOWQ_AFF, mask, size)
#define io_uring_unregister_napi(ring, napi) \
	ruring_register(ring, IORING_UNREGISTER_NAPI, napi, 1)
#define io_uring_register_napi(ring, napi) \
	ruring_register(ring, IORING_REGISTER_NAPI, napi, 1)
#define io_uring_register_region(ring, reg) \
	ruring_register(ring, IORING_REGISTER_MEM_REGION, reg, 1)
#define io_uring_enable_rings(ring) \
	ruring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0)
#define io_uring_register_files_update	ported_files_update

static inline int ported_files_update(struct io_uring *ring, unsigned int off,
				      const int *files, unsigned int nr)
{
	struct io_uring_files_update update = {
		.offset = off,
		.fds = (unsigned long)files,
	};

	return ruring_register(ring, IORING_REGISTER_FILES_UPDATE, &update, nr);
}

#endif /* PORTED_H */
