// SPDX-License-Identifier: GPL-2.0
/*
 * What tests ask of the system around the ring.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

long long proc_value(const char *path, const char *key)
{
	size_t len = strlen(key);
	long long value = -1;
	char line[256];
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len)) {
			value = strtoll(line + len, NULL, 0);
			break;
		}
	}
	fclose(f);
	return value;
}

char task_state(pid_t tid)
{
	char path[64], line[512] = {}, *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return '-';
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	/* behind the name, which may have anything in it */
	state = strrchr(line, ')');
	return state ? state[2] : '-';
}

long long now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

long long now_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

bool wait_until(bool (*done)(void *arg), void *arg)
{
	long long deadline = now_ms() + DEADLINE_MS;

	while (!done(arg)) {
		if (now_ms() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

int new_file(bool on_disk)
{
	char name[] = "build/file.XXXXXX";
	int fd;

	if (!on_disk)
		return memfd_create("file", 0);
	fd = mkstemp(name);
	if (fd < 0)
		return -errno;
	unlink(name);
	return fd;
}

int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		return -errno;
	/* the change of identity took away access to /proc/self */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}
