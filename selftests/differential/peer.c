// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody else does with the other end of a request's file, by plain
 * system calls that never wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "world.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) == 1 && p.revents & (events | POLLERR | POLLHUP | POLLNVAL);
}

/* What there is room for at least in what says that it takes something; a terminal may make two bytes of one. */
static unsigned int room_of(int fd)
{
	return isatty(fd) ? 128 : PAGE;
}

/* Whether what is written is a number, and who adds one that there is no room for sleeps: ready is not enough. */
static bool is_counter(int fd)
{
	static const char counter[] = "anon_inode:[eventfd]";
	char path[32], name[sizeof(counter)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof(name)) == sizeof(counter) - 1 && !memcmp(name, counter, sizeof(counter) - 1);
}

long peer_write(int fd, unsigned int len, unsigned int offset)
{
	const char *from = (const char *)SOURCE + offset % (SOURCE_SIZE / 2);
	long ret = result(send(fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL));

	if (ret != -ENOTSOCK)
		return ret;
	/* as much as is taken at once by what says that it takes something */
	if (!is_ready(fd, POLLOUT))
		return -EAGAIN;
	if (is_counter(fd))
		from = (const char *)SOURCE + SMALL_NUMBER;
	return result(write(fd, from, len > room_of(fd) ? room_of(fd) : len));
}

static long read_now(int fd, char *buf, size_t len)
{
	long ret = result(recv(fd, buf, len, MSG_DONTWAIT));

	if (ret != -ENOTSOCK)
		return ret;
	return is_ready(fd, POLLIN) ? result(read(fd, buf, len)) : -EAGAIN;
}

/* The bytes are part of what is seen. */
static long peer_read(int fd, unsigned int len)
{
	char buf[8192];
	long ret = read_now(fd, buf, len < sizeof(buf) ? len : sizeof(buf));

	return ret > 0 ? ret | (long)sum_of(buf, ret) << 20 : ret;
}

long peer_fill(int fd, long limit)
{
	long ret, sum = 0;

	do {
		ret = peer_write(fd, PAGE, 0);
		sum += ret > 0 ? ret : 0;
		/* of a terminal who reads gets what is there when the first of it is told */
	} while (ret > 0 && sum < limit && !isatty(fd));
	return ret == -EAGAIN || ret > 0 || sum ? sum : ret;
}

static bool has_records(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type != SOCK_STREAM;
}

long peer_drain(int fd, __u32 *bytes)
{
	bool records = has_records(fd);
	long ret, sum = 0;
	char buf[8192];

	while ((ret = read_now(fd, buf, sizeof(buf))) > 0) {
		*bytes = sum_on(*bytes, buf, ret) + (records ? ret : 0);
		sum += ret;
	}
	return sum;
}

static int free_fd(void)
{
	int fd;

	for (fd = PEER_FD; fd < PEER_FD + NR_PEER_FDS - 1; fd++)
		if (!fd_is_open(fd))
			break;
	return fd;
}

/*
 * Descriptors that requests might get are not taken, not even for a moment, while
 * these run.
 */
static long keep_aside(int fd)
{
	int to = free_fd();

	if (fd < 0 || dup2(fd, to) < 0)
		return -errno;
	close(fd);
	return to;
}

static long peer_connect(const struct program *p, int fd)
{
	const struct object *o = object_of(p, fd);
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	long client;

	if (!o || getsockname(fd, (struct sockaddr *)&addr, &len))
		return -ENOTSOCK;
	lift_limit();
	client = keep_aside(socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
	impose_limit();
	return client < 0 ? client : result(connect(client, (struct sockaddr *)&addr, len));
}

static long peer_accept(int fd)
{
	long server;

	if (fcntl(fd, F_GETFL) < 0)
		return -errno;
	if (!is_ready(fd, POLLIN))
		return -EAGAIN;
	lift_limit();
	server = keep_aside(accept(fd, NULL, NULL));
	impose_limit();
	return server;
}

static long peer_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	return result(poll(&p, 1, 0)) < 0 ? -errno : p.revents;
}

static long peer_expire(int fd, unsigned int on)
{
	struct itimerspec at = { .it_value.tv_nsec = on ? 1 : 0 };

	return result(timerfd_settime(fd, 0, &at, NULL));
}

static long peer_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -errno : result(fcntl(fd, F_SETFL, flags ^ O_NONBLOCK));
}

/* Where a region of a ring's memory is mapped from; there is no public name for it. */
#define OFF_REGION	0x20000000ULL

static long peer_map(unsigned int len, unsigned int where)
{
	static const __u64 offsets[] = {
		IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES, IORING_OFF_PBUF_RING,
		IORING_OFF_PBUF_RING | 1ULL << IORING_OFF_PBUF_SHIFT,
		IORING_OFF_PBUF_RING | 2ULL << IORING_OFF_PBUF_SHIFT, OFF_REGION,
		0x40000000, PAGE,
	};
	const int prot = len & 1 ? PROT_READ : PROT_READ | PROT_WRITE;
	void *at = mmap(NULL, PAGE, prot, len & 2 ? MAP_PRIVATE : MAP_SHARED, RING_FD,
			offsets[where % ARRAY_SIZE(offsets)]);

	return at == MAP_FAILED ? -errno : munmap(at, PAGE);
}

/* What is not the same on both sides is the rest of it. */
static __u32 sum_of_settings(const char *text)
{
	static const char * const names[] = { "SqMask:", "SqTail:", "CqMask:", "UserFiles:", "UserBufs:" };
	__u32 sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *line = strstr(text, names[i]);

		if (line)
			sum = sum_on(sum, line, strcspn(line, "\n"));
	}
	return sum;
}

static long peer_look(void)
{
	static char text[1 << 16];
	char path[40];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", RING_FD);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return -errno;
	text[len] = 0;
	return sum_of_settings(text);
}

long peer_step(const struct program *p, const struct step *step)
{
	int fd = step->fd;

	switch (step->op) {
	case PEER_WRITE:
		return peer_write(fd, step->len, step->offset);
	case PEER_READ:
		return peer_read(fd, step->len);
	case PEER_SHUTDOWN:
		return result(shutdown(fd, step->len));
	case PEER_CLOSE:
		return result(close(fd));
	case PEER_RESET:
		return tcp_reset(fd);
	case PEER_CONNECT:
		return peer_connect(p, fd);
	case PEER_ACCEPT:
		return peer_accept(fd);
	case PEER_POLL:
		return peer_poll(fd);
	case PEER_URGENT:
		return result(send(fd, "!", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL));
	case PEER_EXPIRE:
		return peer_expire(fd, step->len);
	case PEER_NONBLOCK:
		return peer_nonblock(fd);
	case PEER_MAP:
		return peer_map(step->len, step->offset);
	case PEER_LOOK:
		return peer_look();
	}
	return -EINVAL;
}
