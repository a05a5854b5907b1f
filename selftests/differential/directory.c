// SPDX-License-Identifier: GPL-2.0
/*
 * The directory that a program has for itself, the same at the beginning of each:
 * in memory, so that no file server is asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define DIRECTORY_NAME	"/dev/differential"

static __u32 seen;

static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (at->level)
		remove(path);
	return 0;
}

static int make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, (void *)SOURCE, 300) != 300)
		ret = -EIO;
	close(fd);
	return ret;
}

int make_directory(void)
{
	int ret;

	umask(0);
	if (mkdir(DIRECTORY_NAME, 0700) && errno != EEXIST)
		return -errno;
	if (chdir(DIRECTORY_NAME) || nftw(".", take_away, 8, FTW_DEPTH | FTW_PHYS))
		return -errno;
	ret = make_file("file");
	if (ret)
		return ret;
	if (mkdir("dir", 0700) || symlink("file", "link"))
		return -errno;
	return make_file("dir/file");
}

static int look_at(const char *path, const struct stat *st, int type, struct FTW *at)
{
	unsigned int facts[3] = { st->st_mode, st->st_nlink, S_ISREG(st->st_mode) ? st->st_size : 0 };

	(void)type;
	(void)at;
	/* in whatever order they come */
	seen += sum_of(path, strlen(path)) * 31 + sum_of(facts, sizeof(facts));
	return 0;
}

__u32 sum_of_directory(void)
{
	seen = 0;
	nftw(DIRECTORY_NAME, look_at, 8, FTW_PHYS);
	return seen;
}
