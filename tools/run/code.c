// SPDX-License-Identifier: GPL-2.0
/*
 * Call sites: which can be rewritten, and to what.
 *
 * A jump of five bytes takes the place of an instruction in front of a "syscall",
 * and goes to instructions within its reach. They do what was displaced, and
 * then the call. Nobody can tell which instructions are jumped to from elsewhere;
 * so the jump takes the place of one instruction only, and all others stay where
 * they are: who jumps to one of them makes the call as it was.
 *
 * Nothing here needs a C library.
 */
#include <string.h>
#include <sys/syscall.h>

#include "code.h"
#include "stub.h"

#define JUMP		0xe9

/* The ModRM bytes of loads from N(%rsp). */
#define LOAD_R8		0x44
#define LOAD_R9		0x4c
#define LOAD_R10	0x54

bool code_displaceable(const __u8 *insn, __u8 before)
{
	/* mov $N, %eax, not behind a prefix that makes it another register */
	if (insn[0] == 0xb8)
		return before < 0x40 || before > 0x4f;
	/* mov N(%rsp), %r8 to %r10 */
	return insn[0] == 0x4c && insn[1] == 0x8b && insn[3] == 0x24 &&
	       (insn[2] == LOAD_R8 || insn[2] == LOAD_R9 ||
		insn[2] == LOAD_R10);
}

/* What follows an opcode: a ModRM byte, and how long a constant; or that it is not known. */
#define MODRM		0x10
#define UNKNOWN		0xff

/* Instructions of one byte that compilers put there, none of which jumps. */
static __u8 one_byte(__u8 opcode, bool wide)
{
	/* add, or, and, sub, xor, cmp: of registers and memory */
	if (opcode < 0x40 && (opcode & 7) < 4)
		return MODRM;
	if (opcode < 0x40 && (opcode & 7) == 4)
		return 1;
	if (opcode < 0x40 && (opcode & 7) == 5)
		return 4;
	/* push, pop */
	if (opcode >= 0x50 && opcode <= 0x5f)
		return 0;
	if (opcode >= 0xb8 && opcode <= 0xbf)
		return wide ? 8 : 4;
	switch (opcode) {
	case 0x63: /* movslq */
	case 0x84: case 0x85: /* test */
	case 0x88: case 0x89: case 0x8a: case 0x8b: /* mov */
	case 0x8d: /* lea */
	case 0xd1:
		return MODRM;
	case 0x6b: case 0x80: case 0x83: case 0xc0: case 0xc1: case 0xc6:
		return MODRM + 1;
	case 0x69: case 0x81: case 0xc7:
		return MODRM + 4;
	case 0x90: case 0x98: case 0x99:
		return 0;
	case 0x6a: case 0xa8:
		return 1;
	case 0x68: case 0xa9:
		return 4;
	}
	return UNKNOWN;
}

/* Those of two bytes, behind 0f. */
static __u8 two_bytes(__u8 opcode)
{
	/* cmov, set, moves of vectors */
	if ((opcode >= 0x40 && opcode <= 0x4f) ||
	    (opcode >= 0x90 && opcode <= 0x9f) ||
	    (opcode >= 0x10 && opcode <= 0x17) ||
	    (opcode >= 0x54 && opcode <= 0x57))
		return MODRM;
	switch (opcode) {
	case 0x1f: case 0x28: case 0x29: case 0x6e: case 0x6f: case 0x7e:
	case 0x7f: case 0xaf: case 0xb6: case 0xb7: case 0xbe: case 0xbf:
	case 0x6c: case 0xd6: case 0xef:
		return MODRM;
	case 0x70: case 0xc6:
		return MODRM + 1;
	}
	return UNKNOWN;
}

/* How long a ModRM byte is with what belongs to it; 0 if it goes by the address. */
static unsigned int modrm_length(const __u8 *at)
{
	unsigned int mod = at[0] >> 6, rm = at[0] & 7, len = 1;

	if (mod == 3)
		return 1;
	if (rm == 4) {
		len++;
		if (mod == 0 && (at[1] & 7) == 5)
			len += 4;
	} else if (mod == 0 && rm == 5) {
		return 0;
	}
	if (mod == 1)
		len += 1;
	else if (mod == 2)
		len += 4;
	return len;
}

/* The length of an instruction that does the same anywhere, 0 if it may not. */
static unsigned int length(const __u8 *insn)
{
	bool half = false, wide = false;
	unsigned int len, more;
	__u8 what;

	for (len = 0; insn[len] == 0x66 || insn[len] == 0xf0 ||
	     insn[len] == 0xf2 || insn[len] == 0xf3; len++)
		half |= insn[len] == 0x66;
	if ((insn[len] & 0xf0) == 0x40)
		wide = insn[len++] & 8;
	if (insn[len] == 0x0f) {
		what = two_bytes(insn[len + 1]);
		len += 2;
	} else {
		what = one_byte(insn[len], wide);
		len++;
	}
	if (what == UNKNOWN)
		return 0;
	/* A constant of 16 bits is one too many. */
	if (half && (what & 0xf) == 4)
		return 0;
	if (what & MODRM) {
		more = modrm_length(insn + len);
		if (!more)
			return 0;
		len += more;
	}
	return len + (what & 0xf);
}

unsigned int code_straight(const __u8 *code, size_t size)
{
	unsigned int at, len;

	if (size < DISPLACED_MAX + 16 || code[0] != 0xb8 || code[2] != 1 ||
	    code[3] || code[4] || code[1] < (__NR_io_uring_setup & 0xff) ||
	    code[1] > (__NR_io_uring_register & 0xff))
		return 0;
	for (at = JUMP_SIZE; at <= DISPLACED_MAX; at += len) {
		if (code[at] == 0x0f && code[at + 1] == 0x05)
			return at;
		len = length(code + at);
		if (!len)
			return 0;
	}
	return 0;
}

void code_jump(__u8 jump[JUMP_SIZE], __u64 address, __u64 target)
{
	__s32 distance = target - (address + JUMP_SIZE);

	jump[0] = JUMP;
	memcpy(jump + 1, &distance, sizeof(distance));
}

bool code_reaches(__u64 from, __u64 to)
{
	return (from > to ? from - to : to - from) < REACH;
}

/* lea -NR(%rax), %rcx; jrcxz +SKIP */
static __u8 *put_test(__u8 *code, int nr, __u8 skip)
{
	static const __u8 compare[] = { 0x48, 0x8d, 0x88 };
	__s32 value = -nr;

	memcpy(code, compare, sizeof(compare));
	memcpy(code + 3, &value, sizeof(value));
	code[7] = 0xe3;
	code[8] = skip;
	return code + 9;
}

/* lea BACK(%rip), %rcx; jmp TARGET */
static __u8 *put_leave(__u8 *code, __u64 address, __u64 back, __u64 target)
{
	static const __u8 load[] = { 0x48, 0x8d, 0x0d };
	__s32 value = back - (address + 7);

	memcpy(code, load, sizeof(load));
	memcpy(code + 3, &value, sizeof(value));
	code_jump(code + 7, address + 7, target);
	return code + 12;
}

/*
 *	the displaced instructions
 *	lea	-io_uring_enter(%rax), %rcx
 *	jrcxz	1f
 *	lea	-io_uring_setup(%rax), %rcx		with setup
 *	jrcxz	2f
 *	lea	-io_uring_register(%rax), %rcx
 *	jrcxz	2f
 *	jmp	call			or: syscall; jmp back
 * 1:	lea	back(%rip), %rcx
 *	jmp	enter
 * 2:	lea	back(%rip), %rcx
 *	jmp	others
 */
unsigned int code_assemble(__u8 code[CODE_MAX], __u64 at, const struct site *site,
			   const struct targets *targets)
{
	__u64 back = site->call + SYSCALL_INSN_SIZE;
	unsigned int rest = site->with_call ? 7 : 5;
	unsigned int tests = targets->setup ? 18 : 9;
	__u8 *to = code + site->len;

	memcpy(code, site->displaced, site->len);
	to = put_test(to, __NR_io_uring_enter, tests + rest);
	if (targets->setup)
		to = put_test(to, __NR_io_uring_setup, 9 + rest + 12);
	to = put_test(to, __NR_io_uring_register, rest + 12);
	if (site->with_call) {
		*to++ = 0x0f;
		*to++ = 0x05;
		code_jump(to, at + (to - code), back);
	} else {
		code_jump(to, at + (to - code), site->call);
	}
	to += JUMP_SIZE;
	to = put_leave(to, at + (to - code), back, targets->enter);
	to = put_leave(to, at + (to - code), back, targets->others);
	return to - code;
}

static const char *parse_number(const char *at, unsigned int base, __u64 *value)
{
	unsigned int digit;

	for (*value = 0;; at++) {
		if (*at >= '0' && *at <= '9')
			digit = *at - '0';
		else if (*at >= 'a' && *at <= 'f')
			digit = *at - 'a' + 10;
		else
			return at;
		*value = *value * base + digit;
	}
}

/* START-END FLAGS OFFSET DEVICE INODE NAME */
bool mapping_parse(const char *line, struct mapping *mapping)
{
	const char *at, *flags;
	unsigned int field;
	__u64 inode;

	at = parse_number(line, 16, &mapping->start);
	if (*at != '-')
		return false;
	at = parse_number(at + 1, 16, &mapping->end);
	if (*at != ' ')
		return false;
	flags = at + 1;
	for (field = 0; field < 4; field++) {
		while (*at == ' ')
			at++;
		if (field == 3)
			break;
		while (*at && *at != ' ')
			at++;
	}
	at = parse_number(at, 10, &inode);
	while (*at == ' ')
		at++;
	mapping->text = inode && !memcmp(flags, "r-xp", 4);
	mapping->stack = at[0] == '[' && at[1] == 's' && at[2] == 't';
	return true;
}

bool gap_next(struct gap *gap, const struct mapping *mapping)
{
	if (mapping->start > gap->call)
		return false;
	/* With a gap between, for what has one of its own. */
	if (mapping->start >= gap->end + gap->size + PAGE_BYTES &&
	    !mapping->stack)
		gap->free = mapping->start - gap->size;
	gap->end = mapping->end;
	if (!code_reaches(gap->free, gap->call))
		gap->free = 0;
	return true;
}
