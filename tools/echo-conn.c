// SPDX-License-Identifier: GPL-2.0
/*
 * One connection of the echo server.
 *
 * A multishot receive fills buffers of the shared group. Each filled buffer
 * joins the connection's queue and is sent back from there, one send at a
 * time, so that the bytes leave in the order they came. A buffer whose last
 * byte is sent goes back to the group.
 */
#include <err.h>
#include <errno.h>
#include <linux/ruring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "echo.h"

/* Give a buffer back to the group. echo-server.c publishes once a batch. */
static void recycle(struct echo_server *srv, int id)
{
	buf_ring_recycle(&srv->bufs, id);
	srv->bufs_free++;
	srv->stats.recycled++;
}

static void arm_receive(struct echo_server *srv, int fd)
{
	struct io_uring_sqe *sqe = echo_get_sqe(srv);

	ring_prep_recv_multishot(sqe, fd, srv->bufs.group);
	if (srv->ring.backend == RING_RURING)
		sqe->ioprio |= RURING_RECV_KEEP;
	sqe->user_data = echo_tag(ECHO_RECV, fd);
	srv->conns[fd].receiving = true;
}

/* Send what is left of the first buffer, unless a send is in flight. */
static void send_next(struct echo_server *srv, int fd)
{
	struct echo_conn *conn = &srv->conns[fd];
	int id = conn->unsent.head;
	struct io_uring_sqe *sqe;

	if (conn->sending || id == ECHO_NONE)
		return;
	sqe = echo_get_sqe(srv);
	ring_prep_send(sqe, fd, buf_ring_addr(&srv->bufs, id) + conn->sent,
		       srv->buf[id].len - conn->sent, MSG_NOSIGNAL);
	sqe->user_data = echo_tag(ECHO_SEND, fd);
	conn->sending = true;
}

static void queue_buffer(struct echo_server *srv, struct echo_conn *conn,
			 int id, unsigned int len)
{
	srv->buf[id].len = len;
	srv->buf[id].next = ECHO_NONE;
	if (conn->unsent.head == ECHO_NONE)
		conn->unsent.head = id;
	else
		srv->buf[conn->unsent.tail].next = id;
	conn->unsent.tail = id;
}

/* Take the first buffer off the queue and give it back to the group. */
static void drop_buffer(struct echo_server *srv, struct echo_conn *conn)
{
	int id = conn->unsent.head;

	conn->unsent.head = srv->buf[id].next;
	conn->sent = 0;
	recycle(srv, id);
}

/* Close a connection that is over, once nothing of it is left to do. */
static void close_if_done(struct echo_server *srv, int fd)
{
	struct echo_conn *conn = &srv->conns[fd];
	struct io_uring_sqe *sqe;

	if (!conn->closing || conn->receiving || conn->sending ||
	    conn->starved || conn->unsent.head != ECHO_NONE)
		return;
	sqe = echo_get_sqe(srv);
	ring_prep_close(sqe, fd);
	sqe->user_data = echo_tag(ECHO_CLOSE, fd);
	conn->open = false;
	srv->stats.open--;
}

static void cancel(struct echo_server *srv, enum echo_op op, int fd)
{
	struct io_uring_sqe *sqe = echo_get_sqe(srv);

	ring_prep_cancel(sqe, echo_tag(op, fd));
	sqe->user_data = echo_tag(ECHO_CANCEL, fd);
}

/* Nothing more can be sent: drop what is queued, and receive no more. */
static void give_up(struct echo_server *srv, int fd)
{
	struct echo_conn *conn = &srv->conns[fd];

	/* The first buffer belongs to the kernel while it is being sent. */
	while (!conn->sending && conn->unsent.head != ECHO_NONE)
		drop_buffer(srv, conn);
	if (conn->receiving && !conn->closing)
		cancel(srv, ECHO_RECV, fd);
	conn->closing = true;
}

static void grow_conns(struct echo_server *srv, int fd)
{
	int size = srv->conns_size ? srv->conns_size : 64;

	while (size <= fd)
		size *= 2;
	srv->conns = realloc(srv->conns, size * sizeof(*srv->conns));
	if (!srv->conns)
		errx(1, "out of memory");
	memset(srv->conns + srv->conns_size, 0,
	       (size - srv->conns_size) * sizeof(*srv->conns));
	srv->conns_size = size;
}

void echo_conn_open(struct echo_server *srv, int fd)
{
	if (fd >= srv->conns_size)
		grow_conns(srv, fd);
	srv->conns[fd] = (struct echo_conn) {
		.open = true,
		.unsent = { ECHO_NONE, ECHO_NONE },
	};
	srv->stats.connections++;
	srv->stats.open++;
	if (srv->stats.open > srv->stats.peak)
		srv->stats.peak = srv->stats.open;
	arm_receive(srv, fd);
}

static void wait_for_buffers(struct echo_server *srv, int fd)
{
	struct echo_conn *conn = &srv->conns[fd];

	conn->starved = true;
	conn->next_starved = ECHO_NONE;
	if (srv->starved.head == ECHO_NONE)
		srv->starved.head = fd;
	else
		srv->conns[srv->starved.tail].next_starved = fd;
	srv->starved.tail = fd;
}

void echo_rearm_starved(struct echo_server *srv)
{
	unsigned int armed = 0;

	/* No more than there are buffers: each takes at least one. */
	while (srv->starved.head != ECHO_NONE && armed < srv->bufs_free) {
		int fd = srv->starved.head;
		struct echo_conn *conn = &srv->conns[fd];

		srv->starved.head = conn->next_starved;
		conn->starved = false;
		if (conn->closing) {
			close_if_done(srv, fd);
			continue;
		}
		arm_receive(srv, fd);
		srv->stats.rearms++;
		armed++;
	}
}

/* A multishot receive has ended with @res. */
static void receive_ended(struct echo_server *srv, int fd, int res)
{
	struct echo_conn *conn = &srv->conns[fd];

	conn->receiving = false;
	if (conn->closing)
		return;
	if (res == -ENOBUFS) {
		srv->stats.enobufs++;
		wait_for_buffers(srv, fd);
	} else if (res > 0) {
		/* Ended for a reason of the kernel's, with data to come. */
		srv->stats.rearms++;
		arm_receive(srv, fd);
	} else {
		conn->closing = true;
		if (res < 0) {
			echo_error(srv, "recv", -res);
			give_up(srv, fd);
		}
	}
}

void echo_conn_received(struct echo_server *srv, int fd, int res,
			unsigned int cqe_flags)
{
	struct echo_conn *conn = &srv->conns[fd];

	if (cqe_flags & IORING_CQE_F_BUFFER) {
		int id = cqe_flags >> IORING_CQE_BUFFER_SHIFT;

		srv->bufs_free--;
		if (res > 0) {
			srv->stats.messages++;
			srv->stats.bytes += res;
		}
		if (res > 0 && !conn->closing) {
			queue_buffer(srv, conn, id, res);
			send_next(srv, fd);
		} else {
			recycle(srv, id);
		}
	}
	if (!(cqe_flags & IORING_CQE_F_MORE))
		receive_ended(srv, fd, res);
	else if (res == -ENOBUFS)
		srv->stats.enobufs++;
	close_if_done(srv, fd);
}

void echo_conn_sent(struct echo_server *srv, int fd, int res)
{
	struct echo_conn *conn = &srv->conns[fd];

	conn->sending = false;
	if (res >= 0) {
		srv->stats.sends++;
		srv->stats.bytes_sent += res;
		conn->sent += res;
		if (conn->sent < srv->buf[conn->unsent.head].len)
			srv->stats.partial_sends++;
		else
			drop_buffer(srv, conn);
	} else if (!srv->stopping) {
		echo_error(srv, "send", -res);
	}
	if (res < 0 || srv->stopping)
		give_up(srv, fd);
	send_next(srv, fd);
	close_if_done(srv, fd);
}

void echo_conn_stop(struct echo_server *srv, int fd)
{
	struct echo_conn *conn = &srv->conns[fd];

	if (conn->receiving && !conn->closing)
		cancel(srv, ECHO_RECV, fd);
	if (conn->sending)
		cancel(srv, ECHO_SEND, fd);
	conn->closing = true;
	close_if_done(srv, fd);
}
