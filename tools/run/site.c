// SPDX-License-Identifier: GPL-2.0
/*
 * Call sites that are rewritten, to make calls without a stop.
 *
 * Where a thread has stopped for io_uring_enter() or io_uring_register(), an instruction before its
 * "syscall" may be one that a jump can take the place of, to a few instructions
 * of our own within reach: see code.c. These do what the displaced ones did. If
 * it is one of the two that is called they go on to stub.c, else back to the
 * "syscall". That stays where it is: who jumps to it directly stops as before, and
 * so does what is not certain.
 *
 * Only a program's own files are rewritten, where they are mapped for execution
 * and not for writing: memory that the program has made itself may become
 * something else at any time.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "code.h"
#include "run.h"
#include "stub.h"

/* Where in an area what belongs to a site is, behind the instructions of stub.c. */
#define SITES_AT	512UL
#define SITE_SIZE	128UL
/* What of that stands for the displaced instructions may be as long as this. */
#define SITE_DISPLACED	(DISPLACED_MAX + 1)
_Static_assert(CODE_MAX <= SITE_SIZE, "a site has room for its instructions");
_Static_assert(SITES_AT + AREA_SITES * SITE_SIZE == PAGE_BYTES,
	       "an area is full of sites");

static FILE *open_maps(const struct task *task)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", task->tid);
	return fopen(path, "re");
}

static bool next_mapping(FILE *maps, struct mapping *mapping)
{
	char line[512];
	int c;

	if (!fgets(line, sizeof(line), maps))
		return false;
	/* A long name goes on. */
	if (!strchr(line, '\n')) {
		while ((c = getc(maps)) != EOF && c != '\n')
			;
	}
	return mapping_parse(line, mapping);
}

static bool is_text(const struct task *task, __u64 from, __u64 to)
{
	struct mapping mapping;
	bool text = false;
	FILE *maps = open_maps(task);

	if (!maps)
		return false;
	while (!text && next_mapping(maps, &mapping))
		text = mapping.text && mapping.start <= from &&
			to <= mapping.end;
	fclose(maps);
	return text;
}

/*
 * A free page near @call, below it: what grows above a program's text is its heap.
 * 0 if there is none.
 */
static __u64 free_page(const struct task *task, __u64 call)
{
	struct gap gap = {
		.call = call,
		.size = PAGE_BYTES,
		.end = 16 * PAGE_BYTES,
	};
	struct mapping mapping;
	FILE *maps = open_maps(task);

	if (!maps)
		return 0;
	while (next_mapping(maps, &mapping) && gap_next(&gap, &mapping))
		;
	fclose(maps);
	return gap.free;
}

static struct area *area_near(const struct task *task, __u64 call)
{
	struct area *area = task->space->areas;

	while (area && (!code_reaches(area->address, call) ||
			area->nr_sites == AREA_SITES))
		area = area->next;
	return area;
}

int poke(const struct task *task, __u64 at, const void *from, size_t len)
{
	const char *bytes = from;
	size_t part;
	long word;

	for (; len; at += part, bytes += part, len -= part) {
		part = len < sizeof(word) ? len : sizeof(word);
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, task->tid, at, NULL);
		if (errno)
			return -errno;
		memcpy(&word, bytes, part);
		if (ptrace(PTRACE_POKEDATA, task->tid, at, word))
			return -errno;
	}
	return 0;
}

/*
 * Map an area, near @call if there is room, and put the instructions of stub.c
 * there: 0 if it is there, -EPERM if a policy is against it.
 */
static int map_area(struct task *task, __u64 call)
{
	__u64 near = free_page(task, call);
	long address;

	address = inject(task, __NR_mmap, near, PAGE_BYTES,
			 PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS |
			 (near ? MAP_FIXED_NOREPLACE : 0), -1, 0);
	if (address == -ESRCH)
		return -ESRCH;
	if (address < 0 && address > -4096)
		return -EPERM;
	stub_instructions();
	if (poke(task, address, stub_begin, stub_end - stub_begin))
		return -EPERM;
	space_add_area(task->space, address);
	return 0;
}

static char state(pid_t tid)
{
	char path[64], line[256], *end, state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return state;
	if (fgets(line, sizeof(line), file)) {
		end = strrchr(line, ')');
		if (end)
			state = end[2];
	}
	fclose(file);
	return state;
}

void site_interrupt(struct task *other)
{
	char now = state(other->tid);

	if (now == 't' || now == 'T' || now == 'Z' || now == 'X')
		return;
	other->interrupted = true;
	ptrace(PTRACE_INTERRUPT, other->tid, NULL, NULL);
	/*
	 * One that sleeps stops before it executes any instruction of its own, and
	 * need not be waited for.
	 */
	while (state(other->tid) == 'R')
		sched_yield();
}

/* Rewrite a call, while no other thread executes anything. */
static int rewrite(struct task *task, struct area *area, const struct site *site)
{
	__u64 at = area->address + SITES_AT + area->nr_sites * SITE_SIZE;
	struct targets targets = {
		.enter = area->address + (stub_plain - stub_begin),
		.others = area->address + (stub_registration - stub_begin),
	};
	__u8 code[CODE_MAX], jump[JUMP_SIZE];
	unsigned int len;
	int ret;

	len = code_assemble(code, at, site, &targets);
	ret = poke(task, at, code, len);
	if (ret)
		return ret;
	code_jump(jump, site->start, at);
	task_interrupt_others(task);
	ret = poke(task, site->start, jump, sizeof(jump));
	if (!ret)
		area->sites[area->nr_sites++] = (struct area_site) {
			site->start, site->call
		};
	return ret;
}

/* Can the call at @call be rewritten? Then @site says how. */
static bool read_site(const struct task *task, __u64 call, struct site *site)
{
	/* So much in front of it, and enough behind it for code_straight(). */
	__u8 bytes[SITE_DISPLACED + DISPLACED_MAX + 16];
	const __u8 *here = bytes + SITE_DISPLACED;
	unsigned int len;

	memset(bytes, 0, sizeof(bytes));
	if (memory_read(task, call - SITE_DISPLACED, bytes,
			SITE_DISPLACED + SYSCALL_INSN_SIZE) ||
	    here[0] != 0x0f || here[1] != 0x05)
		return false;
	for (len = JUMP_SIZE; len < SITE_DISPLACED; len++) {
		if ((len == JUMP_SIZE &&
		     code_displaceable(here - len, here[-1 - (int)len])) ||
		    (code_straight(here - len, sizeof(bytes)) == len &&
		     code_displaceable(here - len, here[-1 - (int)len])))
			break;
	}
	if (len == SITE_DISPLACED)
		return false;
	*site = (struct site) {
		.start = call - len,
		.call = call,
		.len = len,
	};
	memcpy(site->displaced, here - len, len);
	return is_text(task, site->start, call + SYSCALL_INSN_SIZE);
}

static bool is_known(const struct space *space, __u64 call)
{
	unsigned int i;

	for (i = 0; i < space->nr_known; i++) {
		if (space->known[i] == call)
			return true;
	}
	return space->nr_known == MAX_KNOWN;
}

bool site_stopped(struct task *task, bool is_index)
{
	struct space *space = task->space;
	__u64 call = task->saved.rip - SYSCALL_INSN_SIZE;
	bool can_rewrite;
	struct area *area;
	struct site site;
	int ret;

	/* What an index stands for is known to the tracer alone. */
	if (is_known(space, call) || (is_index && space->areas))
		return false;
	can_rewrite = !opt.no_rewrite && !is_index &&
		read_site(task, call, &site);
	area = area_near(task, call);
	if (!area && (can_rewrite || !space->areas) && !space->no_areas) {
		ret = inject_begin(task);
		if (!ret)
			ret = map_area(task, call);
		if (ret == -ESRCH)
			return true;
		/* Not again, neither here nor for another site. */
		area = area_near(task, call);
		space->no_areas = ret || !area;
		inject_again(task);
		return true;
	}
	if (can_rewrite && area && rewrite(task, area, &site) == -ESRCH)
		return true;
	space->known[space->nr_known++] = call;
	return false;
}

/* The site whose instructions these are, and how far into them: or NULL. */
static const struct area_site *find(const struct task *task, __u64 ip,
				    unsigned int *offset)
{
	const struct area *area;
	__u64 at;

	for (area = task->space->areas; area; area = area->next) {
		at = ip - area->address - SITES_AT;
		if (at >= area->nr_sites * SITE_SIZE)
			continue;
		*offset = at % SITE_SIZE;
		return &area->sites[at / SITE_SIZE];
	}
	return NULL;
}

bool site_leave(const struct task *task, struct user_regs_struct *regs)
{
	unsigned int offset;
	const struct area_site *site = find(task, regs->rip, &offset);

	if (!site)
		return false;
	/* What was displaced comes first, as it was. */
	regs->rip = site->start + offset;
	if (regs->rip > site->call)
		regs->rip = site->call;
	return true;
}
