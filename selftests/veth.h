/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A link between two network namespaces whose ends have queues that can be polled.
 */
#ifndef SELFTESTS_VETH_H
#define SELFTESTS_VETH_H

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

static inline int veth_feature(const char *device, unsigned int cmd, unsigned int value)
{
	struct ethtool_value arg = { .cmd = cmd, .data = value };
	struct ifreq ifr = { .ifr_data = (void *)&arg };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	ret = ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
	return ret;
}

/* 10.9.8.1 is here, in a new namespace, and a socket of UDP is at 10.9.8.2, in another. */
static inline bool veth_begin(int *there)
{
	char line[128];
	int here, other;

	if (unshare(CLONE_NEWNET))
		return false;
	other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (other < 0 || unshare(CLONE_NEWNET))
		return false;
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (system("ip link add here type veth peer name there") ||
	    system("ip addr add 10.9.8.1/24 dev here") || system("ip link set here up"))
		return false;
	snprintf(line, sizeof(line), "ip link set there netns /proc/%d/fd/%d", getpid(), other);
	if (veth_feature("here", ETHTOOL_SGRO, 1) || system(line))
		return false;
	/* what it sends is for the queue only if it has not been put together to be cut up there */
	if (setns(other, CLONE_NEWNET) || veth_feature("there", ETHTOOL_STSO, 0) ||
	    system("ip addr add 10.9.8.2/24 dev there && ip link set there up"))
		return false;
	*there = socket(AF_INET, SOCK_DGRAM, 0);
	return !setns(here, CLONE_NEWNET);
}

#endif /* SELFTESTS_VETH_H */
