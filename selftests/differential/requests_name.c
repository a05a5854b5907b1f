// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests of names. Relative ones are of the directory that each
 * program has for itself.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "generate.h"

/* None that others need may be taken away. */
static const char * const names[] = {
	"file", "file", "other", "other", "dir", "dir/file", "dir/none", "none", "none", "link", "file/x",
	"/proc/self/comm", "",
};

static const char *any_name(void)
{
	return pick(names);
}

static const char *any_name_to_look_at(void)
{
	static const char * const more[] = { "/dev/null", "/dev/zero", "/proc/self/comm", "/proc/nowhere" };

	return once_in(3) ? pick(more) : any_name();
}

static void write_name(char *path, const char *name)
{
	snprintf(path, sizeof(((struct structs *)0)->path), "%s", name);
}

/* What a name is relative to. */
static int any_directory(struct maker *m)
{
	if (once_in(8))
		return any_fd_of(m, KIND(DIRECTORY));
	return AT_FDCWD;
}

static unsigned int any_open_flags(void)
{
	static const unsigned int flags[] = {
		O_RDONLY, O_RDWR, O_WRONLY, O_PATH, O_DIRECTORY, O_CLOEXEC, O_NONBLOCK,
		O_RDONLY | O_TRUNC, O_RDWR | O_APPEND, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL,
		O_NOFOLLOW, O_RDWR | __O_TMPFILE | O_DIRECTORY, O_CREAT | O_DIRECTORY,
	};

	return once_in(30) ? rnd() : pick(flags);
}

static void may_be_direct(struct maker *m, struct request *r)
{
	if (m->nr_slots ? once_in(3) : once_in(20))
		r->sqe.file_index = once_in(2) ? IORING_FILE_INDEX_ALLOC : 1 + below(SLOTS);
}

static void any_how(struct maker *m, struct request *r, unsigned int i)
{
	static const unsigned int resolves[] = {
		0, 0, 0, RESOLVE_NO_XDEV, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH,
		RESOLVE_IN_ROOT, RESOLVE_CACHED,
	};
	struct open_how how = { .flags = any_open_flags(), .resolve = pick(resolves) };

	if (how.flags & (O_CREAT | __O_TMPFILE) || once_in(12))
		how.mode = once_in(12) ? rnd() : 0600;
	if (once_in(30))
		how.flags |= 1ULL << below(64);
	memcpy(r->structs.ints, &how, sizeof(how));
	r->sqe.off = (unsigned long)structs_of(i)->ints;
	r->sqe.len = once_in(12) ? below(40) : sizeof(how);
	may_be_direct(m, r);
}

static void any_statx(struct request *r, unsigned int i)
{
	static const unsigned int flags[] = {
		0, 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_FORCE_SYNC,
		AT_STATX_DONT_SYNC, AT_STATX_SYNC_TYPE,
	};

	r->sqe.off = once_in(20) ? 0 : dest_of(i);
	r->sqe.len = once_in(6) ? 1u << below(32) : STATX_BASIC_STATS;
	r->sqe.statx_flags = once_in(12) ? 1u << below(20) : pick(flags);
}

/* From one name to another. */
static void any_second(struct maker *m, struct request *r, unsigned int i, unsigned int flags)
{
	write_name(r->structs.path2, any_name());
	r->sqe.len = any_directory(m);
	r->sqe.addr2 = (unsigned long)structs_of(i)->path2;
	if (once_in(4))
		r->sqe.rename_flags = once_in(4) ? 1u << below(16) : flags;
}

bool any_name_request(struct maker *m, struct request *r, unsigned int i)
{
	struct io_uring_sqe *sqe = &r->sqe;
	bool looks = sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_OPENAT2 ||
		     sqe->opcode == IORING_OP_STATX;

	switch (sqe->opcode) {
	case IORING_OP_OPENAT:
		sqe->open_flags = any_open_flags();
		sqe->len = once_in(3) ? 0600 : 0;
		may_be_direct(m, r);
		break;
	case IORING_OP_OPENAT2:
		any_how(m, r, i);
		break;
	case IORING_OP_STATX:
		any_statx(r, i);
		break;
	case IORING_OP_UNLINKAT:
		sqe->unlink_flags = once_in(3) ? AT_REMOVEDIR : once_in(10) ? 1u << below(16) : 0;
		break;
	case IORING_OP_MKDIRAT:
		sqe->len = once_in(2) ? 0700 : 0755;
		break;
	case IORING_OP_RENAMEAT:
		any_second(m, r, i, 1 + below(3));
		break;
	case IORING_OP_LINKAT:
		any_second(m, r, i, once_in(2) ? AT_SYMLINK_FOLLOW : AT_EMPTY_PATH);
		break;
	case IORING_OP_SYMLINKAT:
		any_second(m, r, i, 1);
		sqe->len = once_in(10) ? 1 : 0;
		break;
	default:
		return false;
	}
	write_name(r->structs.path, looks ? any_name_to_look_at() : any_name());
	sqe->fd = any_directory(m);
	sqe->addr = once_in(40) ? 0 : (unsigned long)structs_of(i)->path;
	return true;
}
