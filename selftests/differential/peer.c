// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody else does with the other end of a request's file, by plain
 * system calls that never wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

static long peer_write(int fd, unsigned int len, unsigned int offset)
{
	const char *from = (const char *)SOURCE + offset % (SOURCE_SIZE / 2);
	long ret = result(send(fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL));

	if (ret != -ENOTSOCK)
		return ret;
	/* as much as is taken at once by what says that it takes something */
	if (!is_ready(fd, POLLOUT))
		return -EAGAIN;
	return result(write(fd, from, len > PAGE ? PAGE : len));
}

/* The bytes are part of what is seen. */
static long peer_read(int fd, unsigned int len)
{
	char buf[8192];
	long ret;

	if (len > sizeof(buf))
		len = sizeof(buf);
	ret = result(recv(fd, buf, len, MSG_DONTWAIT));
	if (ret == -ENOTSOCK) {
		if (!is_ready(fd, POLLIN))
			return -EAGAIN;
		ret = result(read(fd, buf, len));
	}
	return ret > 0 ? ret | (long)sum_of(buf, ret) << 20 : ret;
}

static long peer_fill(int fd)
{
	long ret, sum = 0;

	do {
		ret = peer_write(fd, PAGE, 0);
		sum += ret > 0 ? ret : 0;
	} while (ret > 0 && sum < 1 << 20);
	return ret == -EAGAIN ? sum : ret;
}

static long peer_drain(int fd)
{
	long ret, sum = 0;

	do {
		ret = peer_read(fd, 8192);
		sum = ret > 0 ? sum * 31 + ret : sum;
	} while (ret > 0);
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

static long peer_connect(const struct program *p, int fd)
{
	const struct object *o = object_of(p, fd);
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int client;
	long ret;

	if (!o || getsockname(fd, (struct sockaddr *)&addr, &len))
		return -ENOTSOCK;
	client = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (client < 0 || dup2(client, free_fd()) < 0)
		return -errno;
	ret = result(connect(client, (struct sockaddr *)&addr, len));
	close(client);
	return ret;
}

static long peer_accept(int fd)
{
	int flags = fcntl(fd, F_GETFL), got;
	long ret;

	if (flags < 0)
		return -errno;
	if (!is_ready(fd, POLLIN))
		return -EAGAIN;
	got = accept(fd, NULL, NULL);
	if (got < 0)
		return -errno;
	ret = result(dup2(got, free_fd()));
	close(got);
	return ret;
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
	case PEER_FILL:
		return peer_fill(fd);
	case PEER_DRAIN:
		return peer_drain(fd);
	case PEER_URGENT:
		return result(send(fd, "!", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL));
	case PEER_EXPIRE:
		return peer_expire(fd, step->len);
	case PEER_NONBLOCK:
		return peer_nonblock(fd);
	}
	return -EINVAL;
}
