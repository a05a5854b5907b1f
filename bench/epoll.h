/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a server does without a ring, as epoll(7) recommends it: descriptors that
 * do not block, told once when something comes, and then used until there is no
 * more.
 */
#ifndef RURING_BENCH_EPOLL_H
#define RURING_BENCH_EPOLL_H

#include <sys/epoll.h>

#include "bench.h"

/* Events of one call. */
#define EPOLL_EVENTS	64

int epoll_open(void);
/* Watches a descriptor that does not block, on account ENTER. */
void epoll_watch(struct bench *b, int epoll, int fd);
/* Waits for at least one event, on account ENTER. Returns how many there are. */
unsigned int epoll_events(struct bench *b, int epoll,
			  struct epoll_event *events);

/* A receive of at most @size bytes; what recv(2) returned, or -1 if nothing waits. */
ssize_t epoll_recv(struct bench *b, int fd, size_t size);

/*
 * Each of so many sockets gets so many messages of the row at a time. A receive
 * has room for @room bytes. Several datagrams are received by recvmmsg(2), which for
 * one would cost more.
 */
struct epoll_bursts {
	unsigned int sockets, messages, rounds;
	size_t room;
	bool queued;		/* more at a time than a socket has room for by default */
};
void epoll_receive(struct bench *b, const struct epoll_bursts *bursts);

#endif /* RURING_BENCH_EPOLL_H */
