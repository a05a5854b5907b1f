/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zero-copy sends that complete once: RURING_SEND_ZC_COMBINE_CQE.
 */
#ifndef SELFTESTS_ZC_COMBINE_H
#define SELFTESTS_ZC_COMBINE_H

#include <linux/ruring.h>

#include "zc.h"

#define LINK	IOSQE_IO_LINK
#define SKIP_CQE	IOSQE_CQE_SKIP_SUCCESS

#define ASSERT_COMBINED(ring, data, result) \
	ASSERT_CQE(ring, data, result, IORING_CQE_F_NOTIF)
/* The same of one that is only prepared, and needs no wait. */
#define ASSERT_COMBINES(ring, data, result) \
	ASSERT_COMPLETES(ring, data, result, IORING_CQE_F_NOTIF)

FIXTURE(one) {
	struct ring ring;
};

FIXTURE_VARIANT(one) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(one, ruring) {};
FIXTURE_VARIANT_ADD(one, ruring_defer) { .flags = DEFER_FLAGS };

FIXTURE_SETUP(one)
{
	ASSERT_EQ(0, ring_init(&self->ring, RURING, 16, variant->flags));
}

FIXTURE_TEARDOWN(one)
{
	ring_exit(&self->ring);
}

static inline struct io_uring_sqe *prep_one(struct ring *r, int fd, const void *buf,
					    unsigned int len, __u64 user_data)
{
	struct io_uring_sqe *sqe = prep_zc(r, fd, buf, len, user_data);

	sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
	return sqe;
}

static inline struct io_uring_sqe *prep_msg_one(struct ring *r, int fd,
						const struct msghdr *msg,
						__u64 user_data)
{
	struct io_uring_sqe *sqe = prep_msg_zc(r, fd, msg, user_data);

	sqe->ioprio = RURING_SEND_ZC_COMBINE_CQE;
	return sqe;
}

#endif /* SELFTESTS_ZC_COMBINE_H */
