/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small ring library on the raw ABI, and an example of how a program uses
 * ruring without any other library.
 *
 * A ring made by /dev/ruring and one made by io_uring_setup(2) look the same:
 * same structures, same memory, same flags. Only three calls differ, and
 * ring.c has them side by side: RING_RURING makes them as ioctls,
 * RING_IO_URING as system calls. Everything else here knows no difference.
 *
 * A ring belongs to one thread. Functions return a negative errno on failure,
 * never -1 with errno.
 *
 *	struct ring ring;
 *	struct io_uring_sqe *sqe;
 *	struct io_uring_cqe *cqe;
 *
 *	ring_init(&ring, RING_RURING, 256, 1024, IORING_SETUP_SINGLE_ISSUER);
 *	sqe = ring_get_sqe(&ring);
 *	ring_prep_send(sqe, fd, "hello", 5, MSG_NOSIGNAL);
 *	sqe->user_data = 1;
 *	ring_submit_and_wait(&ring, 1);
 *	while ((cqe = ring_peek_cqe(&ring))) {
 *		printf("%llu: %d\n", cqe->user_data, cqe->res);
 *		ring_seen_cqe(&ring);
 *	}
 *	ring_exit(&ring);
 */
#ifndef RURING_TOOLS_RING_H
#define RURING_TOOLS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/io_uring.h>
#include <linux/types.h>

/* Whose rings: those of /dev/ruring, or the kernel's own. */
enum ring_backend {
	RING_RURING,
	RING_IO_URING,
};

/* One ring. Programs read @enters; the rest belongs to ring.c. */
struct ring {
	enum ring_backend backend;
	int fd;
	__u64 enters;			/* calls of io_uring_enter so far */

	/* Submission queue. The kernel moves the head, we move the tail. */
	unsigned int *sq_head;
	unsigned int *sq_tail;
	unsigned int *sq_flags;
	unsigned int sq_entries;
	unsigned int sq_mask;
	unsigned int sq_next;		/* our tail, not yet shown to the kernel */
	struct io_uring_sqe *sqes;

	/* Completion queue. The kernel moves the tail, we move the head. */
	unsigned int *cq_head;
	unsigned int *cq_tail;
	unsigned int cq_mask;
	struct io_uring_cqe *cqes;

	void *rings_map;
	size_t rings_size;
	size_t sqes_size;
};

/* The name of a back end, and the back end of a name (false: no such name). */
const char *ring_backend_name(enum ring_backend backend);
bool ring_backend_parse(const char *name, enum ring_backend *backend);

/*
 * Make a ring with room for @sq_entries submissions and @cq_entries
 * completions. @setup_flags are IORING_SETUP_* flags that need no more
 * arguments than these.
 */
int ring_init(struct ring *ring, enum ring_backend backend,
	      unsigned int sq_entries, unsigned int cq_entries,
	      unsigned int setup_flags);
void ring_exit(struct ring *ring);

/* io_uring_register(2) */
int ring_register(struct ring *ring, unsigned int opcode, void *arg,
		  unsigned int nr_args);

/*
 * The next free submission entry, zeroed, or NULL when the queue is full:
 * submit, and ask again.
 */
struct io_uring_sqe *ring_get_sqe(struct ring *ring);

/*
 * Submit every entry handed out since the last call, and wait until at least
 * @wait_nr completions can be peeked. Returns the number submitted. A call
 * that would have nothing to do makes no system call.
 */
int ring_submit_and_wait(struct ring *ring, unsigned int wait_nr);

/*
 * io_uring_enter(2) itself, for a program that counts its calls or times them:
 * the tail that shows the entries to the kernel is its own business then.
 */
int ring_enter(const struct ring *ring, unsigned int to_submit,
	       unsigned int min_complete, unsigned int flags);

/* The oldest completion, or NULL. It stays valid until ring_seen_cqe(). */
struct io_uring_cqe *ring_peek_cqe(const struct ring *ring);

/* Give the slot of the oldest completion back to the kernel. */
void ring_seen_cqe(struct ring *ring);

/*
 * A provided-buffer ring: equally sized buffers of one group, in memory of
 * this program, that receives pick from on their own. A completion with
 * IORING_CQE_F_BUFFER hands buffer (flags >> IORING_CQE_BUFFER_SHIFT) to the
 * program, which gives it back with buf_ring_recycle() and shows all those
 * given back to the kernel with one buf_ring_publish().
 */
struct buf_ring {
	struct io_uring_buf_ring *shared;
	size_t shared_size;
	unsigned char *memory;
	size_t memory_size;
	unsigned int entries;
	unsigned int buf_size;
	__u16 group;
	__u16 tail;
};

/* @entries: a power of two, at most 32768. All buffers start free. */
int buf_ring_init(struct buf_ring *bufs, struct ring *ring, __u16 group,
		  unsigned int entries, unsigned int buf_size);
/* The same with IOU_PBUF_RING_* flags, which need no memory of the kernel. */
int buf_ring_init_flags(struct buf_ring *bufs, struct ring *ring, __u16 group,
			unsigned int entries, unsigned int buf_size,
			unsigned int flags);
void buf_ring_exit(struct buf_ring *bufs, struct ring *ring);

/* Where the bytes of buffer @id are. */
static inline unsigned char *buf_ring_addr(const struct buf_ring *bufs,
					   __u16 id)
{
	return bufs->memory + (size_t)id * bufs->buf_size;
}

/* Gives buffer @id back. */
static inline void buf_ring_recycle(struct buf_ring *bufs, __u16 id)
{
	struct io_uring_buf *buf;

	/*
	 * Written field by field: the tail of the ring lies over the last
	 * field, resv, of the first buffer.
	 */
	buf = &bufs->shared->bufs[bufs->tail++ & (bufs->entries - 1)];
	buf->addr = (unsigned long)buf_ring_addr(bufs, id);
	buf->len = bufs->buf_size;
	buf->bid = id;
}

/* Shows all that were given back to the kernel. */
static inline void buf_ring_publish(struct buf_ring *bufs)
{
	__atomic_store_n(&bufs->shared->tail, bufs->tail, __ATOMIC_RELEASE);
}

/*
 * One function for each operation used here: it fills an entry fresh from
 * ring_get_sqe(). Set sqe->user_data afterwards.
 */
void ring_prep_accept_multishot(struct io_uring_sqe *sqe, int fd,
				int accept_flags);
void ring_prep_recv_multishot(struct io_uring_sqe *sqe, int fd, __u16 group);
void ring_prep_send(struct io_uring_sqe *sqe, int fd, const void *data,
		    unsigned int len, int msg_flags);
void ring_prep_poll_add(struct io_uring_sqe *sqe, int fd, unsigned int events);
void ring_prep_cancel(struct io_uring_sqe *sqe, __u64 user_data);
void ring_prep_close(struct io_uring_sqe *sqe, int fd);

#endif /* RURING_TOOLS_RING_H */
