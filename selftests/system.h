/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the system says of itself, and is told.
 */
#ifndef SELFTESTS_SYSTEM_H
#define SELFTESTS_SYSTEM_H

#include <fcntl.h>

#include "check.h"

static inline int write_to(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Pages that are pinned for long anywhere in the system; for root. */
static inline long long pinned_pages(void)
{
	/* each processor keeps some of the count to itself */
	int ret = write_to("/proc/sys/vm", "stat_refresh", "1");

	if (ret)
		fprintf(stderr, "# stat_refresh: %s\n", strerror(-ret));
	return proc_value("/proc/vmstat", "nr_foll_pin_acquired ") -
	       proc_value("/proc/vmstat", "nr_foll_pin_released ");
}

/* How many keep the module loaded; less than 0 if it is not there. */
static inline long long module_users(void)
{
	return proc_value("/sys/module/ruring/refcnt", "");
}

/* Whether the process's first thread sleeps, for wait_until(). */
static inline bool main_sleeps(void *arg)
{
	FILE *f = fopen("/proc/self/stat", "r");
	char state = 0;

	(void)arg;
	if (!f)
		return false;
	if (fscanf(f, "%*d %*s %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

#endif /* SELFTESTS_SYSTEM_H */
