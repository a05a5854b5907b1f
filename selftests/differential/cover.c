// SPDX-License-Identifier: GPL-2.0
/*
 * The module's blocks that were reached, if it is one that says so: see reached.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cover.h"

#define REACHED		"/sys/module/ruring/parameters/reached"
#define TRACEFS		"/sys/kernel/tracing"
/* So many programs in a row are run with events, and three times as many without. */
#define EVENTS_FOR	10

static bool counts;
static unsigned int before, programs;

static unsigned int nr_reached(void)
{
	char text[16] = "";
	int fd = open(REACHED, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, 10);
}

/* What the module's events are made of is part of it, and so are the ways that it only goes without. */
static void have_events(bool on)
{
	int fd = open(TRACEFS "/events/ruring/enable", O_WRONLY);

	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		perror("events");
	close(fd);
}

bool cover_init(void)
{
	counts = !access(REACHED, R_OK);
	if (counts && mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		perror("tracefs");
	before = counts ? nr_reached() : 0;
	return counts;
}

unsigned int cover_count(void)
{
	unsigned int now = counts ? nr_reached() : 0, fresh = now - before;

	before = now;
	programs++;
	if (counts && programs % EVENTS_FOR == 0)
		have_events(programs / EVENTS_FOR % 4 == 3);
	return fresh;
}

unsigned int cover_write(const char *path)
{
	int fd = open(REACHED, O_WRONLY);
	bool written = fd >= 0 && write(fd, path, strlen(path)) > 0;

	close(fd);
	return written ? nr_reached() : 0;
}
