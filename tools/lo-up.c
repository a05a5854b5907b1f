// SPDX-License-Identifier: GPL-2.0
/*
 * Bring the loopback interface up, where no tool that could is installed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &req))
		goto failed;
	req.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &req))
		goto failed;
	return 0;

failed:
	fprintf(stderr, "lo-up: %s\n", strerror(errno));
	return 1;
}
