/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations of the module's, as the kernel's events tell of them: whether they are charged.
 */
#ifndef SELFTESTS_KMEM_EVENTS_H
#define SELFTESTS_KMEM_EVENTS_H

#include "hooks.h"
#include "ring.h"

/* More than the module has at a time of what is nobody's. */
#define UNCHARGED	256

/* Allocations of the module's that nobody is charged for, and that are not free again. */
struct uncharged {
	unsigned int charged;
	unsigned int nr;
	char where[UNCHARGED][96];
	char ptr[UNCHARGED][24];
};

static void take_in(struct uncharged *u, const char *line)
{
	const char *site = strstr(line, "call_site="), *at = strstr(line, "ptr=");
	unsigned int i;
	char ptr[24];

	if (!site || !at || sscanf(at, "ptr=%23s", ptr) != 1)
		return;
	if (strstr(line, " kfree: ") || strstr(line, " kmem_cache_free: ")) {
		for (i = 0; i < u->nr; i++) {
			if (!strcmp(u->ptr[i], ptr)) {
				u->nr--;
				memmove(u->ptr[i], u->ptr[u->nr], sizeof(ptr));
				memmove(u->where[i], u->where[u->nr], sizeof(u->where[0]));
				return;
			}
		}
		return;
	}
	if (!strstr(line, "[ruring]"))
		return;
	if (strstr(line, "accounted=true")) {
		u->charged++;
	} else if (u->nr < UNCHARGED) {
		snprintf(u->ptr[u->nr], sizeof(ptr), "%s", ptr);
		snprintf(u->where[u->nr++], sizeof(u->where[0]), "%s", site);
	}
}

static bool trace_allocations(bool on)
{
	static const char *const events[] = { "kmalloc", "kmem_cache_alloc", "kfree", "kmem_cache_free" };
	char path[64];
	unsigned int i;

	if (on && (!trace_mount() || trace_write("buffer_size_kb", "16384") || trace_write("trace", "")))
		return false;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), "events/kmem/%s/enable", events[i]);
		if (trace_write(path, on ? "1" : "0"))
			return false;
	}
	return true;
}

#endif /* SELFTESTS_KMEM_EVENTS_H */
