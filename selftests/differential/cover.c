// SPDX-License-Identifier: GPL-2.0
/*
 * The module's blocks that a program's thread has reached, by KCOV. What runs in
 * interrupts, as wake-ups by packets do, and in other threads is not seen.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cover.h"

#define WORDS		(1UL << 18)
#define MODULE_SIZE	(8UL << 20)
#define TEXT		"/sys/module/ruring/sections/.text"
/* Above the descriptors of programs. */
#define COVER_FD	140

static unsigned long *area;
static unsigned long text;
static unsigned char seen[MODULE_SIZE];

bool cover_init(void)
{
	FILE *f = fopen(TEXT, "r");
	int fd = open("/sys/kernel/debug/kcov", O_RDWR);

	if (f) {
		if (fscanf(f, "%lx", &text) != 1)
			text = 0;
		fclose(f);
	}
	if (fd < 0 || !text || ioctl(fd, KCOV_INIT_TRACE, WORDS) || dup2(fd, COVER_FD) < 0)
		return false;
	close(fd);
	area = mmap(NULL, WORDS * sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, COVER_FD, 0);
	if (area == MAP_FAILED)
		area = NULL;
	return area;
}

void cover_begin(void)
{
	if (!area)
		return;
	__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
	if (ioctl(COVER_FD, KCOV_ENABLE, KCOV_TRACE_PC))
		area[0] = 0;
}

unsigned int cover_count(void)
{
	unsigned long i, nr = area ? area[0] : 0;
	unsigned int fresh = 0;

	for (i = 1; i <= nr && i < WORDS; i++) {
		unsigned long at = area[i] - text;

		if (at >= MODULE_SIZE || seen[at])
			continue;
		seen[at] = 1;
		fresh++;
	}
	if (area)
		area[0] = 0;
	return fresh;
}

unsigned int cover_write(const char *path)
{
	FILE *f = fopen(path, "w");
	unsigned int nr = 0;
	unsigned long at;

	if (!f)
		return 0;
	for (at = 0; at < MODULE_SIZE; at++) {
		if (!seen[at])
			continue;
		fprintf(f, "%lx\n", at);
		nr++;
	}
	fclose(f);
	return nr;
}
