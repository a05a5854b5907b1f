// SPDX-License-Identifier: GPL-2.0
/* See far.h. */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "far.h"

#define PORT		30000
#define OUR_SEQ		1000
#define THEIR_SEQ	5000
#define WINDOW		65535
/* Of an Ethernet. */
#define SEGMENT		1460

static struct sockaddr_in address_of(const char *ip, in_port_t port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = inet_addr(ip),
	};
}

/* The connection as it is after a handshake. */
static void establish(int fd)
{
	struct sockaddr_in ours = address_of("192.0.2.1", PORT);
	struct sockaddr_in theirs = address_of("192.0.2.2", 9);
	struct tcp_repair_opt options[] = { { TCPOPT_MAXSEG, SEGMENT } };
	struct tcp_repair_window window = {
		.snd_wl1 = THEIR_SEQ,
		.snd_wnd = WINDOW,
		.max_window = WINDOW,
		.rcv_wnd = WINDOW,
		.rcv_wup = THEIR_SEQ,
	};

	bench_set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
	bench_set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	bench_set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, OUR_SEQ);
	bench_set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	bench_set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, THEIR_SEQ);
	if (bind(fd, (const struct sockaddr *)&ours, sizeof(ours)) ||
	    connect(fd, (const struct sockaddr *)&theirs, sizeof(theirs)))
		err(1, "connect to %s", "192.0.2.2");
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options,
		       sizeof(options)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window,
		       sizeof(window)))
		err(1, "repair");
	bench_set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
}

void far_open(struct far *far)
{
	const struct linger reset = { .l_onoff = 1 };

	far->fd = socket(AF_INET, SOCK_STREAM, 0);
	far->raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (far->fd < 0 || far->raw < 0)
		err(1, "socket");
	bench_set(far->fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	/* Nobody is there to say goodbye to. */
	if (setsockopt(far->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		err(1, "SO_LINGER");
	establish(far->fd);
	far->acknowledged = OUR_SEQ;
	far->ack.ip = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(far->ack)),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = inet_addr("192.0.2.2"),
		.daddr = inet_addr("192.0.2.1"),
	};
	far->ack.tcp = (struct tcphdr) {
		.source = htons(9),
		.dest = htons(PORT),
		.seq = htonl(THEIR_SEQ),
		.doff = 5,
		.ack = 1,
		.window = htons(WINDOW),
	};
}

static __u32 sum(const void *words, size_t size)
{
	const __u16 *word = words;
	__u32 total = 0;

	for (; size; size -= 2)
		total += *word++;
	return total;
}

static __u16 checksum(const struct far *far)
{
	__u32 total = sum(&far->ack.ip.saddr, 8) +
		      sum(&far->ack.tcp, sizeof(far->ack.tcp)) +
		      htons(IPPROTO_TCP) + htons(sizeof(far->ack.tcp));

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return ~total;
}

bool far_acknowledge(struct bench *b, struct far *far)
{
	struct sockaddr_in ours = address_of("192.0.2.1", 0);
	int queued, unsent;
	ssize_t ret;

	if (ioctl(far->fd, SIOCOUTQ, &queued) ||
	    ioctl(far->fd, SIOCOUTQNSD, &unsent))
		err(1, "what is in the queue");
	if (queued == unsent)
		return false;
	far->acknowledged += queued - unsent;
	far->ack.tcp.ack_seq = htonl(far->acknowledged);
	far->ack.tcp.check = 0;
	far->ack.tcp.check = checksum(far);
	ret = BENCH_CALL(b, PEER, sendto(far->raw, &far->ack, sizeof(far->ack),
					 0, (const struct sockaddr *)&ours,
					 sizeof(ours)));
	if (ret != sizeof(far->ack))
		err(1, "acknowledge");
	return true;
}
