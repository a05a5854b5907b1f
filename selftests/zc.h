/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of zero-copy sends share.
 */
#ifndef SELFTESTS_ZC_H
#define SELFTESTS_ZC_H

#include <fcntl.h>
#include <glob.h>

#include "check.h"

#define BIG	(1 << 20)

/* What is sent, and what has come. */
static char big[BIG], in[BIG];

/* What a notification's result says if pages were copied. */
#define COPIED	((__s32)IORING_NOTIF_USAGE_ZC_COPIED)

/* The result of a send whose buffer was handed to the socket. */
#define ASSERT_SENT(ring, data, result) \
	ASSERT_CQE(ring, data, result, IORING_CQE_F_MORE)
#define ASSERT_NOTIF(ring, data) \
	ASSERT_CQE(ring, data, 0, IORING_CQE_F_NOTIF)

/* Submit the one send that is prepared; this is its result. */
#define ASSERT_SENDS(ring, data, result) \
	ASSERT_COMPLETES(ring, data, result, IORING_CQE_F_MORE)

/* A send that has failed completes once, or, as it says itself, twice. */
#define ASSERT_FAILURE(ring, data, result) do {				\
	struct io_uring_cqe _c = {};					\
	ASSERT_EQ(0, ring_take(ring, &_c));				\
	ASSERT_EQ((__u64)(data), _c.user_data);				\
	ASSERT_EQ((__s32)(result), _c.res);				\
	if (_c.flags)							\
		ASSERT_EQ(IORING_CQE_F_MORE, _c.flags);			\
	if (_c.flags)							\
		ASSERT_NOTIF(ring, data);				\
	ASSERT_QUIET(ring);						\
} while (0)

/* One that never got as far as the socket: ruring does without the second. */
#define ASSERT_REFUSAL(ring, data, result) do {				\
	if ((ring)->backend == RURING) {				\
		ASSERT_CQE(ring, data, result, 0);			\
		ASSERT_QUIET(ring);					\
	} else {							\
		ASSERT_FAILURE(ring, data, result);			\
	}								\
} while (0)

/* Submit the one send that is prepared; this is how it fails. */
#define ASSERT_FAILED(ring, data, result) do {				\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_FAILURE(ring, data, result);				\
} while (0)
#define ASSERT_REFUSED(ring, data, result) do {				\
	ASSERT_EQ(1, ring_submit(ring));				\
	ASSERT_REFUSAL(ring, data, result);				\
} while (0)

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

/*
 * A connected pair of which what is sent waits in the sender; the bytes ahead
 * of it, or less than one.
 */
static inline ssize_t held_pair(int domain, int sv[2])
{
	return inet_pair(domain, SOCK_STREAM, sv) ? -1 : tcp_hold(sv);
}

/* One that takes nothing until so many bytes are read; or less than one. */
static inline ssize_t full_pair(int domain, int sv[2])
{
	return inet_pair(domain, SOCK_STREAM, sv) ? -1 : tcp_full(sv);
}

/* These have to come about; how many bytes are ahead. */
#define ASSERT_HELD(domain, sv) ASSERT_MORE_THAN_NONE(held_pair(domain, sv))
#define ASSERT_FULL(domain, sv) ASSERT_MORE_THAN_NONE(full_pair(domain, sv))
#define ASSERT_MORE_THAN_NONE(bytes) ({					\
	ssize_t _bytes = (bytes);					\
									\
	ASSERT_LT(0, _bytes);						\
	_bytes;								\
})

/* Room for a part of BIG in a sender that is held or full; and for less than BIG from the beginning. */
static inline int room_for_some(int fd)
{
	int room = 400000;

	return setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
}

static inline int little_room(int fd)
{
	int room = 1 << 14;

	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

/* Read the @ahead bytes that are in front, and then @len, which stay in @buf. */
static inline int read_behind(int fd, ssize_t ahead, void *buf, size_t len)
{
	return read_all(fd, buf, ahead) ?: read_all(fd, buf, len);
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

static inline bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

/*
 * Let fault_at() have charged memory fail, which is what requests are made of;
 * false where the kernel cannot. Other memory does not: what looks for leaks
 * needs it.
 */
static inline bool faults(bool on)
{
	glob_t caches;
	size_t i;

	if (!put_text("/sys/kernel/debug/failslab/cache-filter", on ? "Y" : "N") ||
	    !put_text("/sys/kernel/debug/failslab/ignore-gfp-wait", on ? "N" : "Y") ||
	    !put_text("/sys/kernel/debug/failslab/verbose", on ? "0" : "2") ||
	    !put_text("/sys/kernel/debug/fail_usercopy/verbose", on ? "0" : "2") ||
	    glob("/sys/kernel/slab/kmalloc-cg-*/failslab", 0, NULL, &caches))
		return false;
	for (i = 0; i < caches.gl_pathc; i++)
		put_text(caches.gl_pathv[i], on ? "1" : "0");
	globfree(&caches);
	return true;
}

/* Have the @nth allocation or copy from user space from here on fail. */
static inline bool fault_at(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	return put_text("/proc/thread-self/fail-nth", text);
}

/* No more; whether it has not come to that. */
static inline bool fault_missed(void)
{
	bool missed = proc_value("/proc/thread-self/fail-nth", "") > 0;

	fault_at(0);
	return missed;
}

/*
 * The rule, whatever comes: a result, and a notification if and only if the
 * result says so; or (combined) one completion. Returns what is wrong.
 */
static inline const char *breaks_the_rule(struct ring *r, bool combined)
{
	struct io_uring_cqe cqe, second;

	if (ring_take(r, &cqe))
		return "no completion";
	if (combined) {
		if (cqe.flags & ~IORING_CQE_F_NOTIF)
			return "flags";
		if (cqe.res >= 0 && !cqe.flags)
			return "sent, and the buffer was not used";
	} else if (cqe.flags & IORING_CQE_F_MORE) {
		if (ring_take(r, &second) ||
		    second.flags != IORING_CQE_F_NOTIF)
			return "no notification";
	} else if (cqe.flags || cqe.res >= 0) {
		return "sent, without a notification";
	}
	prep_nop(r, 99);
	if (ring_submit_and_run(r) != 1 || ring_take(r, &cqe) ||
	    cqe.user_data != 99 || ring_ready(r))
		return "more than that";
	return NULL;
}

/* A send to @to, of which as much as can fails at one place after the other. */
static inline const char *fails_anywhere(enum backend backend,
					 unsigned int flags, int fd,
					 const struct sockaddr_storage *to,
					 socklen_t to_len, bool combined)
{
	static char data[3000];
	struct iovec iov[3] = {
		{ data, 1000 }, { data + 1000, 1000 }, { data + 2000, 1000 },
	};
	const char *wrong = NULL;
	unsigned int nth;
	bool missed = false;

	for (nth = 1; !missed && !wrong; nth++) {
		struct io_uring_sqe *sqe;
		struct ring r;
		int ret;

		if (ring_init(&r, backend, 4, flags))
			return "no ring";
		sqe = prep_zc(&r, fd, iov, 3, 1);
		sqe->ioprio = IORING_SEND_VECTORIZED | (combined ? 1 << 4 : 0);
		sqe->addr2 = (uintptr_t)to;
		sqe->addr_len = to_len;
		fault_at(nth);
		ret = ring_submit(&r);
		missed = fault_missed();
		/* what was not consumed is still there */
		if (ret < 0)
			ret = ring_enter(&r, 1, 0, 0);
		wrong = ret == 1 ? breaks_the_rule(&r, combined) : "not submitted";
		ring_exit(&r);
	}
	return wrong ?: nth < 4 ? "nothing has failed" : NULL;
}

/* The same, to each kind of address. */
static inline const char *all_fail_anywhere(enum backend backend,
					    unsigned int flags, bool combined)
{
	static const int domains[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage to;
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(domains) && !wrong; i++) {
		int peer = inet_socket(domains[i], SOCK_DGRAM);
		int fd = socket(domains[i], SOCK_DGRAM, 0);

		wrong = fails_anywhere(backend, flags, fd, &to,
				       inet_name(peer, &to), combined);
		close(fd);
		close(peer);
	}
	return wrong;
}

#endif /* SELFTESTS_ZC_H */
