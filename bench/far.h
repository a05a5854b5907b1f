/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The far end of a TCP connection that leaves the machine: by a device that
 * drops what it is given. What the far end has to say is put into the machine
 * as a packet of its own, so that nothing of it runs here.
 */
#ifndef RURING_BENCH_FAR_H
#define RURING_BENCH_FAR_H

#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "bench.h"

struct far {
	int fd;			/* our end */
	int raw;
	__u32 acknowledged;	/* sequence number of the next byte */
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} ack;
};

/* Connects, as a TCP connection is after its handshake. */
void far_open(struct far *far);
/* Acknowledges what is under way, on account PEER; false if nothing is. */
bool far_acknowledge(struct bench *b, struct far *far);

#endif /* RURING_BENCH_FAR_H */
