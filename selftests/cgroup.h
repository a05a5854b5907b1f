/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory cgroup with the test in it.
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
