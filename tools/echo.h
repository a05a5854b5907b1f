/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The echo server: echo-server.c has the ring, the listening socket and the
 * loop; echo-conn.c has what happens to one connection.
 */
#ifndef RURING_TOOLS_ECHO_H
#define RURING_TOOLS_ECHO_H

#include "ring.h"

/*
 * What a completion is for: the operation in the upper half of user_data, the
 * file descriptor in the lower. A descriptor is closed only when no operation
 * on it is in flight, so a completion never meets a later connection that got
 * the same number.
 */
enum echo_op {
	ECHO_ACCEPT,
	ECHO_RECV,
	ECHO_SEND,
	ECHO_CLOSE,
	ECHO_CANCEL,
	ECHO_SIGNAL,
};

static inline __u64 echo_tag(enum echo_op op, int fd)
{
	return (__u64)op << 32 | (__u32)fd;
}

struct echo_stats {
	__u64 connections;	/* accepted */
	__u64 open;		/* now */
	__u64 peak;		/* most open at a time */
	__u64 messages;		/* receive completions with data */
	__u64 bytes;		/* received */
	__u64 bytes_sent;
	__u64 sends;		/* send completions */
	__u64 partial_sends;	/* of these, continued with another send */
	__u64 cqes;
	__u64 recycled;		/* buffers given back to the group */
	__u64 rearms;		/* receives armed again after they ended */
	__u64 enobufs;		/* of these, because the group was empty */
	__u64 errors;
};

/* One received buffer waiting to be sent back; index: buffer id. */
struct echo_buf {
	unsigned int len;
	int next;
};

/* A first-in first-out list of small numbers, linked through @next fields. */
struct echo_list {
	int head;
	int tail;
};

#define ECHO_NONE (-1)

/* One connection; index: file descriptor. */
struct echo_conn {
	bool open;
	bool receiving;		/* a multishot receive is armed */
	bool sending;		/* a send is in flight */
	bool closing;		/* end of stream, error, or server stopping */
	bool starved;		/* on the server's list, waits for buffers */
	unsigned int sent;	/* bytes of the first buffer sent so far */
	struct echo_list unsent;	/* buffers to send back, in order */
	int next_starved;
};

struct echo_server {
	struct ring ring;
	struct buf_ring bufs;
	struct echo_buf *buf;
	unsigned int bufs_free;		/* in the group, ours to count */
	struct echo_conn *conns;
	int conns_size;
	struct echo_list starved;
	struct echo_stats stats;
	int listen_fd;
	int signal_fd;
	bool accepting;
	bool stopping;
};

/* Provided by echo-server.c. */

/* A submission entry, submitting first if the queue is full. */
struct io_uring_sqe *echo_get_sqe(struct echo_server *srv);
/* Count an error and say what it was. */
void echo_error(struct echo_server *srv, const char *what, int err);

/* Provided by echo-conn.c. */

void echo_conn_open(struct echo_server *srv, int fd);
void echo_conn_received(struct echo_server *srv, int fd, int res,
			unsigned int cqe_flags);
void echo_conn_sent(struct echo_server *srv, int fd, int res);
/* End the connection whatever it is doing. */
void echo_conn_stop(struct echo_server *srv, int fd);
/* Arm the receives that ran out of buffers, now that there are some. */
void echo_rearm_starved(struct echo_server *srv);

#endif /* RURING_TOOLS_ECHO_H */
