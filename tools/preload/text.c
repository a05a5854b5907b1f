// SPDX-License-Identifier: GPL-2.0
/*
 * Finds call sites in the program's text, and rewrites them.
 *
 * What is looked for can be told from anything else: the number of one of the three
 * calls going into eax, and a "syscall" a few instructions on; and the C
 * library's syscall(). Nothing runs there yet: the library is started before any
 * other, and before a symbol of what is loaded later can be asked for.
 *
 * The new instructions are in a memfd, written to as a file and mapped to be
 * executed. A page of text is writable for a moment; where a policy is against
 * that, a copy takes its place, in a memfd as well.
 */
#include <linux/fcntl.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../run/code.h"
#include "../run/stub.h"
#include "preload.h"

#define MAX_TEXTS	1024
#define MAX_AREAS	64
#define AREA_SIZE	(4 * PAGE_BYTES)

/* How far from a call the number may have been put into the register it comes from. */
#define HOISTED_MAX	4096

/* Memory for instructions, begins with two jumps that reach everything. */
#define AREA_ENTER	0
#define AREA_OTHERS	16
#define AREA_SITES	32

static struct area {
	__u64 address;
	__u64 used;
	int fd;			/* while there is something to be written */
} areas[MAX_AREAS];
static unsigned int nr_areas;

/* What has been looked through. */
static struct text {
	__u64 start;
	__u64 end;
} texts[MAX_TEXTS];
static unsigned int nr_texts;

static bool has_failed;

struct reader {
	int fd;
	unsigned int at;
	unsigned int len;
	char buffer[1024];
};

static int next_char(struct reader *reader)
{
	long ret;

	if (reader->at == reader->len) {
		ret = raw_call(__NR_read, reader->fd, (long)reader->buffer,
			       sizeof(reader->buffer), 0, 0, 0);
		if (ret <= 0)
			return -1;
		reader->at = 0;
		reader->len = ret;
	}
	return reader->buffer[reader->at++];
}

static bool maps_open(struct reader *reader)
{
	*reader = (struct reader) { };
	reader->fd = raw_call(__NR_openat, AT_FDCWD, (long)"/proc/self/maps",
			      O_RDONLY | O_CLOEXEC, 0, 0, 0);
	return reader->fd >= 0;
}

static bool next_mapping(struct reader *reader, struct mapping *mapping)
{
	char line[128];
	unsigned int len = 0;
	int c;

	while ((c = next_char(reader)) >= 0 && c != '\n') {
		if (len < sizeof(line) - 1)
			line[len++] = c;
	}
	line[len] = '\0';
	return len && mapping_parse(line, mapping);
}

static void close(int fd)
{
	raw_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

/* A file in memory, mapped at @address to be executed: its descriptor. */
static long map_file(__u64 address, size_t size, int flags, const void *content)
{
	long fd, ret;

	fd = raw_call(__NR_memfd_create, (long)"libruring", MFD_CLOEXEC, 0, 0,
		      0, 0);
	if (fd < 0)
		return fd;
	ret = raw_call(__NR_ftruncate, fd, size, 0, 0, 0, 0);
	if (!ret && content &&
	    raw_call(__NR_pwrite64, fd, (long)content, size, 0, 0, 0) !=
	    (long)size)
		ret = -EIO;
	if (!ret)
		ret = raw_call(__NR_mmap, address, size, PROT_READ | PROT_EXEC,
			       flags, fd, 0);
	if (ret == (long)address)
		return fd;
	close(fd);
	return ret < 0 ? ret : -EEXIST;
}

static bool write_area(const struct area *area, __u64 at, const void *code,
		       size_t len)
{
	return raw_call(__NR_pwrite64, area->fd, (long)code, len,
			at - area->address, 0, 0) == (long)len;
}

/* jmp *0(%rip), to any address */
static bool put_far_jump(const struct area *area, __u64 at, const void *target)
{
	__u8 code[14] = { 0xff, 0x25 };

	__builtin_memcpy(code + 6, &target, sizeof(target));
	return write_area(area, area->address + at, code, sizeof(code));
}

/* A page, or two, with a jump in it, in the place of the one that there is. */
static bool replace_text(__u64 start, size_t size, __u64 at,
			 const __u8 jump[JUMP_SIZE])
{
	static __u8 copy[2 * PAGE_BYTES];
	long fd;

	__builtin_memcpy(copy, (void *)start, size);
	__builtin_memcpy(copy + (at - start), jump, JUMP_SIZE);
	fd = map_file(start, size, MAP_PRIVATE | MAP_FIXED, copy);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool write_text(__u64 at, const __u8 jump[JUMP_SIZE])
{
	__u64 start = at & ~(PAGE_BYTES - 1);
	size_t size = ((at + JUMP_SIZE - 1) | (PAGE_BYTES - 1)) + 1 - start;
	__u64 *word = (__u64 *)(at & ~7UL), value;

	if (raw_call(__NR_mprotect, start, size,
		     PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0))
		return replace_text(start, size, at, jump);
	if (at % 8 + JUMP_SIZE <= 8) {
		/* All at once, if it happens to lie so. */
		value = *word;
		__builtin_memcpy((__u8 *)&value + at % 8, jump, JUMP_SIZE);
		__atomic_store_n(word, value, __ATOMIC_RELEASE);
	} else {
		__builtin_memcpy((void *)at, jump, JUMP_SIZE);
	}
	return !raw_call(__NR_mprotect, start, size, PROT_READ | PROT_EXEC, 0,
			 0, 0);
}

static struct area *map_area(__u64 call)
{
	struct gap gap = {
		.call = call,
		.size = AREA_SIZE,
		.end = 16 * PAGE_BYTES,
	};
	struct mapping mapping;
	struct reader reader;
	struct area *area;
	long fd;

	if (nr_areas == MAX_AREAS || !maps_open(&reader))
		return NULL;
	while (next_mapping(&reader, &mapping) && gap_next(&gap, &mapping))
		;
	close(reader.fd);
	if (!gap.free)
		return NULL;
	fd = map_file(gap.free, AREA_SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE, NULL);
	if (fd < 0)
		return NULL;
	area = &areas[nr_areas++];
	*area = (struct area) { gap.free, AREA_SITES, fd };
	if (!put_far_jump(area, AREA_ENTER, stub_plain) ||
	    !put_far_jump(area, AREA_OTHERS, process_entry))
		return NULL;
	return area;
}

static struct area *area_near(__u64 call)
{
	unsigned int i;

	for (i = 0; i < nr_areas; i++) {
		if (areas[i].fd >= 0 && code_reaches(areas[i].address, call) &&
		    areas[i].used + CODE_MAX <= AREA_SIZE)
			return &areas[i];
	}
	return map_area(call);
}

static void rewrite(const struct site *site)
{
	__u8 code[CODE_MAX], jump[JUMP_SIZE];
	struct area *area = area_near(site->call);
	struct targets targets;
	unsigned int len;
	__u64 at;

	if (!area) {
		has_failed = true;
		return;
	}
	at = area->address + area->used;
	targets.enter = code_reaches(at, (__u64)stub_plain) ?
		(__u64)stub_plain : area->address + AREA_ENTER;
	targets.others = code_reaches(at, (__u64)process_entry) ?
		(__u64)process_entry : area->address + AREA_OTHERS;
	targets.setup = true;
	len = code_assemble(code, at, site, &targets);
	code_jump(jump, site->start, at);
	if (!write_area(area, at, code, len) || !write_text(site->start, jump)) {
		has_failed = true;
		return;
	}
	area->used += (len + 15) & ~15;
}

static bool is_number(const __u8 *at)
{
	__u32 number;

	__builtin_memcpy(&number, at, sizeof(number));
	return number >= __NR_io_uring_setup && number <= __NR_io_uring_register;
}

/* Does a jump in this text, whatever its bytes are, go there? */
static bool is_jumped_to(const struct text *text, const __u8 *target)
{
	const __u8 *at = (const __u8 *)text->start + 2;
	const __u8 *end = (const __u8 *)text->end - sizeof(__s32);
	__s32 distance;

	for (; at < end; at++) {
		if (at + 1 + (__s8)at[0] == target &&
		    ((at[-1] >= 0x70 && at[-1] <= 0x7f) || at[-1] == 0xeb ||
		     (at[-1] >= 0xe0 && at[-1] <= 0xe3)))
			return true;
		__builtin_memcpy(&distance, at, sizeof(distance));
		if (at + sizeof(distance) + distance == target &&
		    (at[-1] == 0xe8 || at[-1] == 0xe9 ||
		     (at[-2] == 0x0f && (at[-1] & 0xf0) == 0x80)))
			return true;
	}
	return false;
}

/*
 * mov %rNd, %eax; syscall: the number was put into rNd before a loop. The jump takes
 * the place of both instructions, so nobody may go to the second.
 */
static bool is_hoisted(const struct text *text, const __u8 *call)
{
	const __u8 *at;

	if (call[-3] != 0x44 || call[-2] != 0x89 || (call[-1] & 0xc7) != 0xc0)
		return false;
	for (at = call - 9; at > (const __u8 *)text->start &&
	     at > call - HOISTED_MAX; at--) {
		if (at[0] == 0x41 && at[1] == (0xb8 | (call[-1] >> 3 & 7)) &&
		    is_number(at + 2))
			return !is_jumped_to(text, call);
	}
	return false;
}

/* syscall(): its first argument goes to rax, its last one comes from the stack. */
static bool is_library_call(const __u8 *call)
{
	const __u8 *at = call - JUMP_SIZE;

	if (*at == 0xb8 || !code_displaceable(at, at[-1]))
		return false;
	for (; at > call - 32; at--) {
		if (at[0] == 0x48 && at[1] == 0x89 && at[2] == 0xf8)
			return true;
	}
	return false;
}

/* mov $N, %eax, so near before the call that nothing jumps in between: how far before it. */
static unsigned int number_before(const __u8 *call)
{
	unsigned int len;

	for (len = JUMP_SIZE; len <= DISPLACED_MAX; len++) {
		if (call[-(int)len] == 0xb8 && is_number(call - len + 1) &&
		    code_displaceable(call - len, call[-1 - (int)len]) &&
		    code_straight(call - len, DISPLACED_MAX + 16) == len)
			return len;
	}
	return 0;
}

/* Can the call whose "syscall" this is be rewritten? */
static bool find_site(const struct text *text, const __u8 *call, struct site *site)
{
	*site = (struct site) { .call = (__u64)call };
	site->len = number_before(call);
	if (!site->len && is_library_call(call)) {
		site->len = JUMP_SIZE;
	} else if (!site->len && is_hoisted(text, call)) {
		site->len = JUMP_SIZE - SYSCALL_INSN_SIZE;
		site->with_call = true;
	}
	if (!site->len)
		return false;
	site->start = site->call - site->len;
	__builtin_memcpy(site->displaced, (const void *)site->start, site->len);
	return true;
}

#define EACH_BYTE(value)	((value) * 0x0101010101010101ULL)

/*
 * The first "syscall" from @at on, or @end. All text of a program is looked through before it runs, tens of megabytes
 * of many, so that this takes eight bytes at a time.
 */
static const __u8 *next_call(const __u8 *at, const __u8 *end)
{
	__u64 first, second, other;

	for (; at + sizeof(first) < end; at += sizeof(first)) {
		__builtin_memcpy(&first, at, sizeof(first));
		__builtin_memcpy(&second, at + 1, sizeof(second));
		/* A byte of this is zero where a "syscall" begins. */
		other = (first ^ EACH_BYTE(0x0f)) | (second ^ EACH_BYTE(0x05));
		if ((other - EACH_BYTE(0x01)) & ~other & EACH_BYTE(0x80))
			break;
	}
	while (at < end && (at[0] != 0x0f || at[1] != 0x05))
		at++;
	return at;
}

static void look_through(const struct text *text)
{
	const __u8 *at = (const __u8 *)text->start + DISPLACED_MAX + 1;
	const __u8 *end = (const __u8 *)text->end - DISPLACED_MAX - 16;
	struct site site;

	for (; (at = next_call(at, end)) < end; at++) {
		if (find_site(text, at, &site))
			rewrite(&site);
	}
}

static bool is_known(const struct mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < nr_texts; i++) {
		if (mapping->start >= texts[i].start &&
		    mapping->end <= texts[i].end)
			return true;
	}
	/* The library's own calls are the kernel's. */
	return (__u64)process_entry >= mapping->start &&
	       (__u64)process_entry < mapping->end;
}

static void rewrite_new(void)
{
	unsigned int i = nr_texts;
	struct mapping mapping;
	struct reader reader;

	if (!maps_open(&reader))
		return;
	while (nr_texts < MAX_TEXTS && next_mapping(&reader, &mapping)) {
		if (mapping.text && !is_known(&mapping))
			texts[nr_texts++] = (struct text) {
				mapping.start, mapping.end
			};
	}
	close(reader.fd);
	has_failed = false;
	for (; !has_failed && i < nr_texts; i++)
		look_through(&texts[i]);
	for (i = 0; i < nr_areas; i++) {
		if (areas[i].fd >= 0)
			close(areas[i].fd);
		areas[i].fd = -1;
	}
	if (has_failed)
		complain("the program's text cannot be rewritten: its calls of io_uring are left alone");
}

/* How many objects have been loaded, and unloaded. */
struct loaded {
	unsigned long long adds;
	unsigned long long subs;
};

static int see(struct dl_phdr_info *info, size_t size, void *data)
{
	struct loaded *loaded = data;

	(void)size;
	loaded->adds = info->dlpi_adds;
	loaded->subs = info->dlpi_subs;
	return 1;
}

void text_rewrite(void)
{
	static struct loaded before;
	static int lock;
	struct loaded now = { };

	if (!has_device)
		return;
	if (dl_iterate_phdr)
		dl_iterate_phdr(see, &now);
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		raw_call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	/* Something else may be where something was. */
	if (now.subs != before.subs)
		nr_texts = 0;
	if (!nr_texts || now.adds != before.adds)
		rewrite_new();
	before = now;
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}
