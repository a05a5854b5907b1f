/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring seen by a test: the same calls drive ruring through /dev/ruring and
 * io_uring through its system calls. Functions return what the kernel returns,
 * a negative errno on failure.
 */
#ifndef SELFTESTS_RING_H
#define SELFTESTS_RING_H

#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Longest that a test waits for something that has to happen. */
#define DEADLINE_MS	30000
/* How long a test waits for something that must not happen. */
#define QUIET_MS	20

enum backend {
	RURING,
	IO_URING,
};

/*
 * The three calls, each as the system call of the same name. Where io_uring takes
 * an index for a descriptor the call on ruring is one on /dev/ruring.
 */
int backend_setup(enum backend backend, unsigned int entries,
		  struct io_uring_params *params);
int backend_enter(enum backend backend, int fd, unsigned int to_submit,
		  unsigned int min_complete, unsigned int flags,
		  const void *arg, size_t argsz);
int backend_register(enum backend backend, int fd, unsigned int opcode,
		     const void *arg, unsigned int nr_args);

/* backend_setup() of a ring that is closed at once: 0, or what is wrong with it. */
int try_setup(enum backend backend, unsigned int entries, struct io_uring_params *params);

/* The descriptor of /dev/ruring that backend_setup() uses, opened once. */
int device_fd(void);
void device_close(void);

struct ring {
	enum backend backend;
	/* or its index, with IORING_SETUP_REGISTERED_FD_ONLY */
	int fd;
	struct io_uring_params params;

	void *rings;
	size_t rings_size;
	struct io_uring_sqe *sqes;
	size_t sqes_size;

	unsigned int *sq_head;
	unsigned int *sq_tail;
	unsigned int *sq_flags;
	unsigned int *sq_dropped;
	unsigned int *sq_array;
	unsigned int *cq_head;
	unsigned int *cq_tail;
	unsigned int *cq_overflow;
	struct io_uring_cqe *cqes;

	/* what the last completion of 32 bytes said besides */
	__u64 extra[2];
	/* SQEs that were prepared, published or not */
	unsigned int prepared;
};

int ring_init(struct ring *ring, enum backend backend, unsigned int entries,
	      unsigned int flags);
int ring_init_params(struct ring *ring, enum backend backend,
		     unsigned int entries, const struct io_uring_params *params);
/* A ring whose completion queue has @cq_entries entries. */
int ring_init_cq(struct ring *ring, enum backend backend, unsigned int entries,
		 unsigned int cq_entries, unsigned int flags);
/*
 * Memory for the ring that ring->params describe, for IORING_SETUP_NO_MMAP:
 * what ring_init() does for a ring with that flag.
 */
int ring_give_memory(struct ring *ring, unsigned int entries);
int ring_map(struct ring *ring);
void ring_unmap(struct ring *ring);
void ring_exit(struct ring *ring);

int ring_enter(struct ring *ring, unsigned int to_submit,
	       unsigned int min_complete, unsigned int flags);
int ring_register(struct ring *ring, unsigned int opcode, const void *arg,
		  unsigned int nr_args);
/* Wait for @nr completions for at most @ms; what io_uring_enter() says. */
int ring_wait_ms(struct ring *ring, unsigned int nr, unsigned int ms);

/* Make prepared SQEs visible to the kernel; returns how many are queued. */
unsigned int ring_publish(struct ring *ring);
int ring_submit(struct ring *ring);
/* Submit, and run whatever task work is pending. */
int ring_submit_and_run(struct ring *ring);
/* Run what task work is pending, flush overflown completions. */
int ring_run(struct ring *ring);

/* Completions that the queue holds now, without a system call. */
unsigned int ring_ready(struct ring *ring);
/* Wait until the queue holds @nr completions; 0 or a negative errno. */
int ring_wait(struct ring *ring, unsigned int nr);
/* How many lines of the ring's fdinfo contain @text. */
unsigned int fdinfo_lines(struct ring *ring, const char *text);
/* Wait until a request of @opcode waits for its file; 0 or -ETIME. */
int ring_wait_polled(struct ring *ring, unsigned int opcode);
/* Take the oldest completion if there is one. */
bool ring_peek(struct ring *ring, struct io_uring_cqe *cqe);
/* Wait for a completion and take it; 0 or a negative errno. */
int ring_take(struct ring *ring, struct io_uring_cqe *cqe);
/* Take all there are, return how many. */
unsigned int ring_drain(struct ring *ring);
unsigned int ring_flags(struct ring *ring);
bool ring_op_supported(struct ring *ring, unsigned int op);

/* The next free SQE, zeroed. There must be one. */
struct io_uring_sqe *ring_sqe(struct ring *ring);
struct io_uring_sqe *prep(struct ring *ring, unsigned int op, int fd,
			  const void *addr, unsigned int len, __u64 user_data);
struct io_uring_sqe *prep_nop(struct ring *ring, __u64 user_data);
struct io_uring_sqe *prep_poll(struct ring *ring, int fd, unsigned int events,
			       __u64 user_data);
struct io_uring_sqe *prep_poll_multi(struct ring *ring, int fd,
				     unsigned int events, __u64 user_data);
struct io_uring_sqe *prep_recv(struct ring *ring, int fd, void *buf,
			       unsigned int len, __u64 user_data);
/* A receive that selects from buffer group @bgid. */
struct io_uring_sqe *prep_recv_select(struct ring *ring, int fd,
				      unsigned int len, unsigned int bgid,
				      __u64 user_data);
struct io_uring_sqe *prep_recv_multi(struct ring *ring, int fd,
				     unsigned int bgid, __u64 user_data);
struct io_uring_sqe *prep_recvmsg_multi(struct ring *ring, int fd,
					const struct msghdr *msg,
					unsigned int bgid, __u64 user_data);
struct io_uring_sqe *prep_send(struct ring *ring, int fd, const void *buf,
			       unsigned int len, __u64 user_data);
struct io_uring_sqe *prep_accept(struct ring *ring, int fd, __u64 user_data);
struct io_uring_sqe *prep_accept_multi(struct ring *ring, int fd,
				       __u64 user_data);
struct io_uring_sqe *prep_cancel(struct ring *ring, __u64 target,
				 unsigned int flags, __u64 user_data);

/* A provided buffer ring with its buffers. */
struct pbuf {
	struct ring *ring;
	struct io_uring_buf_ring *br;
	size_t br_size;
	unsigned int entries;
	unsigned int bgid;
	__u16 tail;
	char *mem;
	size_t mem_size;
	unsigned int buf_size;
};

/* Register an empty ring of @entries buffers of @buf_size bytes. */
int pbuf_init(struct pbuf *pb, struct ring *ring, unsigned int bgid,
	      unsigned int entries, unsigned int buf_size);
void pbuf_exit(struct pbuf *pb);
int pbuf_unregister(struct ring *ring, unsigned int bgid);
/* Write an entry at the tail, visible after pbuf_publish() only. */
void pbuf_add(struct pbuf *pb, void *addr, unsigned int len, unsigned int bid);
void pbuf_publish(struct pbuf *pb);
/* Provide buffer @bid. */
void pbuf_push(struct pbuf *pb, unsigned int bid);
/* Provide the buffers 0 to entries - 1. */
void pbuf_fill(struct pbuf *pb);
char *pbuf_mem(struct pbuf *pb, unsigned int bid);
unsigned int cqe_bid(const struct io_uring_cqe *cqe);

/* Sockets; each 0 or a negative errno. */
int unix_pair(int type, int sv[2]);
/* A listening TCP socket on a free port of the loopback address. */
int tcp_listen(struct sockaddr_in *addr);
int tcp_connect(const struct sockaddr_in *addr);
int tcp_pair(int sv[2]);
/* A UDP socket on a free port of the loopback address. */
int udp_socket(struct sockaddr_in *addr);
/* A socket on a free port of the loopback address. */
int inet_socket(int domain, int type);
/* A connected pair of AF_INET or AF_INET6 on the loopback address. */
int inet_pair(int domain, int type, int sv[2]);
/* The address that a socket is bound to, and the length of that. */
socklen_t inet_name(int fd, struct sockaddr_storage *addr);
/*
 * Have what is sent on a pair of TCP sockets from here on wait in the sender:
 * the receiver's window is closed. Returns the bytes that are ahead of it.
 */
ssize_t tcp_hold(int sv[2]);
/*
 * Have a pair of TCP sockets take nothing any more until all of what this
 * returns, in bytes, is read.
 */
ssize_t tcp_full(int sv[2]);
/* Read exactly @len bytes, as slowly as they come; 0 or a negative errno. */
int read_all(int fd, void *buf, size_t len);
/* A network namespace of our own, with a loopback device. */
int lo_own(void);
/* Have all its packets wait in the device until lo_release(), their end. */
int lo_hold(void);
int lo_release(void);
/* Send until the socket takes no more; returns the bytes it took. */
ssize_t fill_socket(int fd);
ssize_t drain_socket(int fd);
/* Reset the connection: close with a linger time of zero. */
int tcp_reset(int fd);
bool fd_is_open(int fd);
/* The lowest unused descriptor, which the next open would return. */
int next_fd(void);

/* The number after "<key>" in a file of /proc, -1 without it. */
long long proc_value(const char *path, const char *key);
/* The state of a task as ps(1) has it ('R', 'S', 'D'), '-' if there is none. */
char task_state(pid_t tid);
/* Wait until @done(arg) is true; false when the deadline passed. */
bool wait_until(bool (*done)(void *arg), void *arg);
long long now_ns(clockid_t clock);
long long now_ms(void);
/*
 * A file without a name: in memory, or of the file system that the tests run on,
 * whose transfers may sleep.
 */
int new_file(bool on_disk);
/* Drop root and every capability. */
int become_nobody(void);

#endif /* SELFTESTS_RING_H */
