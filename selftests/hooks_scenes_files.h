/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests on files and their names, one of each kind, for the test that counts what hooks they call.
 */
#ifndef SELFTESTS_HOOKS_SCENES_FILES_H
#define SELFTESTS_HOOKS_SCENES_FILES_H

#include <linux/openat2.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks_world.h"

static void fsync_file(struct world *w)
{
	prep(w->ring, IORING_OP_FSYNC, w->file, NULL, 0, 1);
}

static void fallocate_file(struct world *w)
{
	prep(w->ring, IORING_OP_FALLOCATE, w->file, (void *)4096, 0, 1);
}

static void openat_new(struct world *w)
{
	prep(w->ring, IORING_OP_OPENAT, AT_FDCWD, NEW_FILE, 0600, 1)->open_flags =
		O_CREAT | O_EXCL | O_RDWR;
}

static void openat_old(struct world *w)
{
	prep(w->ring, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0, 1)->open_flags = O_RDWR;
}

static void ftruncate_file(struct world *w)
{
	prep(w->ring, IORING_OP_FTRUNCATE, w->file, NULL, 0, 1)->off = 4096;
}

static void fadvise_file(struct world *w)
{
	prep(w->ring, IORING_OP_FADVISE, w->file, NULL, 4096, 1)->fadvise_advice =
		POSIX_FADV_NORMAL;
}

static void sync_range(struct world *w)
{
	prep(w->ring, IORING_OP_SYNC_FILE_RANGE, w->file, NULL, 4096, 1);
}

static void madvise_memory(struct world *w)
{
	prep(w->ring, IORING_OP_MADVISE, -1, w->other.rings, 4096, 1)->fadvise_advice =
		MADV_NORMAL;
}

static void openat2_old(struct world *w)
{
	static const struct open_how how = { .flags = O_RDWR };

	prep(w->ring, IORING_OP_OPENAT2, AT_FDCWD, "/dev/null", sizeof(how), 1)->off =
		(unsigned long)&how;
}

static void statx_old(struct world *w)
{
	static struct statx stat;

	prep(w->ring, IORING_OP_STATX, AT_FDCWD, "/dev/null", STATX_MODE, 1)->off =
		(unsigned long)&stat;
}

#define DIR		"/dev/shm/hooks.dir"
#define OTHER_DIR	"/dev/shm/hooks.dir2"
#define LINK		"/dev/shm/hooks.link"
#define OTHER_LINK	"/dev/shm/hooks.link2"

/* Before each scene. */
static void clean_up(void)
{
	unlink(NEW_FILE);
	unlink(SOCK_FILE ".2");
	unlink(LINK);
	unlink(OTHER_LINK);
	rmdir(DIR);
	rmdir(OTHER_DIR);
}

static void make_dir(void)
{
	mkdir(DIR, 0700);
}

static void make_link(void)
{
	if (symlink("nowhere", LINK))
		perror(LINK);
}

static void mkdirat_new(struct world *w)
{
	prep(w->ring, IORING_OP_MKDIRAT, AT_FDCWD, DIR, 0700, 1);
}

static void renameat_dir(struct world *w)
{
	prep(w->ring, IORING_OP_RENAMEAT, AT_FDCWD, DIR, AT_FDCWD, 1)->off =
		(unsigned long)OTHER_DIR;
}

static void unlinkat_dir(struct world *w)
{
	prep(w->ring, IORING_OP_UNLINKAT, AT_FDCWD, DIR, 0, 1)->unlink_flags =
		AT_REMOVEDIR;
}

static void symlinkat_new(struct world *w)
{
	prep(w->ring, IORING_OP_SYMLINKAT, AT_FDCWD, "nowhere", 0, 1)->off =
		(unsigned long)LINK;
}

static void linkat_new(struct world *w)
{
	prep(w->ring, IORING_OP_LINKAT, AT_FDCWD, LINK, AT_FDCWD, 1)->off =
		(unsigned long)OTHER_LINK;
}

static void unlinkat_link(struct world *w)
{
	prep(w->ring, IORING_OP_UNLINKAT, AT_FDCWD, LINK, 0, 1);
}

static void prep_splice(struct world *w, unsigned int op, int from, unsigned long offset)
{
	struct io_uring_sqe *sqe = prep(w->ring, op, w->other_pipe[1], NULL, 1, 1);

	sqe->splice_fd_in = from;
	sqe->splice_off_in = offset;
	sqe->off = op == IORING_OP_TEE ? 0 : -1;
}

static void splice_file(struct world *w)
{
	prep_splice(w, IORING_OP_SPLICE, w->file, 0);
}

static void splice_pipe(struct world *w)
{
	prep_splice(w, IORING_OP_SPLICE, w->pipe[0], -1);
}

static void tee_pipe(struct world *w)
{
	prep_splice(w, IORING_OP_TEE, w->pipe[0], 0);
}

static void pipe_new(struct world *w)
{
	prep(w->ring, IORING_OP_PIPE, 0, w->ends, 0, 1);
}

#endif /* SELFTESTS_HOOKS_SCENES_FILES_H */
