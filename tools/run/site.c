// SPDX-License-Identifier: GPL-2.0
/*
 * Call sites that are rewritten, to make calls without a stop.
 *
 * Where a thread has stopped for io_uring_enter(), the instruction before its
 * "syscall" may be one that a jump of five bytes can take the place of, to a few
 * instructions of our own within reach. These do what the displaced one did. If
 * it is io_uring_enter() that is called they go on to stub.c, else they make the
 * call that was to be made. The "syscall" itself stays: who jumps to it directly
 * stops as before, and so does what is not certain.
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
#include <linux/io_uring.h>

#include "run.h"
#include "stub.h"

#define PAGE_BYTES	4096UL
#define JUMP_SIZE	5
#define JUMP		0xe9

/* What a jump reaches, with a page to spare. */
#define REACH		(0x7fffffffUL - PAGE_BYTES)

/* Where in an area what belongs to a site is, behind the instructions of stub.c. */
#define SITES_AT	512UL
#define SITE_SIZE	64UL
_Static_assert(SITES_AT + AREA_SITES * SITE_SIZE == PAGE_BYTES,
	       "an area is full of sites");

/* Offsets into that: before the call that is not ours, behind it, to stub.c. */
#define OTHER_CALL	14
#define OTHER_BACK	16
#define OURS		21

/* A stretch of addresses that is mapped. */
struct mapping {
	__u64 start;
	__u64 end;
	bool text;		/* of a file, executable, not writable, private */
	bool stack;
};

static FILE *open_maps(const struct task *task)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", task->tid);
	return fopen(path, "re");
}

static bool next_mapping(FILE *maps, struct mapping *mapping)
{
	unsigned long start, end, inode;
	char line[512], flags[5];
	int c;

	if (!fgets(line, sizeof(line), maps))
		return false;
	/* A long name goes on. */
	if (!strchr(line, '\n')) {
		while ((c = getc(maps)) != EOF && c != '\n')
			;
	}
	if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, flags,
		   &inode) != 4)
		return false;
	mapping->start = start;
	mapping->end = end;
	mapping->text = inode && !strcmp(flags, "r-xp");
	mapping->stack = strstr(line, "[stack]");
	return true;
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
	struct mapping mapping;
	FILE *maps = open_maps(task);
	__u64 end = 16 * PAGE_BYTES, page = 0;

	if (!maps)
		return 0;
	while (next_mapping(maps, &mapping) && mapping.start <= call) {
		/* With a gap between, for what has one of its own. */
		if (mapping.start >= end + 2 * PAGE_BYTES && !mapping.stack)
			page = mapping.start - PAGE_BYTES;
		end = mapping.end;
	}
	fclose(maps);
	return page && call - page < REACH ? page : 0;
}

static bool reaches(const struct area *area, __u64 call)
{
	__u64 distance = call > area->address ? call - area->address :
		area->address - call;

	return distance < REACH;
}

static struct area *area_near(const struct task *task, __u64 call)
{
	struct area *area = task->space->areas;

	while (area && (!reaches(area, call) || area->nr_sites == AREA_SITES))
		area = area->next;
	return area;
}

/* Write into memory that the program cannot write to. */
static int poke(const struct task *task, __u64 at, const void *from, size_t len)
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

/*
 * Is this, just before a "syscall", an instruction of five bytes that does the same
 * anywhere? @before is the byte in front of it, which may be its first one.
 */
static bool displaceable(const __u8 *insn, __u8 before)
{
	/* mov $N, %eax, not behind a prefix that makes it another register */
	if (insn[0] == 0xb8)
		return before < 0x40 || before > 0x4f;
	/* mov N(%rsp), %r8 to %r10 */
	return insn[0] == 0x4c && insn[1] == 0x8b && insn[3] == 0x24 &&
	       (insn[2] == 0x44 || insn[2] == 0x4c || insn[2] == 0x54);
}

static void put_jump(__u8 *at, __u64 address, __u64 target)
{
	__s32 distance = target - (address + JUMP_SIZE);

	at[0] = JUMP;
	memcpy(at + 1, &distance, sizeof(distance));
}

/*
 *	0	the displaced instruction
 *	5	lea	-io_uring_enter(%rax), %rcx
 *	12	jrcxz	21
 *	14	syscall
 *	16	jmp	back
 *	21	lea	back(%rip), %rcx
 *	28	jmp	stub_plain
 */
static void assemble(__u8 code[SITE_SIZE], __u64 at, const __u8 *displaced,
		     __u64 back, __u64 stub)
{
	static const __u8 compare[] = { 0x48, 0x8d, 0x88 };
	static const __u8 branch[] = { 0xe3, OURS - OTHER_CALL, 0x0f, 0x05 };
	static const __u8 load[] = { 0x48, 0x8d, 0x0d };
	__s32 value = -__NR_io_uring_enter;

	memset(code, 0xcc, SITE_SIZE);
	memcpy(code, displaced, JUMP_SIZE);
	memcpy(code + 5, compare, sizeof(compare));
	memcpy(code + 8, &value, sizeof(value));
	memcpy(code + 12, branch, sizeof(branch));
	put_jump(code + OTHER_BACK, at + OTHER_BACK, back);
	value = back - (at + OURS + 7);
	memcpy(code + OURS, load, sizeof(load));
	memcpy(code + OURS + 3, &value, sizeof(value));
	put_jump(code + 28, at + 28, stub);
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

/* Rewrite the call at @call, while no other thread executes anything. */
static int rewrite(struct task *task, struct area *area, __u64 call,
		   const __u8 *displaced)
{
	__u64 at = area->address + SITES_AT + area->nr_sites * SITE_SIZE;
	__u8 code[SITE_SIZE], jump[JUMP_SIZE];
	int ret;

	assemble(code, at, displaced, call + SYSCALL_INSN_SIZE,
		 area->address + (stub_plain - stub_begin));
	ret = poke(task, at, code, sizeof(code));
	if (ret)
		return ret;
	put_jump(jump, call - JUMP_SIZE, at);
	task_interrupt_others(task);
	ret = poke(task, call - JUMP_SIZE, jump, sizeof(jump));
	if (!ret)
		area->sites[area->nr_sites++] = call;
	return ret;
}

/* Can the call at @call be rewritten? Then @displaced is what is in the way. */
static bool read_site(const struct task *task, __u64 call, __u8 *displaced)
{
	__u8 bytes[1 + JUMP_SIZE + SYSCALL_INSN_SIZE];

	if (memory_read(task, call - JUMP_SIZE - 1, bytes, sizeof(bytes)) ||
	    bytes[6] != 0x0f || bytes[7] != 0x05 ||
	    !displaceable(bytes + 1, bytes[0]))
		return false;
	memcpy(displaced, bytes + 1, JUMP_SIZE);
	return is_text(task, call - JUMP_SIZE, call + SYSCALL_INSN_SIZE);
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

bool site_stopped(struct task *task)
{
	struct space *space = task->space;
	__u64 call = task->saved.rip - SYSCALL_INSN_SIZE;
	bool can_rewrite, is_index;
	__u8 displaced[JUMP_SIZE];
	struct area *area;
	int ret;

	/* What an index stands for is known to the tracer alone. */
	is_index = task->saved.r10 & IORING_ENTER_REGISTERED_RING;
	if (is_known(space, call) || (is_index && space->areas))
		return false;
	can_rewrite = !opt.no_rewrite && !is_index &&
		read_site(task, call, displaced);
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
	if (can_rewrite && area && rewrite(task, area, call, displaced) == -ESRCH)
		return true;
	space->known[space->nr_known++] = call;
	return false;
}

/* The site whose instructions these are, and how far into them: or 0. */
static __u64 find(const struct task *task, __u64 ip, unsigned int *offset)
{
	const struct area *area;
	__u64 at;

	for (area = task->space->areas; area; area = area->next) {
		at = ip - area->address - SITES_AT;
		if (at >= area->nr_sites * SITE_SIZE)
			continue;
		*offset = at % SITE_SIZE;
		return area->sites[at / SITE_SIZE];
	}
	return 0;
}

bool site_leave(const struct task *task, struct user_regs_struct *regs)
{
	unsigned int offset;
	__u64 call = find(task, regs->rip, &offset);

	if (!call)
		return false;
	if (!offset)
		regs->rip = call - JUMP_SIZE;
	else if (offset == OTHER_BACK)
		regs->rip = call + SYSCALL_INSN_SIZE;
	else
		regs->rip = call;
	return true;
}
