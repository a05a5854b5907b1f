/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of zero-copy sends share.
 */
#ifndef SELFTESTS_ZC_H
#define SELFTESTS_ZC_H

#include "fixture.h"

/* What a notification's result says if pages were copied. */
#define COPIED	((__s32)IORING_NOTIF_USAGE_ZC_COPIED)

static const struct kind {
	int domain;
	int type;
} kinds[] = {
	{ AF_INET, SOCK_STREAM },
	{ AF_INET6, SOCK_STREAM },
	{ AF_INET, SOCK_DGRAM },
	{ AF_INET6, SOCK_DGRAM },
};

#define for_each_kind(k) \
	for (k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

/* Those whose packets tcp_hold() can hold back. */
#define for_each_tcp(k) \
	for (k = kinds; k->type == SOCK_STREAM; k++)

static inline struct io_uring_sqe *prep_zc(struct ring *r, int fd,
					   const void *buf, unsigned int len,
					   __u64 user_data)
{
	return prep(r, IORING_OP_SEND_ZC, fd, buf, len, user_data);
}

static inline struct io_uring_sqe *prep_msg_zc(struct ring *r, int fd,
					       const struct msghdr *msg,
					       __u64 user_data)
{
	return prep(r, IORING_OP_SENDMSG_ZC, fd, msg, 1, user_data);
}

/* A buffer whose bytes tell where they are. */
static inline void fill(void *buf, size_t len, unsigned int seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 31 + (i >> 8) + seed) & 0xff;
}

static inline bool is_filled(const void *buf, size_t len, unsigned int seed)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] != ((i * 31 + (i >> 8) + seed) & 0xff))
			return false;
	}
	return true;
}

#endif /* SELFTESTS_ZC_H */
