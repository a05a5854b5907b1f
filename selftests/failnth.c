// SPDX-License-Identifier: GPL-2.0
/*
 * Want of memory, and memory of the user's that cannot be reached, at every place where a call
 * asks for it: set-up, registration, and the submission of each opcode fail at their first such
 * place, then at their second, up to the last. Whatever comes of that, nothing stays behind:
 * each request completes exactly once, the ring is as good as before, and there are no more
 * descriptors, pins and references to the module than there were.
 *
 * Places that are not ruring's own fail too: of the network stack, and of the debug kernel's
 * means, as kmemleak, which makes do. A call that succeeds nevertheless is as good as one that does
 * not. This takes a kernel with fault injection, as the debug kernel is.
 */
#include <dirent.h>
#include <signal.h>
#include <linux/ruring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "rsrc.h"

/* More places than any call has. */
#define MANY	2000
#define GROUP	3
#define FD_FILE	0
#define FD_SOCK	1

static int nth_fd = -1;

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

/* Have what waits for memory fail too, and quietly. */
static bool can_fail(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return nth_fd >= 0 &&
	       put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") &&
	       put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N") &&
	       put("/sys/kernel/debug/fail_page_alloc/min-order", "0") &&
	       put("/sys/kernel/debug/failslab/verbose", "0") &&
	       put("/sys/kernel/debug/fail_page_alloc/verbose", "0") &&
	       put("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

/* The @n-th place from here on fails. */
static bool arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(nth_fd, text, len, 0) == len;
}

/* No more. Whether it has come to that. */
static bool disarm(void)
{
	char text[16] = {};
	/* These two calls have such places themselves. */
	bool left = pread(nth_fd, text, sizeof(text) - 1, 0) < 0 || atoi(text) > 0;

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	return !left;
}

static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static long long pinned_pages(void)
{
	put("/proc/sys/vm/stat_refresh", "1");
	return proc_value("/proc/vmstat", "nr_foll_pin_acquired ") -
	       proc_value("/proc/vmstat", "nr_foll_pin_released ");
}

static long long module_refs(void)
{
	return proc_value("/sys/module/ruring/refcnt", "");
}

struct before {
	unsigned int files;
	long long pins;
	long long refs;
};

static bool is_as_before(void *arg)
{
	struct before *b = arg;

	return open_files() == b->files && pinned_pages() <= b->pins && module_refs() <= b->refs;
}

/* All that requests can be about. */
struct world {
	struct ring ring;
	unsigned int flags;
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
};

static int world_make(struct world *w, unsigned int flags)
{
	int fds[2];

	*w = (struct world){ .flags = flags, .len = sizeof(w->any) };
	if (ring_init(&w->ring, RURING, 8, flags) || unix_pair(SOCK_STREAM, w->stream) ||
	    unix_pair(SOCK_DGRAM, w->dgram) || tcp_pair(w->tcp) || pipe(w->pipe))
		return -1;
	w->listener = tcp_listen(&w->addr);
	w->file = new_file(false);
	w->unbound = inet_socket(AF_INET, SOCK_STREAM);
	w->mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (w->listener < 0 || w->file < 0 || w->unbound < 0 || w->mem == MAP_FAILED)
		return -1;
	if (pwrite(w->file, "0123456789", 10, 0) != 10)
		return -1;
	w->any = (struct sockaddr_in){ .sin_family = AF_INET };
	w->any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->iov[0] = (struct iovec){ w->mem, 3 };
	w->iov[1] = (struct iovec){ w->mem + 100, 4 };
	w->iov[2] = (struct iovec){ w->mem + 200, 5 };
	w->msg = (struct msghdr){ .msg_iov = w->iov, .msg_iovlen = 3 };
	w->time.tv_nsec = 1000000;
	if (pbuf_init(&w->pb, &w->ring, GROUP, 8, 64))
		return -1;
	pbuf_fill(&w->pb);
	fds[FD_FILE] = w->file;
	fds[FD_SOCK] = w->stream[0];
	return ring_register(&w->ring, IORING_REGISTER_FILES, fds, 2) ||
	       buffers_register(&w->ring, &(struct iovec){ w->mem + 8 * PAGE, 4 * PAGE }, 1);
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void world_end(struct world *w)
{
	pbuf_exit(&w->pb);
	ring_exit(&w->ring);
	close_pair(w->stream);
	close_pair(w->dgram);
	close_pair(w->tcp);
	close_pair(w->pipe);
	close(w->listener);
	close(w->file);
	close(w->unbound);
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
}

static void op_openat(struct world *w)
{
	next(w, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0)->open_flags = O_RDWR;
	next(w, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0)->file_index = 1;
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

#define OP(name)	{ #name, op_##name }
static const struct {
	const char *name;
	void (*prep)(struct world *w);
} ops[] = {
	OP(nop), OP(read), OP(read_fixed), OP(read_multishot), OP(write), OP(sync), OP(openat),
	OP(close), OP(poll), OP(recv), OP(recv_multishot), OP(recvmsg), OP(send), OP(sendmsg),
	OP(send_zc), OP(accept), OP(socket), OP(connect), OP(timeout), OP(links), OP(message),
	OP(files),
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

/* Close what requests and messages have opened. */
static void close_beyond(int fd, int except)
{
	int last = next_fd() + 16;

	for (; fd < last; fd++)
		if (fd != except)
			close(fd);
}

static void submit_with_failures(struct __test_metadata *_metadata, void (*prep)(struct world *),
				 unsigned int flags)
{
	unsigned int n, failures = 0;

	for (n = 1; n < MANY; n++) {
		struct before before;
		unsigned int over = 0, queued;
		struct world w;
		bool failed;
		int ret, first;

		before = (struct before){ open_files(), pinned_pages(), module_refs() };
		ASSERT_EQ(0, world_make(&w, flags));
		first = next_fd();
		prep(&w);
		queued = ring_publish(&w.ring);
		ASSERT_TRUE(arm(n));
		ret = ring_enter(&w.ring, queued, 0, IORING_ENTER_GETEVENTS);
		failed = disarm();
		/* what was not taken is still there */
		while (ret < (int)queued) {
			ASSERT_TRUE(failed);
			if (ret < 0)
				ret = 0;
			queued -= ret;
			ret = ring_enter(&w.ring, queued, 0, IORING_ENTER_GETEVENTS);
			ASSERT_LE(1, ret);
		}
		ASSERT_EQ(0, poke(&w));
		ASSERT_LE(0, ring_run(&w.ring));
		prep_cancel(&w.ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, 99);
		ASSERT_EQ(1, ring_submit_and_run(&w.ring));
		ret = reap(&w, &over);
		ASSERT_EQ(0, ret) {
			TH_LOG("place %u: requests that are over: %#x of %u", n, over, w.nr);
		}
		ring_drain(&w.ring);
		ASSERT_QUIET(&w.ring);
		world_end(&w);
		close_beyond(first, nth_fd);
		ASSERT_TRUE(wait_until(is_as_before, &before)) {
			TH_LOG("place %u: %u of %u files, %lld of %lld pins, %lld of %lld references", n,
			       open_files(), before.files, pinned_pages(), before.pins, module_refs(),
			       before.refs);
		}
		if (!failed)
			break;
		failures++;
	}
	ASSERT_LT(n, MANY);
	TH_LOG("%u places", failures);
}

FIXTURE(op) {
	int unused;
};

FIXTURE_VARIANT(op) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(op, plain) {};

FIXTURE_SETUP(op)
{
	ASSERT_LE(0, device_fd());
	if (!can_fail())
		SKIP(return, "no fault injection");
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(op)
{
}

#define TEST_OPS(test, from, to)						\
TEST_F(op, test)								\
{										\
	unsigned int i;								\
										\
	for (i = from; i < to && i < sizeof(ops) / sizeof(ops[0]); i++) {	\
		TH_LOG("%s", ops[i].name);					\
		submit_with_failures(_metadata, ops[i].prep, variant->flags);	\
	}									\
}

TEST_OPS(submit_nop_to_write, 0, 5)
TEST_OPS(submit_sync_to_recv, 5, 10)
TEST_OPS(submit_recv_multishot_to_sendmsg, 10, 14)
TEST_OPS(submit_send_zc_to_connect, 14, 18)
TEST_OPS(submit_timeout_to_files, 18, 100)

/* The calls that are not submissions. */

struct calls {
	struct ring ring;
	unsigned int flags;
	char *mem;
	int fd, eventfd;
	__u64 tags[2];
};

static int do_setup(struct calls *c)
{
	struct io_uring_params p = { .flags = c->flags, .cq_entries = 32, .sq_thread_idle = 1 };
	int fd;

	if (c->flags & IORING_SETUP_NO_MMAP) {
		p.cq_off.user_addr = (uintptr_t)c->mem;
		p.sq_off.user_addr = (uintptr_t)c->mem + 8 * PAGE;
	}
	fd = backend_setup(RURING, 8, &p);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int do_buffers(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };

	return buffers_register_tagged(&c->ring, iov, c->tags, 2);
}

static int do_buffers_update(struct calls *c)
{
	struct iovec iov[2] = { { c->mem, PAGE }, { c->mem + 100, 3 * PAGE } };

	return buffers_update(&c->ring, 0, iov, c->tags, 2);
}

static int do_files(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_register reg = {
		.nr = 2,
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
	};

	return ring_register(&c->ring, IORING_REGISTER_FILES2, &reg, sizeof(reg));
}

static int do_files_update(struct calls *c)
{
	int fds[2] = { c->fd, c->fd };
	struct io_uring_rsrc_update2 up = {
		.data = (uintptr_t)fds,
		.tags = (uintptr_t)c->tags,
		.nr = 2,
	};

	return ring_register(&c->ring, IORING_REGISTER_FILES_UPDATE2, &up, sizeof(up));
}

static int do_pbuf_ring(struct calls *c)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)c->mem,
		.ring_entries = 512,
		.bgid = GROUP,
	};

	return ring_register(&c->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int do_pbuf_ring_mmap(struct calls *c)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = 512,
		.bgid = GROUP,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return ring_register(&c->ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int do_eventfd(struct calls *c)
{
	return ring_register(&c->ring, IORING_REGISTER_EVENTFD, &c->eventfd, 1);
}

static int do_restrictions(struct calls *c)
{
	struct io_uring_restriction res[2] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS },
	};

	return ring_register(&c->ring, IORING_REGISTER_RESTRICTIONS, res, 2);
}

static int do_enable(struct calls *c)
{
	return ring_register(&c->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int do_probe(struct calls *c)
{
	memset(c->mem, 0, PAGE);
	return ring_register(&c->ring, IORING_REGISTER_PROBE, c->mem, 64);
}

static int do_sync_cancel(struct calls *c)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = 1,
		.fd = -1,
		.timeout = { -1, -1 },
	};

	return ring_register(&c->ring, IORING_REGISTER_SYNC_CANCEL, &reg, 1);
}

static int do_mmap(struct calls *c)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, c->ring.fd,
		       IORING_OFF_SQ_RING);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, PAGE);
	return 0;
}

FIXTURE(call) {
	struct calls calls;
};

FIXTURE_VARIANT(call) {
	int (*call)(struct calls *c);
	/* of the ring that is to be set up, or that is registered with */
	unsigned int flags;
	/* tables that are there already */
	bool slots;
	/* what else it may say */
	int also;
};

#define CALL(variant, ...) FIXTURE_VARIANT_ADD(call, variant) { __VA_ARGS__ }

CALL(setup, .call = do_setup);
CALL(setup_cqsize, .call = do_setup, .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL);
CALL(setup_defer, .call = do_setup, .flags = DEFER_FLAGS);
CALL(setup_no_mmap, .call = do_setup, .flags = IORING_SETUP_NO_MMAP);
CALL(setup_disabled, .call = do_setup, .flags = IORING_SETUP_R_DISABLED);
CALL(setup_sqpoll, .call = do_setup, .flags = IORING_SETUP_SQPOLL);
CALL(buffers, .call = do_buffers);
CALL(buffers_update, .call = do_buffers_update, .slots = true);
CALL(files, .call = do_files);
CALL(files_update, .call = do_files_update, .slots = true);
CALL(pbuf_ring, .call = do_pbuf_ring);
CALL(pbuf_ring_mmap, .call = do_pbuf_ring_mmap);
CALL(eventfd, .call = do_eventfd);
CALL(restrictions, .call = do_restrictions, .flags = IORING_SETUP_R_DISABLED);
CALL(enable, .call = do_enable, .flags = IORING_SETUP_R_DISABLED | DEFER_FLAGS);
CALL(probe, .call = do_probe);
CALL(sync_cancel, .call = do_sync_cancel, .also = -ENOENT);
CALL(mmap, .call = do_mmap);

FIXTURE_SETUP(call)
{
	ASSERT_LE(0, device_fd());
	if (!can_fail())
		SKIP(return, "no fault injection");
	self->calls.flags = variant->flags;
	self->calls.fd = open("/dev/null", O_RDWR);
	self->calls.eventfd = eventfd(0, 0);
	self->calls.tags[0] = 5;
	self->calls.tags[1] = 6;
	self->calls.mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->calls.mem);
}

FIXTURE_TEARDOWN(call)
{
}

TEST_F(call, fails_at_each_place)
{
	struct calls *c = &self->calls;
	unsigned int n, failures = 0;

	for (n = 1; n < MANY; n++) {
		struct before before = { open_files(), pinned_pages(), module_refs() };
		bool own = variant->call != do_setup, failed;
		int none[2] = { -1, -1 };
		int ret;

		if (own)
			ASSERT_EQ(0, ring_init(&c->ring, RURING, 8, variant->flags));
		if (variant->slots) {
			ASSERT_EQ(0, buffers_register_sparse(&c->ring, 4));
			ASSERT_EQ(0, ring_register(&c->ring, IORING_REGISTER_FILES, none, 2));
		}
		ASSERT_TRUE(arm(n));
		ret = variant->call(c);
		failed = disarm();
		if (!failed && ret != variant->also)
			ASSERT_LE(0, ret);
		/* what has failed can be done now */
		if (ret == -ENOMEM && own && variant->call != do_enable)
			EXPECT_NE(-ENOMEM, variant->call(c));
		if (own) {
			if (!(variant->flags & IORING_SETUP_R_DISABLED))
				ASSERT_QUIET(&c->ring);
			ring_exit(&c->ring);
		}
		ASSERT_TRUE(wait_until(is_as_before, &before)) {
			TH_LOG("place %u (%d): %u of %u files, %lld of %lld pins, %lld of %lld references", n,
			       ret, open_files(), before.files, pinned_pages(), before.pins,
			       module_refs(), before.refs);
		}
		if (!failed)
			break;
		failures++;
	}
	ASSERT_LT(n, MANY);
	TH_LOG("%u places", failures);
}

TEST_HARNESS_MAIN
