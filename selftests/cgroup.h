/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A cgroup with the test in it, of memory or of processors.
 */
#ifndef SELFTESTS_CGROUP_H
#define SELFTESTS_CGROUP_H

#include <sys/stat.h>

#include "system.h"

#define CGROUPS	"/sys/fs/cgroup"

struct cgroup {
	char dir[64];
};

/* Negative where there is no such thing. */
static inline int cgroup_enter(struct cgroup *g)
{
	snprintf(g->dir, sizeof(g->dir), CGROUPS "/ruring-%d", getpid());
	if (write_to(CGROUPS, "cgroup.subtree_control", "+memory") || mkdir(g->dir, 0755))
		return -1;
	return write_to(g->dir, "cgroup.procs", "0");
}

/* For where there are cpusets: the one that has these processors. */
static inline int cpuset_enter(struct cgroup *g, const char *cpus)
{
	snprintf(g->dir, sizeof(g->dir), CGROUPS "/ruring-%d", getpid());
	if (mkdir(g->dir, 0755))
		return -errno;
	return write_to(g->dir, "cpuset.cpus", cpus) ?: write_to(g->dir, "cgroup.procs", "0");
}

/* For wait_until(): nobody is left in it. */
static inline bool cgroup_is_removed(void *g)
{
	return !rmdir(((struct cgroup *)g)->dir);
}

static inline void cgroup_leave(struct cgroup *g)
{
	write_to(CGROUPS, "cgroup.procs", "0");
	rmdir(g->dir);
}

/* Bytes. */
static inline long long cgroup_charge(struct cgroup *g)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.current", g->dir);
	return proc_value(path, "");
}

#endif /* SELFTESTS_CGROUP_H */
