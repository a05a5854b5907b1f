// SPDX-License-Identifier: GPL-2.0
/*
 * SEND_ZC and SENDMSG_ZC that cannot be: wrong fields, files, addresses,
 * too little memory or too little of it to be locked.
 */
#include <linux/ruring.h>
#include <sys/resource.h>

#define RING_MODES
#include "fixture.h"
#include "zc.h"

TEST_F(ring, bad_messages)
{
	struct ring *r = &self->ring;
	struct iovec iov = { big, 500 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1025 };
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_REFUSED(r, 1, -EMSGSIZE);
	msg.msg_iovlen = 1;
	msg.msg_iov = (void *)1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_REFUSED(r, 1, -EFAULT);
	msg.msg_iov = &iov;
	msg.msg_name = big;
	msg.msg_namelen = -1;
	prep_msg_zc(r, sv[0], &msg, 1);
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_msg_zc(r, sv[0], NULL, 1);
	ASSERT_REFUSED(r, 1, -EFAULT);
	msg.msg_namelen = 0;
	prep_msg_zc(r, sv[0], &msg, 1)->addr2 = 1;
	ASSERT_REFUSED(r, 1, -EINVAL);
	prep_msg_zc(r, sv[0], &msg, 1)->file_index = 1;
	ASSERT_REFUSED(r, 1, -EINVAL);
}

TEST_F(ring, files_that_cannot)
{
	struct ring *r = &self->ring;
	int sv[2], p[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_zc(r, sv[0], big, 100, 1);
	ASSERT_REFUSED(r, 1, -EOPNOTSUPP);
	ASSERT_EQ(0, pipe(p));
	prep_zc(r, p[1], big, 100, 1);
	ASSERT_REFUSED(r, 1, -ENOTSOCK);
	prep_zc(r, -1, big, 100, 1);
	ASSERT_REFUSED(r, 1, -EBADF);
	prep_zc(r, 0, big, 100, 1)->flags = IOSQE_FIXED_FILE;
	ASSERT_REFUSED(r, 1, -EBADF);
}

TEST_F(ring, every_flag)
{
	const unsigned int valid = IORING_RECVSEND_POLL_FIRST |
				   IORING_SEND_ZC_REPORT_USAGE;
	struct ring *r = &self->ring;
	unsigned int bit;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	for (bit = 0; bit < 16; bit++) {
		struct io_uring_sqe *sqe;

		/* ruring's own, see send_order.c */
		if (1U << bit == RURING_SEND_ORDERED && r->backend == RURING)
			continue;
		sqe = prep_zc(r, sv[0], big, 100, 1);
		sqe->ioprio = 1U << bit;
		if (sqe->ioprio & (valid | IORING_SEND_VECTORIZED | (1 << 4)))
			sqe->ioprio |= 1 << 6;
		if (sqe->ioprio == IORING_RECVSEND_FIXED_BUF) {
			/* there is none */
			ASSERT_REFUSED(r, 1, -EFAULT);
			continue;
		}
		ASSERT_REFUSED(r, 1, -EINVAL);
	}
	for (bit = 0; bit < 16; bit++) {
		if (!(valid & 1U << bit))
			continue;
		prep_zc(r, sv[0], big, 100, 1)->ioprio = 1U << bit;
		ASSERT_SENDS(r, 1, 100);
		ASSERT_EQ(0, ring_wait(r, 1));
		ASSERT_EQ(1, ring_drain(r));
	}
}

TEST_F(ring, fields_that_must_be_zero)
{
	struct ring *r = &self->ring;
	struct io_uring_sqe *sqe;
	int sv[2];

	ASSERT_EQ(0, inet_pair(AF_INET, SOCK_DGRAM, sv));
	prep_zc(r, sv[0], big, 100, 1)->__pad2[0] = 1;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
	prep_zc(r, sv[0], big, 100, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EINVAL, 0);
	ASSERT_QUIET(r);
	prep_zc(r, sv[0], big, 100, 1)->flags = IOSQE_BUFFER_SELECT;
	ASSERT_EQ(1, ring_submit_and_run(r));
	ASSERT_CQE(r, 1, -EOPNOTSUPP, 0);
	ASSERT_QUIET(r);
	sqe = prep_zc(r, sv[0], big, 100, 1);
	sqe->__pad3[0] = 1;
	ASSERT_REFUSED(r, 1, -EINVAL);
}

TEST_F(ring, addresses_that_fault)
{
	struct ring *r = &self->ring;
	const struct kind *k;
	char *pages;
	int sv[2];

	for_each_kind(k) {
		pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, pages);
		ASSERT_EQ(0, munmap(pages + 4096, 4096));
		ASSERT_EQ(0, inet_pair(k->domain, k->type, sv));
		prep_zc(r, sv[0], pages + 4096, 100, 1);
		ASSERT_FAILED(r, 1, -EFAULT);
		prep_zc(r, sv[0], (void *)(1UL << 63), 100, 1);
		ASSERT_FAILED(r, 1, -EFAULT);
		/* the socket is none the worse */
		prep_zc(r, sv[0], big, 100, 2);
		ASSERT_SENDS(r, 2, 100);
		ASSERT_EQ(0, read_all(sv[1], in, 100));
		ASSERT_NOTIF(r, 2);
		munmap(pages, 4096);
	}
}

/* A user who may not lock memory for ever. */
static int limit_to(rlim_t pages)
{
	struct rlimit limit = { pages * 4096, RLIM_INFINITY };

	if (!getrlimit(RLIMIT_MEMLOCK, &limit))
		limit.rlim_cur = pages * 4096;
	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

TEST_F(ring, pinned_pages_count)
{
	const unsigned int pages = 65536 / 4096 + 2;
	struct ring r;
	unsigned int i, limit;
	ssize_t ahead;
	int sv[2];

	ahead = ASSERT_HELD(AF_INET, sv);
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, ring_init(&r, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, limit_to(0));
	for (i = 0; i < 3; i++) {
		prep_zc(&r, sv[0], big, 1, 1);
		ASSERT_REFUSED(&r, 1, -ENOMEM);
	}
	/* what is charged already is the ring's, and others' of this user */
	for (limit = pages; limit < pages + 10000; limit++) {
		struct io_uring_cqe cqe;

		ASSERT_EQ(0, limit_to(limit));
		prep_zc(&r, sv[0], big, 65536, 1);
		ASSERT_EQ(1, ring_submit_and_run(&r));
		ASSERT_EQ(0, ring_take(&r, &cqe));
		if (cqe.res == 65536)
			break;
		ASSERT_EQ(-ENOMEM, cqe.res);
		if (cqe.flags)
			ASSERT_NOTIF(&r, 1);
	}
	/* there is room for one at a time, and for one after the other */
	for (i = 0; i < 10; i++) {
		prep_zc(&r, sv[0], big, 1, 2);
		ASSERT_REFUSED(&r, 2, -ENOMEM);
	}
	ASSERT_EQ(0, read_behind(sv[1], ahead, in, 65536));
	ASSERT_NOTIF(&r, 1);
	for (i = 0; i < 10; i++) {
		prep_zc(&r, sv[0], big, 65536, 1);
		ASSERT_SENDS(&r, 1, 65536);
		ASSERT_EQ(0, read_all(sv[1], in, 65536));
		ASSERT_NOTIF(&r, 1);
		prep_zc(&r, -1, big, 65536, 1);
		ASSERT_REFUSED(&r, 1, -EBADF);
	}
	ring_exit(&r);
}

TEST_F(ring, anything_fails)
{
	const char *wrong;

	if (variant->backend == IO_URING)
		SKIP(return, "its requests are of a cache of their own");
	if (!faults(true))
		SKIP(return, "no fault injection");
	wrong = all_fail_anywhere(RURING, variant->flags, false);
	faults(false);
	EXPECT_STREQ("nothing", wrong ?: "nothing");
}

TEST_HARNESS_MAIN
