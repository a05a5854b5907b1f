/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the requests work on of which the hooks are counted, or which are denied.
 */
#ifndef SELFTESTS_HOOKS_WORLD_H
#define SELFTESTS_HOOKS_WORLD_H

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ring.h"

/* What is called from here on is what the test looks at, or is not: it prepares something, or cleans up. */
void count(bool on);

/* What there is to work on. */
struct world {
	struct ring *ring;
	int listener, tcp[2], udp[2], pipe[2], other_pipe[2], file, named, epoll;
	/* new each time */
	int free, unnamed, again;
	struct sockaddr_in addr;
	struct sockaddr_un path;
	char buf[64];
	struct iovec iov;
	struct msghdr msg;
	struct __kernel_timespec ts;
	int fds[1], ends[2];
	socklen_t len;
	struct sockaddr_storage name;
	struct ring other;
	/* whether what was to wait did */
	bool waited;
};

#define SOCK_FILE	"build/hooks.sock"
#define NEW_FILE	"build/hooks.new"

/* What there is to work on, made once for all scenes of a ring. */
static inline bool make_world(struct world *w, enum backend backend, struct ring *ring)
{
	struct epoll_event event = { .events = EPOLLIN };
	int files[2] = { -1, -1 };

	memset(w, 0, sizeof(*w));
	w->ring = ring;
	w->ts.tv_nsec = 1000;
	w->len = sizeof(w->name);
	w->waited = true;
	w->iov = (struct iovec){ w->buf, sizeof(w->buf) };
	w->msg = (struct msghdr){ .msg_iov = &w->iov, .msg_iovlen = 1 };
	w->listener = tcp_listen(&w->addr);
	w->file = new_file(false);
	w->path = (struct sockaddr_un){ AF_UNIX, SOCK_FILE };
	unlink(SOCK_FILE);
	w->named = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(w->named, (struct sockaddr *)&w->path, sizeof(w->path)) ||
	    listen(w->named, 4) || tcp_pair(w->tcp) || inet_pair(AF_INET, SOCK_DGRAM, w->udp) ||
	    pipe(w->pipe) || pipe(w->other_pipe) || ring_init(ring, backend, 8, DEFER_FLAGS) ||
	    ring_init(&w->other, backend, 8, 0))
		return false;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->pipe[0], &event))
		return false;
	files[0] = w->tcp[0];
	return ring_register(ring, IORING_REGISTER_PERSONALITY, NULL, 0) == 1 &&
	       !ring_register(ring, IORING_REGISTER_FILES, files, 2) &&
	       !ring_register(ring, IORING_REGISTER_BUFFERS, &w->iov, 1);
}

static inline void end_world(struct world *w)
{
	const int fds[] = { w->listener, w->tcp[0], w->tcp[1], w->udp[0], w->udp[1], w->pipe[0], w->pipe[1],
			    w->other_pipe[0], w->other_pipe[1], w->file, w->named, w->epoll };
	unsigned int i;

	ring_exit(w->ring);
	ring_exit(&w->other);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

#endif /* SELFTESTS_HOOKS_WORLD_H */
