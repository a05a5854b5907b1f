/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is submitted when memory is short: a few requests of each opcode, all that they can be about, and what ends them.
 * See failnth.h.
 */
#ifndef SELFTESTS_FAILNTH_OPS_H
#define SELFTESTS_FAILNTH_OPS_H

#include <linux/openat2.h>
#include <linux/ruring.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "failnth.h"

#define FD_FILE	0
#define FD_SOCK	1

#define ENTRIES	16

/* All that requests can be about. */
struct world {
	struct ring ring;
	/* connected: of a stream, of datagrams, of TCP, a pipe */
	int stream[2], dgram[2], tcp[2], pipe[2];
	int listener, file, unbound;
	struct sockaddr_in addr;
	struct sockaddr_in any;
	socklen_t len;
	char *mem;
	struct pbuf pb;
	struct msghdr msg;
	struct iovec iov[3];
	char control[64];
	struct __kernel_timespec time;
	/* requests that are prepared */
	unsigned int nr;
	/* a directory in memory, where names are */
	char dir[32];
	int epoll, ends[2];
	struct epoll_event event;
	struct open_how how;
	struct statx stat;
};

/* Names that requests take away, and none of those that they make. */
static int names_make(struct world *w)
{
	static const char *const made[] = { "new-dir", "new-name", "new-link", "new-symlink" };
	unsigned int i;

	if (chdir(w->dir))
		return -1;
	for (i = 0; i < ARRAY_SIZE(made); i++)
		remove(made[i]);
	close(open("gone", O_CREAT | O_WRONLY, 0600));
	close(open("old-name", O_CREAT | O_WRONLY, 0600));
	return access("gone", F_OK) || access("old-name", F_OK);
}

static void names_end(struct world *w)
{
	names_make(w);
	remove("gone");
	remove("old-name");
	if (chdir("/") || rmdir(w->dir))
		abort();
}

/* The ring, and what a submission uses up or may have changed. */
static int world_begin(struct world *w, const struct io_uring_params *params)
{
	int fds[2] = { w->file, w->stream[0] };

	w->nr = 0;
	w->len = sizeof(w->any);
	w->any = (struct sockaddr_in){ .sin_family = AF_INET };
	w->any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->iov[0] = (struct iovec){ w->mem, 3 };
	w->iov[1] = (struct iovec){ w->mem + 100, 4 };
	w->iov[2] = (struct iovec){ w->mem + 200, 5 };
	w->msg = (struct msghdr){ .msg_iov = w->iov, .msg_iovlen = 3 };
	w->time.tv_nsec = 1000000;
	w->event = (struct epoll_event){ .events = EPOLLIN };
	w->how = (struct open_how){ .flags = O_RDONLY };
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->stream[0], NULL);
	if (names_make(w) || ring_init_params(&w->ring, RURING, ENTRIES, params) ||
	    pbuf_init(&w->pb, &w->ring, GROUP, 8, 64))
		return -1;
	pbuf_fill(&w->pb);
	return ring_register(&w->ring, IORING_REGISTER_FILES, fds, 2) ||
	       buffers_register(&w->ring, &(struct iovec){ w->mem + 8 * PAGE, 4 * PAGE }, 1);
}

static int world_make(struct world *w)
{
	*w = (struct world){ .dir = "/tmp/failnth.XXXXXX" };
	w->epoll = epoll_create1(0);
	if (!mkdtemp(w->dir))
		return -1;
	if (unix_pair(SOCK_STREAM, w->stream) || unix_pair(SOCK_DGRAM, w->dgram) ||
	    tcp_pair(w->tcp) || pipe(w->pipe) || pipe2(w->ends, O_NONBLOCK))
		return -1;
	w->listener = tcp_listen(&w->addr);
	w->file = new_file(false);
	w->unbound = inet_socket(AF_INET, SOCK_STREAM);
	w->mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (w->listener < 0 || w->file < 0 || w->unbound < 0 || w->mem == MAP_FAILED)
		return -1;
	return pwrite(w->file, "0123456789", 10, 0) == 10 ? 0 : -1;
}

static bool has_input(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN;
}

/* Without the ring. What has come is taken away, so that it does not pile up. */
static void world_finish(struct world *w)
{
	const int in[] = { w->stream[0], w->dgram[0], w->tcp[0], w->pipe[0], w->ends[0] };
	static char buf[65536];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in); i++) {
		while (has_input(in[i]) && read(in[i], buf, sizeof(buf)) > 0)
			;
	}
	while (has_input(w->listener))
		close(accept(w->listener, NULL, NULL));
	if (w->ring.fd >= 0)
		ring_exit(&w->ring);
	pbuf_exit(&w->pb);
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void world_end(struct world *w)
{
	close_pair(w->stream);
	close_pair(w->dgram);
	close_pair(w->tcp);
	close_pair(w->pipe);
	close_pair(w->ends);
	close(w->listener);
	close(w->file);
	close(w->unbound);
	close(w->epoll);
	names_end(w);
	munmap(w->mem, 16 * PAGE);
}

/* The opcodes. */

static struct io_uring_sqe *next(struct world *w, unsigned int op, int fd, const void *addr,
				 unsigned int len)
{
	return prep(&w->ring, op, fd, addr, len, ++w->nr);
}

static struct io_uring_sqe *next_select(struct world *w, unsigned int op, int fd)
{
	struct io_uring_sqe *sqe = next(w, op, fd, NULL, 0);

	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	return sqe;
}

static void op_nop(struct world *w)
{
	next(w, IORING_OP_NOP, -1, NULL, 0);
	next(w, IORING_OP_NOP, -1, NULL, 0)->flags = IOSQE_ASYNC;
}

static void op_read(struct world *w)
{
	next(w, IORING_OP_READ, w->pipe[0], w->mem, 10);
	next(w, IORING_OP_READ, FD_FILE, w->mem, 10)->flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	next(w, IORING_OP_READV, w->stream[0], w->iov, 3);
	next_select(w, IORING_OP_READ, w->tcp[0])->len = 10;
}

static void op_read_fixed(struct world *w)
{
	next(w, IORING_OP_READ_FIXED, w->file, w->mem + 8 * PAGE, 10);
	next(w, IORING_OP_READ_FIXED, w->stream[0], w->mem + 8 * PAGE, 10);
	w->iov[0].iov_base = w->mem + 9 * PAGE;
	next(w, IORING_OP_READV_FIXED, w->file, w->iov, 1);
}

static void op_read_multishot(struct world *w)
{
	next_select(w, IORING_OP_READ_MULTISHOT, w->pipe[0]);
}

static void op_write(struct world *w)
{
	next(w, IORING_OP_WRITE, w->pipe[1], w->mem, 10);
	next(w, IORING_OP_WRITE, w->file, w->mem, 10)->flags = IOSQE_ASYNC;
	next(w, IORING_OP_WRITEV, w->stream[1], w->iov, 3);
	next(w, IORING_OP_WRITE_FIXED, w->file, w->mem + 8 * PAGE, 10);
	w->iov[0].iov_base = w->mem + 9 * PAGE;
	next(w, IORING_OP_WRITEV_FIXED, w->file, w->iov, 1);
}

static void op_sync(struct world *w)
{
	next(w, IORING_OP_FSYNC, w->file, NULL, 0);
	next(w, IORING_OP_FALLOCATE, w->file, (void *)4096, 0);
	next(w, IORING_OP_FTRUNCATE, w->file, NULL, 0)->off = 10;
	next(w, IORING_OP_SYNC_FILE_RANGE, w->file, NULL, 0);
	next(w, IORING_OP_FADVISE, w->file, NULL, 10)->fadvise_advice = POSIX_FADV_WILLNEED;
	next(w, IORING_OP_MADVISE, -1, w->mem, PAGE)->fadvise_advice = MADV_WILLNEED;
}

static void op_openat(struct world *w)
{
	next(w, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0)->open_flags = O_RDWR;
	next(w, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0)->file_index = 1;
}

static void op_names(struct world *w)
{
	struct io_uring_sqe *sqe;

	next(w, IORING_OP_OPENAT2, AT_FDCWD, "gone", sizeof(w->how))->off = (uintptr_t)&w->how;
	sqe = next(w, IORING_OP_STATX, AT_FDCWD, "old-name", STATX_BASIC_STATS);
	sqe->off = (uintptr_t)&w->stat;
	next(w, IORING_OP_UNLINKAT, AT_FDCWD, "gone", 0);
	next(w, IORING_OP_MKDIRAT, AT_FDCWD, "new-dir", 0700);
	next(w, IORING_OP_SYMLINKAT, AT_FDCWD, "old-name", 0)->addr2 = (uintptr_t)"new-symlink";
	next(w, IORING_OP_LINKAT, AT_FDCWD, "old-name", AT_FDCWD)->addr2 = (uintptr_t)"new-link";
	next(w, IORING_OP_RENAMEAT, AT_FDCWD, "old-name", AT_FDCWD)->addr2 = (uintptr_t)"new-name";
}

static void op_close(struct world *w)
{
	next(w, IORING_OP_CLOSE, dup(w->stream[0]), NULL, 0);
	next(w, IORING_OP_CLOSE, 0, NULL, 0)->file_index = 1;
}

static void op_poll(struct world *w)
{
	next(w, IORING_OP_POLL_ADD, w->stream[0], NULL, 0)->poll32_events = POLLIN;
	next(w, IORING_OP_POLL_ADD, w->pipe[0], NULL, IORING_POLL_ADD_MULTI)->poll32_events = POLLIN;
	next(w, IORING_OP_POLL_ADD, w->ring.fd, NULL, 0)->poll32_events = POLLIN;
	next(w, IORING_OP_POLL_ADD, w->tcp[0], NULL, 0)->poll32_events = POLLOUT;
	next(w, IORING_OP_POLL_REMOVE, -1, (void *)2, 0);
}

static void op_poll_level(struct world *w)
{
	unsigned int level = IORING_POLL_ADD_MULTI | RURING_POLL_ADD_LEVEL;

	next(w, IORING_OP_POLL_ADD, w->tcp[0], NULL, level)->poll32_events = POLLOUT;
	next(w, IORING_OP_POLL_ADD, w->stream[0], NULL, level)->poll32_events = POLLIN;
	next(w, IORING_OP_POLL_REMOVE, -1, (void *)1, IORING_POLL_UPDATE_EVENTS)->poll32_events = POLLIN;
	next(w, IORING_OP_POLL_REMOVE, -1, (void *)2, RURING_POLL_UPDATE_MODE | IORING_POLL_ADD_MULTI);
}

/* They wait for buffers of a group that has none, with data or somebody there. */
static void op_keep(struct world *w)
{
	unsigned int i;

	next_select(w, IORING_OP_RECV, w->stream[0])->ioprio = IORING_RECV_MULTISHOT | RURING_RECV_KEEP;
	next_select(w, IORING_OP_READ_MULTISHOT, w->pipe[0])->len = RURING_READ_KEEP;
	next_select(w, IORING_OP_ACCEPT, w->listener)->ioprio =
		IORING_ACCEPT_MULTISHOT | RURING_ACCEPT_KEEP | RURING_ACCEPT_ADDR;
	for (i = 0; i < 3; i++)
		w->ring.sqes[i].buf_group = GROUP + 5;
	next(w, IORING_OP_PROVIDE_BUFFERS, 1, w->mem, 64)->buf_group = GROUP + 5;
	next(w, IORING_OP_REMOVE_BUFFERS, 1, NULL, 0)->buf_group = GROUP + 5;
}

static void op_ordered(struct world *w)
{
	next(w, IORING_OP_SEND, w->tcp[1], w->mem, 10)->ioprio = RURING_SEND_ORDERED;
	next(w, IORING_OP_SEND, w->tcp[1], w->mem, 10)->ioprio = RURING_SEND_ORDERED;
	next(w, IORING_OP_SENDMSG, w->tcp[1], &w->msg, 1)->ioprio = RURING_SEND_ORDERED;
	next(w, IORING_OP_SEND_ZC, w->tcp[1], w->mem, 10)->ioprio =
		RURING_SEND_ORDERED | RURING_SEND_ZC_COMBINE_CQE;
}

static void op_accept_addr(struct world *w)
{
	next_select(w, IORING_OP_ACCEPT, w->listener)->ioprio = RURING_ACCEPT_ADDR;
}

static struct io_uring_sqe *next_splice(struct world *w, unsigned int op, int in, int out)
{
	struct io_uring_sqe *sqe = next(w, op, out, NULL, 10);

	sqe->splice_fd_in = in;
	if (op == IORING_OP_SPLICE)
		sqe->off = sqe->splice_off_in = -1;
	return sqe;
}

static void op_splice(struct world *w)
{
	next_splice(w, IORING_OP_SPLICE, w->file, w->pipe[1])->splice_off_in = 0;
	next_splice(w, IORING_OP_TEE, w->pipe[0], w->ends[1]);
	next_splice(w, IORING_OP_SPLICE, w->pipe[0], w->tcp[1]);
	next_splice(w, IORING_OP_SPLICE, FD_FILE, w->pipe[1])->splice_flags = SPLICE_F_FD_IN_FIXED;
	w->ring.sqes[3].splice_off_in = 0;
}

static void op_sendfile(struct world *w)
{
	next_splice(w, RURING_OP_SENDFILE, w->file, w->tcp[1]);
	next_splice(w, RURING_OP_SENDFILE, w->file, w->stream[1]);
}

static void op_epoll(struct world *w)
{
	next(w, IORING_OP_EPOLL_CTL, w->epoll, &w->event, EPOLL_CTL_ADD)->off = w->stream[0];
	next(w, IORING_OP_EPOLL_CTL, w->epoll, &w->event, EPOLL_CTL_MOD)->off = w->stream[0];
	next(w, IORING_OP_EPOLL_WAIT, w->epoll, &w->event, 1);
}

static void op_pipe(struct world *w)
{
	next(w, IORING_OP_PIPE, 0, w->mem, 0);
	next(w, IORING_OP_PIPE, 0, w->mem + 64, 0)->file_index = 2;
}

/* Entries of 128 bytes, which only some rings have. */
static void op_large(struct world *w)
{
	next(w, IORING_OP_NOP128, -1, NULL, 0);
	ring_sqe(&w->ring);
	next(w, IORING_OP_URING_CMD128, w->stream[0], NULL, 0)->cmd_op = SOCKET_URING_OP_SIOCINQ;
	ring_sqe(&w->ring);
}

static void op_recv(struct world *w)
{
	next(w, IORING_OP_RECV, w->stream[0], w->mem, 10);
	next_select(w, IORING_OP_RECV, w->dgram[0]);
	next(w, IORING_OP_RECV, w->tcp[0], w->mem, 10)->flags = IOSQE_ASYNC;
}

static void op_recv_multishot(struct world *w)
{
	next_select(w, IORING_OP_RECV, w->stream[0])->ioprio = IORING_RECV_MULTISHOT;
	next_select(w, IORING_OP_RECV, w->tcp[0])->ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_BUNDLE;
	next_select(w, IORING_OP_RECVMSG, w->dgram[0])->ioprio = IORING_RECV_MULTISHOT;
	w->ring.sqes[2].addr = (uintptr_t)&w->msg;
	w->msg.msg_iovlen = 0;
	w->msg.msg_controllen = 64;
}

static void op_recvmsg(struct world *w)
{
	w->msg.msg_control = w->control;
	w->msg.msg_controllen = sizeof(w->control);
	next(w, IORING_OP_RECVMSG, w->stream[0], &w->msg, 1);
	next(w, IORING_OP_RECVMSG, w->dgram[0], &w->msg, 1);
}

static void op_send(struct world *w)
{
	struct io_uring_sqe *sqe;

	next(w, IORING_OP_SEND, w->stream[1], w->mem, 10);
	next(w, IORING_OP_SEND, w->tcp[1], w->mem, 10);
	next_select(w, IORING_OP_SEND, w->stream[1])->ioprio = IORING_RECVSEND_BUNDLE;
	next(w, IORING_OP_SEND, w->stream[1], w->iov, 3)->ioprio = IORING_SEND_VECTORIZED;
	sqe = next(w, IORING_OP_SEND, w->stream[1], w->mem + 8 * PAGE, 10);
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
}

static void op_sendmsg(struct world *w)
{
	struct cmsghdr *head = (struct cmsghdr *)w->control;

	*head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(head), &w->file, sizeof(int));
	w->msg.msg_control = w->control;
	w->msg.msg_controllen = CMSG_SPACE(sizeof(int));
	next(w, IORING_OP_SENDMSG, w->stream[1], &w->msg, 1);
	next(w, IORING_OP_SENDMSG, w->dgram[1], &w->msg, 1);
}

static void op_send_zc(struct world *w)
{
	struct io_uring_sqe *sqe;

	next(w, IORING_OP_SEND_ZC, w->tcp[1], w->mem, 3 * PAGE);
	next(w, IORING_OP_SENDMSG_ZC, w->tcp[1], &w->msg, 1);
	sqe = next(w, IORING_OP_SEND_ZC, w->tcp[1], w->mem + 8 * PAGE, PAGE);
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
	sqe = next(w, IORING_OP_SEND_ZC, w->tcp[1], w->mem + 8 * PAGE, PAGE);
	sqe->ioprio = IORING_RECVSEND_FIXED_BUF | RURING_SEND_ZC_COMBINE_CQE;
}

static void op_accept(struct world *w)
{
	struct io_uring_sqe *sqe = next(w, IORING_OP_ACCEPT, w->listener, &w->any, 0);

	sqe->addr2 = (uintptr_t)&w->len;
	next(w, IORING_OP_ACCEPT, w->listener, NULL, 0)->ioprio = IORING_ACCEPT_MULTISHOT;
	next(w, IORING_OP_ACCEPT, w->listener, NULL, 0)->file_index = 1;
}

static void op_socket(struct world *w)
{
	next(w, IORING_OP_SOCKET, AF_UNIX, NULL, 0)->off = SOCK_STREAM;
	next(w, IORING_OP_SOCKET, AF_INET, NULL, 0)->off = SOCK_DGRAM;
	w->ring.sqes[1].file_index = 2;
}

static void op_connect(struct world *w)
{
	next(w, IORING_OP_BIND, w->unbound, &w->any, 0)->addr2 = sizeof(w->any);
	next(w, IORING_OP_CONNECT, w->unbound, &w->addr, 0)->off = sizeof(w->addr);
	next(w, IORING_OP_SHUTDOWN, w->stream[1], NULL, SHUT_WR);
	next(w, IORING_OP_LISTEN, w->listener, NULL, 5);
}

static void op_timeout(struct world *w)
{
	next(w, IORING_OP_TIMEOUT, -1, &w->time, 1);
	next(w, IORING_OP_TIMEOUT, -1, &w->time, 1)->timeout_flags = IORING_TIMEOUT_MULTISHOT;
	w->ring.sqes[1].off = 2;
	next(w, IORING_OP_TIMEOUT_REMOVE, -1, (void *)1, 0);
}

static void op_links(struct world *w)
{
	next(w, IORING_OP_RECV, w->stream[0], w->mem, 10)->flags = IOSQE_IO_LINK;
	next(w, IORING_OP_LINK_TIMEOUT, -1, &w->time, 1)->flags = IOSQE_IO_LINK;
	next(w, IORING_OP_NOP, -1, NULL, 0)->flags = IOSQE_IO_HARDLINK;
	next(w, IORING_OP_SOCKET, AF_UNIX, NULL, 0)->off = SOCK_STREAM;
	next(w, IORING_OP_NOP, -1, NULL, 0)->flags = IOSQE_IO_DRAIN;
	next(w, IORING_OP_RECV, w->pipe[0], w->mem, 10);
}

static void op_message(struct world *w)
{
	struct io_uring_sqe *sqe;

	next(w, IORING_OP_MSG_RING, w->ring.fd, NULL, 5)->off = 1000;
	sqe = next(w, IORING_OP_MSG_RING, w->ring.fd, (void *)IORING_MSG_SEND_FD, 0);
	sqe->off = 1000;
	sqe->addr3 = FD_FILE;
	sqe->file_index = 2;
}

static void op_files(struct world *w)
{
	static int fds[1];

	fds[0] = w->file;
	next(w, IORING_OP_FILES_UPDATE, -1, fds, 1);
	next(w, IORING_OP_FIXED_FD_INSTALL, FD_SOCK, NULL, 0)->flags = IOSQE_FIXED_FILE;
	next(w, IORING_OP_PROVIDE_BUFFERS, 4, w->mem, 64)->buf_group = GROUP + 1;
	next(w, IORING_OP_REMOVE_BUFFERS, 2, NULL, 0)->buf_group = GROUP + 1;
	next(w, IORING_OP_ASYNC_CANCEL, -1, (void *)77, 0);
	next(w, IORING_OP_URING_CMD, w->stream[0], NULL, 0)->cmd_op = SOCKET_URING_OP_SIOCINQ;
}

/* What is submitted, for each opcode: its name, how rings are made for it, and whether it cannot be done to the same files twice. */
#define FOR_EACH_CASE(x)							\
	x(nop, 0, false)							\
	x(read, 0, false)							\
	x(read_fixed, 0, false)							\
	x(read_multishot, 0, false)						\
	x(write, 0, false)							\
	x(sync, 0, false)							\
	x(openat, 0, false)							\
	x(names, 0, false)							\
	x(close, 0, false)							\
	x(poll, 0, false)							\
	x(poll_level, 0, false)							\
	x(keep, 0, false)							\
	x(recv, 0, false)							\
	x(recv_multishot, 0, false)						\
	x(recvmsg, 0, false)							\
	x(send, 0, false)							\
	x(ordered, 0, false)							\
	x(sendmsg, 0, false)							\
	x(send_zc, 0, false)							\
	x(accept, 0, false)							\
	x(accept_addr, 0, false)						\
	x(socket, 0, false)							\
	x(connect, 0, true)							\
	x(timeout, 0, false)							\
	x(links, 0, false)							\
	x(message, 0, false)							\
	x(files, 0, false)							\
	x(splice, 0, false)							\
	x(sendfile, 0, false)							\
	x(epoll, 0, false)							\
	x(pipe, 0, false)							\
	x(large, IORING_SETUP_SQE_MIXED, false)

struct submission {
	void (*prep)(struct world *w);
	/* of the ring */
	unsigned int flags;
	bool once;
};

/* Bring about what requests may wait for. */
static int poke(struct world *w)
{
	int fd = tcp_connect(&w->addr);

	close(fd);
	return (write(w->stream[1], "x", 1) < 0 && errno != EPIPE) ||
	       write(w->dgram[1], "x", 1) < 0 || write(w->tcp[1], "x", 1) < 0 ||
	       write(w->pipe[1], "x", 1) < 0;
}

/* Take completions until each request has had its last one. Returns the first that is not right. */
static int reap(struct world *w, unsigned int *over)
{
	struct io_uring_cqe cqe;
	int ret;

	while (*over != (1u << w->nr) - 1) {
		ret = ring_take(&w->ring, &cqe);
		if (ret)
			return ret;
		if (cqe.user_data == 1000 || cqe.user_data == 99)
			continue;
		if (!cqe.user_data || cqe.user_data > w->nr)
			return -EPROTO;
		if (cqe.flags & IORING_CQE_F_MORE)
			continue;
		if (*over & 1u << (cqe.user_data - 1))
			return -EEXIST;
		*over |= 1u << (cqe.user_data - 1);
	}
	return 0;
}

/* What a fixture begins with that has another ring, @other. Whether places can fail. */
static bool set_up_to_fail(struct __test_metadata *_metadata, struct ring *other)
{
	ASSERT_LE(0, device_fd());
	if (!can_fail())
		return false;
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, ring_init(other, RURING, 1, 0));
	return true;
}

/* Close what requests and messages have opened. */
static void close_beyond(int fd, int except)
{
	int last = next_fd() + 16;

	for (; fd < last; fd++)
		if (fd != except)
			close(fd);
}

/* What has been opened since @first was the next descriptor goes, and the world with it unless it is to be used again. */
static void world_leave(struct world *w, int first, bool last)
{
	close_beyond(first, nth_fd);
	world_finish(w);
	if (last)
		world_end(w);
}

#endif /* SELFTESTS_FAILNTH_OPS_H */
