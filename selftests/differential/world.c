// SPDX-License-Identifier: GPL-2.0
/*
 * The objects of a program, which are the same on both sides: their descriptors,
 * their state, and the memory around them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "world.h"

/* A socket of the program's directory. */
#define NAMED_SOCKET	"socket"

static int map_at(unsigned long from, unsigned long to, int flags)
{
	void *at = mmap((void *)from, to - from, PROT_READ | PROT_WRITE,
			flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return at == MAP_FAILED ? -errno : 0;
}

/* Messages that the kernel answers the same each time, with one of its own or with several. */
static void write_messages(unsigned char *to)
{
	const struct {
		struct nlmsghdr header;
		struct ifaddrmsg about;
	} messages[NR_KERNEL_MESSAGES] = {
		{ .header = { sizeof(struct nlmsghdr), NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 1, 0 } },
		{ .header = { sizeof(messages[0]), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 2, 0 } },
		/* for a device that there is not */
		{ .header = { sizeof(messages[0]), RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, 3, 0 },
		  .about = { .ifa_family = AF_INET, .ifa_index = 99 } },
	};
	unsigned int i;

	for (i = 0; i < NR_KERNEL_MESSAGES; i++)
		memcpy(to + i * KERNEL_MESSAGE_SIZE, &messages[i], sizeof(messages[i]));
}

int map_place(void)
{
	unsigned char *source = (unsigned char *)SOURCE;
	unsigned long i;
	int ret;

	ret = map_at(STRUCTS, SOURCE, MAP_PRIVATE);
	if (ret)
		return ret;
	/* shared, so that children need no tables for it */
	ret = map_at(SOURCE, PLACE_END, MAP_SHARED);
	if (ret)
		return ret;
	ret = map_at(HUGE, HUGE + HUGE_SIZE, MAP_PRIVATE);
	if (ret)
		return ret;
	madvise((void *)HUGE, HUGE_SIZE, MADV_HUGEPAGE);
	memset((void *)(EDGE - PAGE), 0xff, PAGE);
	if (munmap((void *)EDGE, PAGE))
		return -errno;
	for (i = 0; i < SOURCE_SIZE; i++)
		source[i] = i * 7 + (i >> 8) * 13;
	write_messages(source + KERNEL_MESSAGES);
	memcpy(source + SMALL_NUMBER, &(__u64){ 1 }, sizeof(__u64));
	return 0;
}

static int write_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Else what a full connection takes depends on how long a program takes, as a timer acknowledges what was sent. */
static int acknowledge_at_once(void)
{
	static const char * const commands[] = {
		"ip route change local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1",
		"ip -6 route del local ::1 dev lo table local",
		"ip -6 route add local ::1 dev lo table local proto kernel quickack 1",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (system(commands[i]))
			return -EIO;
	return 0;
}

int own_network(void)
{
	int ret = lo_own() ?: acknowledge_at_once();

	/* ports can be had again at once */
	return ret ?: write_setting("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
}

static int tcp6_pair(int sv[2])
{
	return inet_pair(AF_INET6, SOCK_STREAM, sv);
}

static int unix_listener(int sv[2])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	sv[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	sv[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	/* the kernel finds a name that nobody has */
	if (sv[0] < 0 || sv[1] < 0 ||
	    bind(sv[0], (struct sockaddr *)&addr, sizeof(sa_family_t)) || listen(sv[0], 2))
		return -errno;
	return 0;
}

static int inet_listener(int sv[2])
{
	struct sockaddr_in addr;

	sv[0] = tcp_listen(&addr);
	sv[1] = socket(AF_INET, SOCK_STREAM, 0);
	return sv[0] < 0 || sv[1] < 0 ? -EIO : 0;
}

static int udp_two(int sv[2])
{
	struct sockaddr_in addr;

	sv[0] = udp_socket(&addr);
	sv[1] = udp_socket(&addr);
	return sv[0] < 0 || sv[1] < 0 ? -EIO : 0;
}

/* The kernel finds a name for the first, and for the second as well if there is one in the directory already. */
static int unix_two(int sv[2])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX }, named = { AF_UNIX, NAMED_SOCKET };

	sv[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	sv[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (sv[0] < 0 || sv[1] < 0 || bind(sv[0], (struct sockaddr *)&addr, sizeof(sa_family_t)))
		return -errno;
	if (bind(sv[1], (struct sockaddr *)&named, sizeof(named)) &&
	    bind(sv[1], (struct sockaddr *)&addr, sizeof(sa_family_t)))
		return -errno;
	return 0;
}

static int pty(int sv[2])
{
	struct termios raw;

	sv[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (sv[0] < 0 || grantpt(sv[0]) || unlockpt(sv[0]))
		return -errno;
	sv[1] = open(ptsname(sv[0]), O_RDWR | O_NOCTTY);
	if (sv[1] < 0 || tcgetattr(sv[1], &raw))
		return -errno;
	cfmakeraw(&raw);
	return tcsetattr(sv[1], TCSANOW, &raw) ? -errno : 0;
}

static int twice(int fd, int sv[2])
{
	if (fd < 0)
		return -errno;
	sv[0] = fd;
	sv[1] = dup(fd);
	return sv[1] < 0 ? -errno : 0;
}

/* What the kernel says to it has its number, which is always the same, and another one for each of a program. */
static int netlink(int sv[2])
{
	static unsigned int nr;
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = 77 + nr++ };
	int ret = twice(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), sv);

	if (ret)
		return ret;
	/* the program before may not have let go of it yet */
	while (bind(sv[0], (struct sockaddr *)&addr, sizeof(addr)))
		if (errno != EADDRINUSE || usleep(1000))
			return -errno;
	return 0;
}

static int regular(int sv[2])
{
	int ret = twice(memfd_create("file", 0), sv);

	if (ret)
		return ret;
	return pwrite(sv[0], (void *)SOURCE, 6000, 0) == 6000 ? 0 : -EIO;
}

static int polls(int sv[2])
{
	struct epoll_event event = { .events = EPOLLIN };
	int ret = twice(epoll_create1(0), sv), fd = eventfd(0, 0);

	if (ret || fd < 0 || epoll_ctl(sv[0], EPOLL_CTL_ADD, fd, &event))
		return -EIO;
	/* what writes to the epoll's first descriptor does not exist: this one stays */
	return dup2(fd, PEER_FD + NR_PEER_FDS) < 0 || close(fd) ? -errno : 0;
}

static int make(unsigned int kind, int sv[2])
{
	switch (kind) {
	case UNIX_STREAM:
		return unix_pair(SOCK_STREAM, sv);
	case UNIX_DGRAM:
		return unix_pair(SOCK_DGRAM, sv);
	case UNIX_SEQPACKET:
		return unix_pair(SOCK_SEQPACKET, sv);
	case TCP:
		return inet_pair(AF_INET, SOCK_STREAM, sv);
	case TCP6:
		return tcp6_pair(sv);
	case UDP:
		return inet_pair(AF_INET, SOCK_DGRAM, sv);
	case UDP6:
		return inet_pair(AF_INET6, SOCK_DGRAM, sv);
	case TCP_LISTENER:
		return inet_listener(sv);
	case UNIX_LISTENER:
		return unix_listener(sv);
	case UDP_ALONE:
		return udp_two(sv);
	case PIPE:
		return pipe(sv) ? -errno : 0;
	case EVENTFD:
		return twice(eventfd(0, 0), sv);
	case TIMERFD:
		return twice(timerfd_create(CLOCK_MONOTONIC, 0), sv);
	case PTY:
		return pty(sv);
	case REGULAR:
		return regular(sv);
	case DIRECTORY:
		sv[0] = open("/proc/self", O_RDONLY | O_DIRECTORY);
		sv[1] = open(".", O_RDONLY | O_DIRECTORY);
		return sv[0] < 0 || sv[1] < 0 ? -errno : 0;
	case O_PATH_FILE:
		return twice(open("/dev/null", O_PATH), sv);
	case EPOLL:
		return polls(sv);
	case UNIX_ALONE:
		return unix_two(sv);
	case DEVICE:
		return twice(open("/dev/zero", O_RDWR), sv);
	case PROC_FILE:
		return twice(open("/proc/self/comm", O_RDWR), sv);
	case NETLINK:
		return netlink(sv);
	}
	return -EINVAL;
}

static int make_small(int fd)
{
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &one, sizeof(one)) ||
	       setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one)) ? -errno : 0;
}

/* Onto descriptor @fd, whatever it is. */
static int move_to(int from, int fd)
{
	if (dup2(from, fd) < 0)
		return -errno;
	return close(from) ? -errno : 0;
}

int make_world(const struct program *p)
{
	unsigned int i, end;

	for (i = 0; i < MAX_OBJECTS; i++) {
		const struct object *o = &p->objects[i];
		int sv[2], ret;

		if (o->kind == OBJECT_NONE || o->kind == SECOND_RING)
			continue;
		ret = make(o->kind, sv);
		if (ret)
			return ret;
		for (end = 0; end < 2; end++) {
			int fd = FIRST_FD + 2 * i + end;

			if (o->flags & OBJECT_SMALL && KIND(o->kind) & SOCKETS)
				ret = make_small(sv[end]);
			if (!ret)
				ret = move_to(sv[end], fd);
			if (!ret && o->flags & OBJECT_NONBLOCK)
				ret = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* How many descriptors there may be for requests, and for others. */
static struct rlimit few, many;

void limit_descriptors(unsigned int left)
{
	/* the first one that they would get */
	int lowest = dup(STDOUT_FILENO);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &many);
	few = (struct rlimit) { lowest + left, many.rlim_max };
	impose_limit();
}

void lift_limit(void)
{
	if (few.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &many);
}

void impose_limit(void)
{
	if (few.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &few);
}

static void write_address(const struct program *p, const struct request *r, struct structs *s)
{
	unsigned int other = r->address == ADDRESS_SECOND;
	socklen_t len = sizeof(s->addr);

	switch (r->address) {
	case ADDRESS_EMPTY:
		break;
	case ADDRESS_BAD:
		s->addr.ss_family = 200;
		break;
	case ADDRESS_NAMED:
	case ADDRESS_NAMED_NONE:
		s->addr.ss_family = AF_UNIX;
		strcpy((char *)&s->addr + sizeof(sa_family_t),
		       r->address == ADDRESS_NAMED ? NAMED_SOCKET : "nobody");
		break;
	case ADDRESS_ANY:
		s->addr.ss_family = KIND(p->objects[r->address_of].kind) &
				    (KIND(UNIX_LISTENER) | KIND(UNIX_ALONE)) ? AF_UNIX : AF_INET;
		break;
	default:
		getsockname(FIRST_FD + 2 * r->address_of + other, (struct sockaddr *)&s->addr, &len);
	}
}

void write_structs(const struct program *p, unsigned int i)
{
	const struct request *r = &p->requests[i];
	struct structs *s = structs_of(i);

	*s = r->structs;
	write_address(p, r, s);
}

/* The ports and names that the kernel has chosen. */
void scrub_address(void *addr, size_t size)
{
	struct sockaddr_storage *ss = addr;
	sa_family_t family;

	if (size < sizeof(struct sockaddr_in))
		return;
	memcpy(&family, &ss->ss_family, sizeof(family));
	if (family == AF_INET || family == AF_INET6)
		memset((char *)addr + 2, 0, 2);
	if (family == AF_UNIX)
		memset((char *)addr + 2, 0, 14);
}

__u32 sum_on(__u32 sum, const void *from, size_t len)
{
	const unsigned char *p = from;

	while (len--)
		sum = (sum ^ *p++) * 16777619u;
	return sum;
}

static __u64 mixed(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * 1099511628211ULL;
	return sum ^ sum >> 29;
}

/* Eight bytes at a time, as there are many pages of them. */
__u32 sum_of(const void *from, size_t len)
{
	const char *p = from;
	__u64 sum = len, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = mixed(sum, word);
	}
	word = 0;
	memcpy(&word, p, len);
	sum = mixed(sum, word);
	return sum ^ sum >> 32;
}
