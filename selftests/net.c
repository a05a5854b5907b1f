// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets for tests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ring.h"

int unix_pair(int type, int sv[2])
{
	return socketpair(AF_UNIX, type, 0, sv) ? -errno : 0;
}

static int bound_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd;

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);

	fd = socket(AF_INET, type, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int tcp_listen(struct sockaddr_in *addr)
{
	int fd = bound_socket(SOCK_STREAM, addr);

	if (fd >= 0 && listen(fd, 128)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

socklen_t inet_name(int fd, struct sockaddr_storage *addr)
{
	socklen_t len = sizeof(*addr);

	return getsockname(fd, (struct sockaddr *)addr, &len) ? 0 : len;
}

int inet_socket(int domain, int type)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct sockaddr *addr = (struct sockaddr *)&v4;
	socklen_t len = sizeof(v4);
	int fd = socket(domain, type, 0);

	if (domain == AF_INET6) {
		addr = (struct sockaddr *)&v6;
		len = sizeof(v6);
	}
	if (fd >= 0 && bind(fd, addr, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int join(int from, int to)
{
	struct sockaddr_storage addr;
	socklen_t len = inet_name(to, &addr);

	return connect(from, (struct sockaddr *)&addr, len);
}

int inet_pair(int domain, int type, int sv[2])
{
	int fd = inet_socket(domain, type), one = 1;

	sv[0] = inet_socket(domain, type);
	if (fd < 0 || sv[0] < 0)
		return -errno;
	if (type == SOCK_DGRAM) {
		sv[1] = fd;
		return join(sv[0], sv[1]) || join(sv[1], sv[0]) ? -errno : 0;
	}
	if (listen(fd, 1) || join(sv[0], fd))
		return -errno;
	sv[1] = accept(fd, NULL, NULL);
	if (sv[1] < 0)
		return -errno;
	close(fd);
	setsockopt(sv[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

/*
 * Nothing is under way, and the window takes no more: so nothing is sent before
 * the receiver reads, or but the rest of the window, by a timer.
 */
static bool tcp_is_still(void *arg)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	return !getsockopt(*(int *)arg, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       (info.tcpi_notsent_bytes == 0 ||
		(info.tcpi_unacked == 0 && info.tcpi_snd_wnd < info.tcpi_snd_mss));
}

ssize_t tcp_hold(int sv[2])
{
	static const char zeroes[1 << 16];
	int room = 1 << 24, unsent;
	size_t sum = 0;

	if (setsockopt(sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -errno;
	/* until a packet of its own would not be sent either */
	do {
		ssize_t ret = send(sv[0], zeroes, sizeof(zeroes),
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (ret < 0 || ioctl(sv[0], SIOCOUTQNSD, &unsent))
			return -errno;
		sum += ret;
		if (unsent < 2 * (int)sizeof(zeroes))
			continue;
		/* what is not sent yet may only wait for what is under way */
		if (!wait_until(tcp_is_still, &sv[0]) ||
		    ioctl(sv[0], SIOCOUTQNSD, &unsent))
			return -ETIME;
	} while (unsent < 2 * (int)sizeof(zeroes));
	return sum;
}

ssize_t tcp_full(int sv[2])
{
	ssize_t held = tcp_hold(sv), more;
	int room = 1;

	if (held < 0)
		return held;
	if (setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		return -errno;
	/* the last packet may have room of its own */
	more = fill_socket(sv[0]);
	return more < 0 ? more : held + more;
}

int read_all(int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t ret = recv(fd, buf, len, 0);

		if (ret <= 0)
			return ret ? -errno : -EPIPE;
		buf = (char *)buf + ret;
		len -= ret;
	}
	return 0;
}

static int lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;

	close(fd);
	return ret;
}

/* Make the root queueing discipline of "lo" one with a delay, or remove it. */
static int lo_qdisc(int type, unsigned int flags)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
		struct rtattr kind;
		char name[8];
		struct rtattr options;
		struct tc_netem_qopt netem;
	} req = {
		.head = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
		.tc = {
			.tcm_family = AF_UNSPEC,
			.tcm_ifindex = if_nametoindex("lo"),
			.tcm_parent = TC_H_ROOT,
		},
		.kind = { RTA_LENGTH(8), TCA_KIND },
		.name = "netem",
		.options = { RTA_LENGTH(sizeof(req.netem)), TCA_OPTIONS },
		/* as late as the field can say: most of a minute or more */
		.netem = { .latency = ~0U, .limit = 1000 },
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[256];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret = 0;

	if (type == RTM_DELQDISC)
		req.head.nlmsg_len = offsetof(typeof(req), kind);
	if (fd < 0 || send(fd, &req, req.head.nlmsg_len, 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		ret = -errno;
	else if (reply.head.nlmsg_type == NLMSG_ERROR)
		ret = reply.err.error;
	close(fd);
	return ret;
}

int lo_own(void)
{
	return unshare(CLONE_NEWNET) ? -errno : lo_up();
}

int lo_hold(void)
{
	return lo_qdisc(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
}

int lo_release(void)
{
	return lo_qdisc(RTM_DELQDISC, 0);
}

int tcp_connect(const struct sockaddr_in *addr)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr))) {
		int err = -errno;

		close(fd);
		return err;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int tcp_pair(int sv[2])
{
	struct sockaddr_in addr;
	int listener = tcp_listen(&addr);

	if (listener < 0)
		return listener;
	sv[0] = tcp_connect(&addr);
	if (sv[0] < 0) {
		close(listener);
		return sv[0];
	}
	sv[1] = accept(listener, NULL, NULL);
	close(listener);
	if (sv[1] < 0) {
		int err = -errno;

		close(sv[0]);
		return err;
	}
	return 0;
}

int udp_socket(struct sockaddr_in *addr)
{
	return bound_socket(SOCK_DGRAM, addr);
}

ssize_t fill_socket(int fd)
{
	static const char zeroes[4096];
	ssize_t sum = 0;

	for (;;) {
		ssize_t ret = send(fd, zeroes, sizeof(zeroes),
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (ret <= 0)
			return errno == EAGAIN ? sum : -errno;
		sum += ret;
	}
}

ssize_t drain_socket(int fd)
{
	char buf[4096];
	ssize_t sum = 0;

	for (;;) {
		ssize_t ret = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (ret == 0 || (ret < 0 && errno == EAGAIN))
			return sum;
		if (ret < 0)
			return -errno;
		sum += ret;
	}
}

int tcp_reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -errno;
	return close(fd) ? -errno : 0;
}

bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}
