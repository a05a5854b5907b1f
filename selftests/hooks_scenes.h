/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One request of each kind, for the test that counts what hooks it calls.
 */
#ifndef SELFTESTS_HOOKS_SCENES_H
#define SELFTESTS_HOOKS_SCENES_H

#include <poll.h>
#include <sys/epoll.h>

#include "hooks_scenes_files.h"
#include "hooks_world.h"

static struct io_uring_sqe *prep_at(struct world *w, unsigned int op, int fd)
{
	return prep(w->ring, op, fd, w->buf, sizeof(w->buf), 1);
}

static void nop(struct world *w)
{
	prep_nop(w->ring, 1);
}

#define PREP_RW(name, op, fd)						\
	static void name(struct world *w)				\
	{								\
		prep_at(w, IORING_OP_##op, w->fd)->off = 0;		\
	}

PREP_RW(read_file, READ, file)
PREP_RW(write_file, WRITE, file)
PREP_RW(read_socket, READ, tcp[0])
PREP_RW(write_socket, WRITE, tcp[0])
PREP_RW(read_pipe, READ, pipe[0])
PREP_RW(write_pipe, WRITE, pipe[1])
PREP_RW(recv_tcp, RECV, tcp[0])
PREP_RW(send_tcp, SEND, tcp[0])
PREP_RW(send_zc, SEND_ZC, udp[0])
PREP_RW(read_fixed, READ_FIXED, file)
PREP_RW(write_fixed, WRITE_FIXED, file)

#define PREP_VECTOR(name, op, fd)					\
	static void name(struct world *w)				\
	{								\
		prep(w->ring, IORING_OP_##op, w->fd, &w->iov, 1, 1);	\
	}

PREP_VECTOR(readv, READV, file)
PREP_VECTOR(writev, WRITEV, file)
PREP_VECTOR(readv_fixed, READV_FIXED, file)
PREP_VECTOR(writev_fixed, WRITEV_FIXED, file)

#define PREP_MSG(name, op, fd)						\
	static void name(struct world *w)				\
	{								\
		prep(w->ring, IORING_OP_##op, w->fd, &w->msg, 1, 1);	\
	}

PREP_MSG(sendmsg_tcp, SENDMSG, tcp[0])
PREP_MSG(recvmsg_tcp, RECVMSG, tcp[0])
PREP_MSG(sendmsg_zc, SENDMSG_ZC, udp[0])

/* What is for the other end of the connection comes when a request waits for it. */
static void send_to_waiting(struct world *w)
{
	ring_submit(w->ring);
	count(false);
	w->waited = !ring_ready(w->ring);
	if (write(w->tcp[0], "x", 1) != 1)
		perror("write");
	count(true);
}

/* What other scenes have sent there. */
static void empty_other_end(struct world *w)
{
	char buf[256];

	count(false);
	while (recv(w->tcp[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	count(true);
}

static void recv_wait(struct world *w)
{
	empty_other_end(w);
	prep_at(w, IORING_OP_RECV, w->tcp[1]);
	send_to_waiting(w);
}

static void recvmsg_wait(struct world *w)
{
	empty_other_end(w);
	prep(w->ring, IORING_OP_RECVMSG, w->tcp[1], &w->msg, 1, 1);
	send_to_waiting(w);
}

static void read_wait(struct world *w)
{
	empty_other_end(w);
	prep_at(w, IORING_OP_READ, w->tcp[1]);
	send_to_waiting(w);
}

/* It has one buffer, and ends when it finds none for what comes next. */
static void prep_multishot(struct world *w, unsigned int op, const void *addr, unsigned int len)
{
	struct io_uring_sqe *sqe;

	empty_other_end(w);
	sqe = prep(w->ring, IORING_OP_PROVIDE_BUFFERS, 1, w->buf, sizeof(w->buf), 1);
	sqe->buf_group = 8;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe = prep(w->ring, op, w->tcp[1], addr, len, 1);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->buf_group = 8;
	sqe->flags = IOSQE_BUFFER_SELECT;
	send_to_waiting(w);
	ring_run(w->ring);
	count(false);
	if (write(w->tcp[0], "x", 1) != 1)
		perror("write");
	count(true);
}

static void recv_multishot_wait(struct world *w)
{
	prep_multishot(w, IORING_OP_RECV, NULL, 0);
}

static void recvmsg_multishot_wait(struct world *w)
{
	static struct msghdr none;

	prep_multishot(w, IORING_OP_RECVMSG, &none, 1);
}

static void close_file(struct world *w)
{
	prep(w->ring, IORING_OP_CLOSE, w->again, NULL, 0, 1);
}

static void socket_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->off = SOCK_STREAM;
}

static void bind_tcp(struct world *w)
{
	static const struct sockaddr_in any = { .sin_family = AF_INET };

	prep(w->ring, IORING_OP_BIND, w->free, &any, 0, 1)->addr2 = sizeof(any);
}

static void bind_unix(struct world *w)
{
	static const struct sockaddr_un name = { AF_UNIX, SOCK_FILE ".2" };

	prep(w->ring, IORING_OP_BIND, w->unnamed, &name, 0, 1)->addr2 = sizeof(w->path);
}

static void listen_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_LISTEN, w->free, NULL, 4, 1);
}

static void connect_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_CONNECT, w->free, &w->addr, 0, 1)->addr2 = sizeof(w->addr);
}

static void connect_unix(struct world *w)
{
	prep(w->ring, IORING_OP_CONNECT, w->unnamed, &w->path, 0, 1)->addr2 = sizeof(w->path);
}

static void accept_tcp(struct world *w)
{
	/* CONNECT has left one in the backlog. */
	prep_accept(w->ring, w->listener, 1);
}

static void accept_wait(struct world *w)
{
	prep_accept(w->ring, w->listener, 1);
	ring_submit(w->ring);
	count(false);
	tcp_connect(&w->addr);
	count(true);
}

static void shutdown_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_SHUTDOWN, w->tcp[0], NULL, SHUT_WR, 1);
}

static struct io_uring_sqe *prep_cmd(struct world *w, unsigned int op)
{
	struct io_uring_sqe *sqe = prep(w->ring, IORING_OP_URING_CMD, w->tcp[0], NULL, 0, 1);

	sqe->cmd_op = op;
	return sqe;
}

static void cmd_inq(struct world *w)
{
	prep_cmd(w, SOCKET_URING_OP_SIOCINQ);
}

static void cmd_option(struct world *w, unsigned int op)
{
	struct io_uring_sqe *sqe = prep_cmd(w, op);

	sqe->level = SOL_SOCKET;
	sqe->optname = SO_REUSEADDR;
	sqe->optval = (unsigned long)w->buf;
	sqe->optlen = sizeof(int);
}

static void cmd_getsockopt(struct world *w)
{
	cmd_option(w, SOCKET_URING_OP_GETSOCKOPT);
}

static void cmd_setsockopt(struct world *w)
{
	cmd_option(w, SOCKET_URING_OP_SETSOCKOPT);
}

static void cmd_name(struct world *w, unsigned int peer)
{
	struct io_uring_sqe *sqe = prep_cmd(w, SOCKET_URING_OP_GETSOCKNAME);

	sqe->addr = (unsigned long)&w->name;
	sqe->addr3 = (unsigned long)&w->len;
	sqe->optlen = peer;
}

static void cmd_getsockname(struct world *w)
{
	cmd_name(w, 0);
}

static void cmd_getpeername(struct world *w)
{
	cmd_name(w, 1);
}

static void poll_add(struct world *w)
{
	prep_poll(w->ring, w->tcp[0], POLLOUT, 1);
}

static void timeout(struct world *w)
{
	prep(w->ring, IORING_OP_TIMEOUT, -1, &w->ts, 1, 1);
}

static void timeout_remove(struct world *w)
{
	prep(w->ring, IORING_OP_TIMEOUT_REMOVE, -1, (void *)77, 0, 1);
}

static void poll_remove(struct world *w)
{
	prep(w->ring, IORING_OP_POLL_REMOVE, -1, (void *)77, 0, 1);
}

static void async_cancel(struct world *w)
{
	prep_cancel(w->ring, 77, 0, 1);
}

static void msg_ring(struct world *w)
{
	prep(w->ring, IORING_OP_MSG_RING, w->other.fd, NULL, 0, 1)->off = 5;
}

static void files_update(struct world *w)
{
	w->fds[0] = w->tcp[1];
	prep(w->ring, IORING_OP_FILES_UPDATE, -1, w->fds, 1, 1)->off = 1;
}

static void fixed_fd_install(struct world *w)
{
	prep(w->ring, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1)->flags = IOSQE_FIXED_FILE;
}

static void provide_buffers(struct world *w)
{
	struct io_uring_sqe *sqe = prep(w->ring, IORING_OP_PROVIDE_BUFFERS, 1, w->buf, 64, 1);

	sqe->buf_group = 5;
}

static void remove_buffers(struct world *w)
{
	prep(w->ring, IORING_OP_REMOVE_BUFFERS, 1, NULL, 0, 1)->buf_group = 6;
}

static void read_multishot(struct world *w)
{
	struct io_uring_sqe *sqe;

	sqe = prep(w->ring, IORING_OP_PROVIDE_BUFFERS, 1, w->buf, 64, 1);
	sqe->buf_group = 7;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe = prep(w->ring, IORING_OP_READ_MULTISHOT, w->pipe[0], NULL, 0, 1);
	sqe->off = -1;
	sqe->buf_group = 7;
	sqe->flags = IOSQE_BUFFER_SELECT;
}

static void link_timeout(struct world *w)
{
	w->ts.tv_sec = 100;
	prep_nop(w->ring, 1)->flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep(w->ring, IORING_OP_LINK_TIMEOUT, -1, &w->ts, 1, 1);
}

static void epoll_add(struct world *w)
{
	static const struct epoll_event event = { .events = EPOLLIN };

	prep(w->ring, IORING_OP_EPOLL_CTL, w->epoll, &event, EPOLL_CTL_ADD, 1)->off = w->free;
}

/* For the pipe that there is always something in. */
static void epoll_take(struct world *w)
{
	prep(w->ring, IORING_OP_EPOLL_WAIT, w->epoll, w->buf, 1, 1);
}

static void set_up(struct world *w, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	int fd = backend_setup(w->ring->backend, 8, &params);
	struct io_uring_sqe *sqe = prep_nop(w->ring, 1);

	if (fd >= 0) {
		close(fd);
	} else {
		sqe->nop_flags = IORING_NOP_INJECT_RESULT;
		sqe->len = fd;
	}
}

static void set_up_plain(struct world *w)
{
	set_up(w, 0);
}

static void set_up_sqpoll(struct world *w)
{
	set_up(w, IORING_SETUP_SQPOLL);
}

static void nop_with_personality(struct world *w)
{
	prep_nop(w->ring, 1)->personality = 1;
}

static const struct scene {
	const char *name;
	void (*prep)(struct world *w);
	/* what has to be done for it */
	void (*before)(void);
} scenes[] = {
	{ .name = "set-up", .prep = set_up_plain },
	{ .name = "set-up with SQPOLL", .prep = set_up_sqpoll },
	{ .name = "NOP", .prep = nop },
	{ .name = "NOP with a personality", .prep = nop_with_personality },
	{ .name = "READ of a file", .prep = read_file },
	{ .name = "WRITE to a file", .prep = write_file },
	{ .name = "READ of a socket", .prep = read_socket },
	{ .name = "READ of a socket that waits", .prep = read_wait },
	{ .name = "WRITE to a socket", .prep = write_socket },
	{ .name = "READ of a pipe", .prep = read_pipe },
	{ .name = "WRITE to a pipe", .prep = write_pipe },
	{ .name = "READV", .prep = readv },
	{ .name = "WRITEV", .prep = writev },
	{ .name = "READ_FIXED", .prep = read_fixed },
	{ .name = "WRITE_FIXED", .prep = write_fixed },
	{ .name = "READV_FIXED", .prep = readv_fixed },
	{ .name = "WRITEV_FIXED", .prep = writev_fixed },
	{ .name = "READ_MULTISHOT", .prep = read_multishot },
	{ .name = "FSYNC", .prep = fsync_file },
	{ .name = "FALLOCATE", .prep = fallocate_file },
	{ .name = "OPENAT of a new file", .prep = openat_new },
	{ .name = "OPENAT of one that there is", .prep = openat_old },
	{ .name = "OPENAT2", .prep = openat2_old },
	{ .name = "STATX", .prep = statx_old },
	{ .name = "FTRUNCATE", .prep = ftruncate_file },
	{ .name = "FADVISE", .prep = fadvise_file },
	{ .name = "MADVISE", .prep = madvise_memory },
	{ .name = "SYNC_FILE_RANGE", .prep = sync_range },
	{ .name = "MKDIRAT", .prep = mkdirat_new },
	{ .name = "RENAMEAT", .prep = renameat_dir, .before = make_dir },
	{ .name = "UNLINKAT of a directory", .prep = unlinkat_dir, .before = make_dir },
	{ .name = "SYMLINKAT", .prep = symlinkat_new },
	{ .name = "LINKAT", .prep = linkat_new, .before = make_link },
	{ .name = "UNLINKAT", .prep = unlinkat_link, .before = make_link },
	{ .name = "CLOSE", .prep = close_file },
	{ .name = "SPLICE from a file to a pipe", .prep = splice_file },
	{ .name = "SPLICE from a pipe to a pipe", .prep = splice_pipe },
	{ .name = "TEE", .prep = tee_pipe },
	{ .name = "PIPE", .prep = pipe_new },
	{ .name = "EPOLL_CTL", .prep = epoll_add },
	{ .name = "EPOLL_WAIT", .prep = epoll_take },
	{ .name = "RECV", .prep = recv_tcp },
	{ .name = "RECV that waits", .prep = recv_wait },
	{ .name = "multishot RECV that waits", .prep = recv_multishot_wait },
	{ .name = "RECVMSG", .prep = recvmsg_tcp },
	{ .name = "RECVMSG that waits", .prep = recvmsg_wait },
	{ .name = "multishot RECVMSG that waits", .prep = recvmsg_multishot_wait },
	{ .name = "SEND", .prep = send_tcp },
	{ .name = "SENDMSG", .prep = sendmsg_tcp },
	{ .name = "SEND_ZC", .prep = send_zc },
	{ .name = "SENDMSG_ZC", .prep = sendmsg_zc },
	{ .name = "SOCKET", .prep = socket_tcp },
	{ .name = "BIND of TCP", .prep = bind_tcp },
	{ .name = "BIND of UNIX", .prep = bind_unix },
	{ .name = "LISTEN", .prep = listen_tcp },
	{ .name = "CONNECT of TCP", .prep = connect_tcp },
	{ .name = "CONNECT of UNIX", .prep = connect_unix },
	{ .name = "ACCEPT", .prep = accept_tcp },
	{ .name = "ACCEPT that waits", .prep = accept_wait },
	{ .name = "URING_CMD SIOCINQ", .prep = cmd_inq },
	{ .name = "URING_CMD GETSOCKOPT", .prep = cmd_getsockopt },
	{ .name = "URING_CMD SETSOCKOPT", .prep = cmd_setsockopt },
	{ .name = "URING_CMD GETSOCKNAME", .prep = cmd_getsockname },
	{ .name = "URING_CMD GETSOCKNAME of the peer", .prep = cmd_getpeername },
	{ .name = "POLL_ADD", .prep = poll_add },
	{ .name = "POLL_REMOVE", .prep = poll_remove },
	{ .name = "TIMEOUT", .prep = timeout },
	{ .name = "TIMEOUT_REMOVE", .prep = timeout_remove },
	{ .name = "LINK_TIMEOUT", .prep = link_timeout },
	{ .name = "ASYNC_CANCEL", .prep = async_cancel },
	{ .name = "MSG_RING", .prep = msg_ring },
	{ .name = "FILES_UPDATE", .prep = files_update },
	{ .name = "FIXED_FD_INSTALL", .prep = fixed_fd_install },
	{ .name = "PROVIDE_BUFFERS", .prep = provide_buffers },
	{ .name = "REMOVE_BUFFERS", .prep = remove_buffers },
	{ .name = "SHUTDOWN", .prep = shutdown_tcp },
};

#define NR_SCENES	(ARRAY_SIZE(scenes))

/* What a scene finds: something to read wherever it reads, and descriptors of its own. */
static bool prepare(struct world *w, const struct scene *scene)
{
	clean_up();
	if (scene->before)
		scene->before();
	w->free = socket(AF_INET, SOCK_STREAM, 0);
	w->unnamed = socket(AF_UNIX, SOCK_STREAM, 0);
	w->again = dup(w->file);
	return write(w->pipe[1], w->buf, sizeof(w->buf)) == sizeof(w->buf) &&
	       write(w->tcp[1], w->buf, sizeof(w->buf)) == sizeof(w->buf) &&
	       pwrite(w->file, w->buf, sizeof(w->buf), 0) == sizeof(w->buf);
}

static void end_scene(struct world *w)
{
	close(w->free);
	close(w->unnamed);
	close(w->again);
}

#endif /* SELFTESTS_HOOKS_SCENES_H */
