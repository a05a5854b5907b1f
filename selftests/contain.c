// SPDX-License-Identifier: GPL-2.0
/*
 * contain PROGRAM [ARG]...: runs a program as container runtimes do for an
 * unprivileged user: in name spaces of its own, in which it is root without a
 * capability, behind a filter that denies io_uring's calls and others, with a
 * /dev that has /dev/ruring and little else. It is for the programs of others.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "denial.h"

/* Who starts it outside: as good as any. */
#define USER	1000

static const char * const devices[] = { "null", "zero", "urandom", "ruring" };

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "%s", path);
	close(fd);
}

/*
 * The runtime's part, as root: nodes that the user may open. A ring's device gets
 * to a container as --device says.
 */
static void make_devices(void)
{
	struct stat stat_of;
	char path[64];
	unsigned int i;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID, NULL))
		err(1, "a place for devices");
	for (i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		snprintf(path, sizeof(path), "/dev/%s", devices[i]);
		if (stat(path, &stat_of))
			err(1, "%s", path);
		snprintf(path, sizeof(path), "/mnt/%s", devices[i]);
		if (mknod(path, S_IFCHR | 0600, stat_of.st_rdev) ||
		    chown(path, USER, USER))
			err(1, "%s", path);
	}
	if (mount("/mnt", "/dev", NULL, MS_BIND, NULL))
		err(1, "/dev");
}

static void become_user(void)
{
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) ||
	    setresuid(USER, USER, USER))
		err(1, "another user");
	/* Its files in /proc are root's else. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		    CLONE_NEWIPC | CLONE_NEWUTS))
		err(1, "name spaces");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 1000 1");
	put("/proc/self/gid_map", "0 1000 1");
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		err(1, "lo");
	close(fd);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { };
	int i;

	for (i = 0; i <= CAP_LAST_CAP; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && i <= CAP_AUDIT_READ)
			err(1, "capability %d", i);
	}
	if (syscall(__NR_capset, &header, none))
		err(1, "capabilities");
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 2)
		errx(1, "usage: contain PROGRAM [ARG]...");
	make_devices();
	become_user();
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV, NULL))
			err(1, "/proc");
		loopback_up();
		drop_capabilities();
		if (deny_io_uring(DENY_EPERM))
			err(1, "filter");
		execvp(argv[1], argv + 1);
		err(1, "%s", argv[1]);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
