// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of each traced thread, and of what threads share.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ptrace.h>

#include "run.h"

#define BUCKETS		1024

static struct task *buckets[BUCKETS];

/* The programs cannot go on without us: they are killed. */
void out_of_memory(void)
{
	fprintf(stderr, "ruring-run: out of memory\n");
	_exit(1);
}

static void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		out_of_memory();
	return p;
}

static struct space *space_new(void)
{
	struct space *space = xcalloc(1, sizeof(*space));

	space->refs = 1;
	return space;
}

void space_add_region(struct space *space, __u64 address)
{
	struct region *region = xcalloc(1, sizeof(*region));

	region->address = address;
	region->free = REGION_SLOTS;
	region->next = space->regions;
	space->regions = region;
}

struct area *space_add_area(struct space *space, __u64 address)
{
	struct area *area = xcalloc(1, sizeof(*area));

	area->address = address;
	area->next = space->areas;
	space->areas = area;
	return area;
}

/* A fork has our regions where its parent has them, and no call in flight. */
static struct space *space_copy(const struct space *from)
{
	struct space *space = space_new();
	const struct region *region;
	const struct area *area;
	struct area *copy;

	for (region = from->regions; region; region = region->next)
		space_add_region(space, region->address);
	for (area = from->areas; area; area = area->next) {
		copy = space_add_area(space, area->address);
		copy->nr_sites = area->nr_sites;
		memcpy(copy->sites, area->sites, sizeof(copy->sites));
	}
	space->no_areas = from->no_areas;
	space->detaching = from->detaching;
	space->nr_known = from->nr_known;
	memcpy(space->known, from->known, sizeof(space->known));
	return space;
}

static void space_put(struct space *space)
{
	struct region *region;
	struct area *area;

	if (--space->refs)
		return;
	while ((area = space->areas)) {
		space->areas = area->next;
		free(area);
	}
	while ((region = space->regions)) {
		space->regions = region->next;
		free(region);
	}
	free(space);
}

static struct files *files_new(void)
{
	struct files *files = xcalloc(1, sizeof(*files));

	files->refs = 1;
	return files;
}

static void files_put(struct files *files)
{
	if (--files->refs)
		return;
	view_forget(files);
	free(files->dups);
	free(files);
}

bool slot_get(struct task *task)
{
	struct region *region;
	unsigned int i;

	if (task->slot)
		return true;
	for (region = task->space->regions; region; region = region->next) {
		if (!region->free)
			continue;
		for (i = 0; region->used[i]; i++)
			;
		region->used[i] = true;
		region->free--;
		task->slot = region->address + REGION_INJECT + i * SLOT_SIZE;
		return true;
	}
	return false;
}

static void slot_put(struct task *task)
{
	struct region *region;
	__u64 slot = task->slot;

	task->slot = 0;
	for (region = task->space->regions; region; region = region->next) {
		if (slot - region->address >= REGION_SIZE)
			continue;
		slot -= region->address + REGION_INJECT;
		region->used[slot / SLOT_SIZE] = false;
		region->free++;
		return;
	}
}

static struct task **find(pid_t tid)
{
	struct task **p = &buckets[tid % BUCKETS];

	while (*p && (*p)->tid != tid)
		p = &(*p)->next;
	return p;
}

struct task *task_find(pid_t tid)
{
	return *find(tid);
}

struct task *task_add(pid_t tid)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->tid = tid;
	task->space = space_new();
	task->files = files_new();
	memset(task->ring_fds, -1, sizeof(task->ring_fds));
	task->next = buckets[tid % BUCKETS];
	buckets[tid % BUCKETS] = task;
	return task;
}

void task_inherit(struct task *child, struct task *parent, __u64 clone_flags)
{
	child->traps = parent->traps;
	/* It may have been released by then, and have made calls already. */
	if (!child->space->regions && !child->space->areas) {
		space_put(child->space);
		if (clone_flags & CLONE_VM) {
			child->space = parent->space;
			child->space->refs++;
		} else {
			child->space = space_copy(parent->space);
		}
	}
	/* What is not there any more is found out when it is wanted. */
	if (!child->files->device)
		child->files->device = parent->files->device;
	child->files->setups += parent->files->setups;
	if (clone_flags & CLONE_FILES) {
		ring_fds_copy(parent->files, child->files, false);
		view_copy(parent->files, child->files, true);
		parent->files->device = child->files->device;
		parent->files->setups = child->files->setups;
		files_put(child->files);
		child->files = parent->files;
		child->files->refs++;
	} else {
		ring_fds_copy(child->files, parent->files, true);
		view_copy(child->files, parent->files, false);
	}
}

void task_exec(struct task *task, struct task *former)
{
	if (former && former != task)
		task_remove(former);
	slot_put(task);
	ring_fds_abandon(task);
	view_close(task);
	space_put(task->space);
	files_put(task->files);
	task->space = space_new();
	task->files = files_new();
	task->has_context = false;
	task->call = CALL_NONE;
	task->at_entry = false;
	task->let_pass = false;
	task->interrupted = false;
	task->injecting = false;
}

void task_interrupt_others(const struct task *task)
{
	struct task *other;
	unsigned int i;

	for (i = 0; task->space->refs > 1 && i < BUCKETS; i++) {
		for (other = buckets[i]; other; other = other->next) {
			if (other != task && other->space == task->space)
				site_interrupt(other);
		}
	}
}

void task_stop_all(const struct space *space)
{
	struct task *task;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		for (task = buckets[i]; task; task = task->next) {
			if (task->space != space)
				continue;
			task->interrupted = true;
			ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
		}
	}
}

void task_release_orphans(void)
{
	struct task *task;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		for (task = buckets[i]; task; task = task->next) {
			if (!task->held)
				continue;
			task->orphan = false;
			task->held = false;
			resume(task, 0);
		}
	}
}

void task_remove(struct task *task)
{
	*find(task->tid) = task->next;
	ring_fds_abandon(task);
	slot_put(task);
	view_close(task);
	if (task->pidfd > 0)
		close(task->pidfd);
	space_put(task->space);
	files_put(task->files);
	free(task->opcodes);
	free(task);
}
