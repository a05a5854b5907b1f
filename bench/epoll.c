// SPDX-License-Identifier: GPL-2.0
/* See epoll.h. */
#include <errno.h>
#include <fcntl.h>

#include "epoll.h"

#define MAX_SOCKETS	32
#define MAX_MESSAGES	64

int epoll_open(void)
{
	int epoll = epoll_create1(0);

	if (epoll < 0)
		err(1, "epoll_create1");
	return epoll;
}

void epoll_watch(struct bench *b, int epoll, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.fd = fd,
	};

	if (BENCH_CALL(b, ENTER, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)))
		err(1, "epoll_ctl");
}

unsigned int epoll_events(struct bench *b, int epoll,
			  struct epoll_event *events)
{
	int nr = BENCH_CALL(b, ENTER,
			    epoll_wait(epoll, events, EPOLL_EVENTS, -1));

	if (nr <= 0)
		err(1, "epoll_wait: %d", nr);
	return nr;
}

ssize_t epoll_recv(struct bench *b, int fd, size_t size)
{
	ssize_t ret = BENCH_CALL(b, ENTER, recv(fd, bench_memory, size, 0));

	if (ret < 0 && errno != EAGAIN)
		err(1, "recv");
	return ret;
}

/* Until there is no more. Of a stream less than was asked for says that as well. */
static unsigned int take_each(struct bench *b, int fd, size_t room)
{
	bool stream = b->row->proto != UDP;
	size_t bytes = 0;
	ssize_t ret;

	do {
		ret = epoll_recv(b, fd, room);
		if (ret > 0)
			bytes += ret;
	} while (ret == (ssize_t)room || (ret > 0 && !stream));
	if (!ret || bytes % b->row->size)
		errx(1, "%zu bytes, and then %zd", bytes, ret);
	return bytes / b->row->size;
}

/* In one call: that there are fewer than it asks for says that it were all. */
static unsigned int take_burst(struct bench *b, int fd)
{
	static struct mmsghdr headers[MAX_MESSAGES];
	static struct iovec iovs[MAX_MESSAGES];
	size_t size = b->row->size;
	int i, ret;

	if (!iovs[0].iov_base) {
		for (i = 0; i < MAX_MESSAGES; i++) {
			iovs[i].iov_base = bench_memory + i % 32 * size;
			iovs[i].iov_len = size;
			headers[i].msg_hdr.msg_iov = &iovs[i];
			headers[i].msg_hdr.msg_iovlen = 1;
		}
	}
	ret = BENCH_CALL(b, ENTER, recvmmsg(fd, headers, MAX_MESSAGES, 0, NULL));
	if (ret <= 0 || ret == MAX_MESSAGES)
		err(1, "recvmmsg: %d", ret);
	for (i = 0; i < ret; i++) {
		if (headers[i].msg_len != size)
			errx(1, "%u bytes", headers[i].msg_len);
	}
	return ret;
}

static unsigned int take(struct bench *b, int fd,
			 const struct epoll_bursts *bursts)
{
	if (b->row->proto == UDP && bursts->messages > 1)
		return take_burst(b, fd);
	return take_each(b, fd, bursts->room);
}

void epoll_receive(struct bench *b, const struct epoll_bursts *bursts)
{
	unsigned int all = bursts->sockets * bursts->messages;
	struct epoll_event events[EPOLL_EVENTS];
	unsigned int i, j, round, nr, left;
	int fds[MAX_SOCKETS][2], epoll = epoll_open();

	for (i = 0; i < bursts->sockets; i++) {
		bench_pair(b->row->proto, fds[i]);
		if (bursts->queued)
			bench_room(fds[i], b->row->size * bursts->messages);
		if (fcntl(fds[i][0], F_SETFL, O_NONBLOCK))
			err(1, "O_NONBLOCK");
		epoll_watch(b, epoll, fds[i][0]);
	}
	while (bench_sample(b)) {
		for (round = 0; round < bursts->rounds; round++) {
			for (i = 0; i < bursts->messages; i++) {
				for (j = 0; j < bursts->sockets; j++)
					bench_send(b, PEER, fds[j][1],
						   b->row->size);
			}
			for (left = all; left;) {
				nr = epoll_events(b, epoll, events);
				for (i = 0; i < nr; i++)
					left -= take(b, events[i].data.fd, bursts);
			}
		}
		bench_end(b, bursts->rounds * all);
	}
}
