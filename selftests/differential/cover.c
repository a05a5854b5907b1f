// SPDX-License-Identifier: GPL-2.0
/*
 * The module's blocks that were reached, if it is one that says so: see reached.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cover.h"

#define REACHED		"/sys/module/ruring/parameters/reached"

static bool counts;
static unsigned int before;

static unsigned int nr_reached(void)
{
	char text[16] = "";
	int fd = open(REACHED, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, 10);
}

bool cover_init(void)
{
	counts = !access(REACHED, R_OK);
	before = counts ? nr_reached() : 0;
	return counts;
}

unsigned int cover_count(void)
{
	unsigned int now = counts ? nr_reached() : 0, fresh = now - before;

	before = now;
	return fresh;
}

unsigned int cover_write(const char *path)
{
	int fd = open(REACHED, O_WRONLY);
	bool written = fd >= 0 && write(fd, path, strlen(path)) > 0;

	close(fd);
	return written ? nr_reached() : 0;
}
