/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers that are random, and the same each time.
 */
#ifndef SELFTESTS_RANDOM_H
#define SELFTESTS_RANDOM_H

#include <linux/types.h>
#include <stdlib.h>

/* One for all files that a program is made of. */
#pragma weak rnd_state
__thread __u64 rnd_state = 1;

static inline __u64 rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static inline unsigned int below(unsigned int n)
{
	return (rnd() >> 16) % n;
}

#define pick(array)	((array)[below(ARRAY_SIZE(array))])

/* One of four addresses that are nobody's: low ones, of the kernel's memory, and of no memory. */
static inline __u64 address_of_none(unsigned int which)
{
	switch (which) {
	case 0:
		return 0;
	case 1:
		return 4096;
	case 2:
		return 0xffff888000000000 | below(1u << 30);
	default:
		return 0x8000000000000000;
	}
}

/* Begin anew, with number @stream of the sequences that belong to @seed. */
static inline void rnd_seed(__u64 seed, unsigned int stream)
{
	unsigned int i;

	rnd_state = (seed + 1) * 0x9e3779b97f4a7c15 ^ (stream + 1ULL) << 32;
	rnd_state = rnd_state ?: 1;
	for (i = 0; i < 8; i++)
		rnd();
}

static inline __u64 number_from(const char *name, __u64 usual)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : usual;
}

#endif /* SELFTESTS_RANDOM_H */
