/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracefs and audit, as the tests of the security hooks use them.
 */
#ifndef SELFTESTS_HOOKS_H
#define SELFTESTS_HOOKS_H

#include <linux/audit.h>
#include <linux/netlink.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRACEFS		"/sys/kernel/tracing/"

static inline int write_file_to(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (*text && write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static inline int trace_write(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACEFS "%s", name);
	return write_file_to(path, text, O_TRUNC);
}

static inline int trace_append(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACEFS "%s", name);
	return write_file_to(path, text, O_APPEND);
}

static inline bool trace_mount(void)
{
	if (access(TRACEFS "kprobe_events", W_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	return access(TRACEFS "kprobe_events", W_OK) == 0;
}

/* Whether tasks that are made from here on are audited. */
static inline int audit_enable(bool enable)
{
	struct {
		struct nlmsghdr header;
		struct audit_status status;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = AUDIT_SET,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.status = {
			.mask = AUDIT_STATUS_ENABLED,
			.enabled = enable,
		},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer = {};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	int ret = -EIO;

	if (fd < 0)
		return -errno;
	if (send(fd, &request, sizeof(request), 0) == sizeof(request) &&
	    recv(fd, &answer, sizeof(answer), 0) > 0 && answer.header.nlmsg_type == NLMSG_ERROR)
		ret = answer.error.error;
	close(fd);
	return ret;
}

#endif /* SELFTESTS_HOOKS_H */
