// SPDX-License-Identifier: GPL-2.0
/*
 * A network cable between two virtio-net devices of a virtual machine.
 *
 * qemu joins devices by hubs and sockets that know nothing of checksum and
 * segmentation offload. Without that a device of virtio-net takes no packet
 * in pieces, so that nothing is ever sent without a copy. This is a backend of
 * two vhost-user devices that has what is needed: what is sent on the one is
 * received on the other, headers of the offloads included.
 *
 * Usage: cable SOCKET SOCKET
 *
 * Listens on both, and ends when qemu has closed both. A packet for which the
 * other side has no room stays where it is until there is room.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FEATURES (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_CSUM |		\
		  1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |	\
		  1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_TSO4 |	\
		  1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_MRG_RXBUF |	\
		  1ULL << PROTOCOL_FEATURES)
/* VHOST_USER_F_PROTOCOL_FEATURES */
#define PROTOCOL_FEATURES	30

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

#define REPLY		(1U << 2)
#define NO_FD		(1U << 8)
#define MAX_REGIONS	8

struct region {
	uint64_t guest;
	uint64_t size;
	uint64_t user;
	uint64_t offset;
};

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	uint32_t gap;
	union {
		uint64_t number;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count;
			uint32_t padding;
			struct region regions[MAX_REGIONS];
		} memory;
	};
};

/* The head goes over the socket without the gap behind it. */
#define HEAD	offsetof(struct message, gap)

struct queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	unsigned int size;
	/* how many were taken and given back; the ring's own are 16 bits too */
	uint16_t taken;
	uint16_t given;
	int kick;
	int call;
	bool enabled;
};

enum { RX, TX };

struct end {
	int fd;
	struct queue queues[2];
	unsigned int nr_regions;
	struct region regions[MAX_REGIONS];
	char *maps[MAX_REGIONS];
};

static struct end ends[2];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The @len bytes at @addr of the guest, or of qemu. */
static void *translate(struct end *end, uint64_t addr, uint64_t len, bool user)
{
	unsigned int i;

	for (i = 0; i < end->nr_regions; i++) {
		struct region *r = &end->regions[i];
		uint64_t start = user ? r->user : r->guest;

		if (addr >= start && len <= r->size && addr - start <= r->size - len)
			return end->maps[i] + r->offset + (addr - start);
	}
	fprintf(stderr, "cable: %#llx is not memory of the guest\n", (unsigned long long)addr);
	exit(1);
}

static bool running(const struct queue *q)
{
	return q->enabled && q->kick >= 0 && q->desc;
}

static unsigned int available(const struct queue *q)
{
	uint16_t idx = __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE);

	return (uint16_t)(idx - q->taken);
}

/* Buffer number @nr of those that are available: its pieces, how many. */
static unsigned int chain(struct end *end, struct queue *q, unsigned int nr,
			  struct iovec *iov, unsigned int *head)
{
	unsigned int i = *head = q->avail->ring[(uint16_t)(q->taken + nr) & (q->size - 1)];
	unsigned int count = 0;

	for (;;) {
		struct vring_desc *desc = &q->desc[i & (q->size - 1)];

		iov[count].iov_base = translate(end, desc->addr, desc->len, false);
		iov[count].iov_len = desc->len;
		if (++count == q->size || !(desc->flags & VRING_DESC_F_NEXT))
			return count;
		i = desc->next;
	}
}

/* Give a buffer back in which @len bytes were written; to be seen later. */
static void give(struct queue *q, unsigned int head, uint32_t len)
{
	q->used->ring[q->given & (q->size - 1)] = (struct vring_used_elem){ head, len };
	q->given++;
}

/* Let the guest see what was given back, and interrupt it if it wants that. */
static void publish(struct queue *q)
{
	uint64_t one = 1;

	__atomic_store_n(&q->used->idx, q->given, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(q->avail->flags & VRING_AVAIL_F_NO_INTERRUPT) && q->call >= 0 &&
	    write(q->call, &one, sizeof(one)) < 0)
		die("cable: interrupt");
}

static struct iovec pieces[65536];

/* Receive a packet; false if there is no room for it yet. */
static bool receive(struct end *end, char *packet, size_t len)
{
	struct virtio_net_hdr_mrg_rxbuf *hdr = (void *)packet;
	struct queue *q = &end->queues[RX];
	unsigned int i, count, head, room = available(q), nr = 0;
	size_t size = 0, done = 0;

	/* as many buffers as it takes */
	while (size < len) {
		if (nr == room)
			return false;
		count = chain(end, q, nr++, pieces, &head);
		for (i = 0; i < count; i++)
			size += pieces[i].iov_len;
	}
	hdr->num_buffers = nr;
	while (nr--) {
		size_t start = done;

		count = chain(end, q, 0, pieces, &head);
		for (i = 0; i < count && done < len; i++) {
			size_t n = len - done < pieces[i].iov_len ? len - done : pieces[i].iov_len;

			memcpy(pieces[i].iov_base, packet + done, n);
			done += n;
		}
		q->taken++;
		give(q, head, done - start);
	}
	publish(q);
	return true;
}

/* Carry what @from has to send to @to, as far as there is room. */
static void carry(struct end *from, struct end *to)
{
	static uint64_t words[1 << 14];
	char *packet = (char *)words;
	struct queue *q = &from->queues[TX];
	unsigned int i, count, head;
	bool any = false;

	if (!running(q))
		return;
	while (available(q)) {
		size_t len = 0;

		count = chain(from, q, 0, pieces, &head);
		for (i = 0; i < count && len + pieces[i].iov_len <= sizeof(words); i++) {
			memcpy(packet + len, pieces[i].iov_base, pieces[i].iov_len);
			len += pieces[i].iov_len;
		}
		/* with nobody at the other end it is lost, like anything that is no packet */
		if (len > sizeof(struct virtio_net_hdr_mrg_rxbuf) && i == count &&
		    running(&to->queues[RX]) && !receive(to, packet, len))
			break;
		q->taken++;
		give(q, head, 0);
		any = true;
	}
	if (any)
		publish(q);
}

static void replace(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

static void reset(struct end *end)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		replace(&end->queues[i].kick, -1);
		replace(&end->queues[i].call, -1);
		end->queues[i].enabled = false;
		end->queues[i].desc = NULL;
	}
}

static void map(struct end *end, const struct message *msg, int *fds, unsigned int nr_fds)
{
	unsigned int i;

	for (i = 0; i < end->nr_regions; i++)
		munmap(end->maps[i], end->regions[i].offset + end->regions[i].size);
	end->nr_regions = 0;
	if (msg->memory.count > nr_fds)
		die("cable: memory");
	for (i = 0; i < msg->memory.count; i++) {
		const struct region *r = &msg->memory.regions[i];

		end->regions[i] = *r;
		end->maps[i] = mmap(NULL, r->offset + r->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				    fds[i], 0);
		if (end->maps[i] == MAP_FAILED)
			die("cable: mmap");
		end->nr_regions++;
	}
}

static void set_addr(struct end *end, struct queue *q, struct vhost_vring_addr addr)
{
	q->desc = translate(end, addr.desc_user_addr, q->size * sizeof(*q->desc), true);
	q->avail = translate(end, addr.avail_user_addr, sizeof(*q->avail) + q->size * 2, true);
	q->used = translate(end, addr.used_user_addr,
			    sizeof(*q->used) + q->size * sizeof(*q->used->ring), true);
	q->given = q->used->idx;
}

/* The queue that a message is about. */
static struct queue *queue_of(struct end *end, unsigned int index)
{
	if ((index & 0xff) > TX) {
		fprintf(stderr, "cable: there is no queue %u\n", index);
		exit(1);
	}
	return &end->queues[index & 0xff];
}

static bool read_message(struct end *end, struct message *msg, int *fds, unsigned int *nr_fds)
{
	char control[CMSG_SPACE(MAX_REGIONS * sizeof(int))];
	struct iovec iov = { msg, HEAD };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(end->fd, &hdr, MSG_CMSG_CLOEXEC | MSG_WAITALL) != (ssize_t)HEAD)
		return false;
	*nr_fds = 0;
	cmsg = CMSG_FIRSTHDR(&hdr);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS) {
		*nr_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), *nr_fds * sizeof(int));
	}
	if (msg->size > sizeof(*msg) - offsetof(struct message, number))
		return false;
	return !msg->size ||
	       recv(end->fd, &msg->number, msg->size, MSG_WAITALL) == (ssize_t)msg->size;
}

/* Do what qemu asks for; false if it is gone. */
static bool serve(struct end *end)
{
	struct message msg;
	int fds[MAX_REGIONS];
	unsigned int i, nr_fds;
	bool reply = false;

	if (!read_message(end, &msg, fds, &nr_fds))
		return false;
	switch (msg.request) {
	case GET_FEATURES:
		msg.number = FEATURES;
		reply = true;
		break;
	case GET_PROTOCOL_FEATURES:
		msg.number = 0;
		reply = true;
		break;
	case SET_MEM_TABLE:
		map(end, &msg, fds, nr_fds);
		break;
	case SET_VRING_NUM:
		queue_of(end, msg.state.index)->size = msg.state.num;
		break;
	case SET_VRING_ADDR:
		set_addr(end, queue_of(end, msg.addr.index), msg.addr);
		break;
	case SET_VRING_BASE:
		queue_of(end, msg.state.index)->taken = msg.state.num;
		break;
	case GET_VRING_BASE:
		msg.state.num = queue_of(end, msg.state.index)->taken;
		replace(&queue_of(end, msg.state.index)->kick, -1);
		reply = true;
		break;
	case SET_VRING_KICK:
	case SET_VRING_CALL: {
		struct queue *q = queue_of(end, msg.number);
		bool has = !(msg.number & NO_FD) && nr_fds;

		replace(msg.request == SET_VRING_KICK ? &q->kick : &q->call, has ? fds[0] : -1);
		nr_fds = 0;
		break;
	}
	case SET_VRING_ENABLE:
		queue_of(end, msg.state.index)->enabled = msg.state.num;
		break;
	case RESET_OWNER:
		reset(end);
		break;
	case SET_FEATURES:
	case SET_OWNER:
	case SET_VRING_ERR:
	case SET_PROTOCOL_FEATURES:
		break;
	default:
		fprintf(stderr, "cable: request %u is not known\n", msg.request);
		exit(1);
	}
	for (i = 0; i < nr_fds; i++)
		close(fds[i]);
	if (!reply)
		return true;
	msg.flags = 1 | REPLY;
	msg.size = msg.request == GET_VRING_BASE ? sizeof(msg.state) : sizeof(msg.number);
	return send(end->fd, &msg, HEAD, MSG_NOSIGNAL | MSG_MORE) == (ssize_t)HEAD &&
	       send(end->fd, &msg.number, msg.size, MSG_NOSIGNAL) == (ssize_t)msg.size;
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >=
	    (int)sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 1))
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd polls[6];
	unsigned int i, j;
	int listeners[2];

	if (argc != 3) {
		fprintf(stderr, "usage: cable SOCKET SOCKET\n");
		return 2;
	}
	for (i = 0; i < 2; i++)
		listeners[i] = listen_at(argv[1 + i]);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++)
			ends[i].queues[j].kick = ends[i].queues[j].call = -1;
		ends[i].fd = -1;
	}
	for (;;) {
		for (i = 0; i < 2; i++) {
			int wait = ends[i].fd < 0 ? listeners[i] : ends[i].fd;

			polls[3 * i] = (struct pollfd){ wait, POLLIN, 0 };
			for (j = 0; j < 2; j++)
				polls[3 * i + 1 + j] = (struct pollfd){ ends[i].queues[j].kick, POLLIN, 0 };
		}
		if (poll(polls, 6, -1) < 0 && errno != EINTR)
			die("cable: poll");
		for (i = 0; i < 2; i++) {
			struct end *end = &ends[i];
			uint64_t kicks;

			for (j = 0; j < 2; j++) {
				if (polls[3 * i + 1 + j].revents & POLLIN &&
				    read(end->queues[j].kick, &kicks, sizeof(kicks)) < 0)
					die("cable: kick");
			}
			if (!polls[3 * i].revents)
				continue;
			if (end->fd < 0) {
				end->fd = accept4(listeners[i], NULL, NULL, SOCK_CLOEXEC);
				if (end->fd < 0)
					die("cable: accept");
			} else if (!serve(end)) {
				/* the machine is switched off */
				return 0;
			}
		}
		/* Whatever has happened, there may be something to send, or room for it. */
		carry(&ends[0], &ends[1]);
		carry(&ends[1], &ends[0]);
	}
}
