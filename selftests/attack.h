/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What somebody without rights may do to others with rings. A test is root and
 * only looks on, with none of the descriptors that matter; those who attack and those who
 * must not be harmed are processes of different users in cgroups of the
 * test's own. Afterwards all of them can be killed and the module be removed.
 */
#ifndef SELFTESTS_ATTACK_H
#define SELFTESTS_ATTACK_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fds.h"
#include "system.h"

/* What takes well below a second takes so long at most, on a slow and busy machine too. */
#define LATE_MS	30000

/* Users without rights. */
enum { PEER = 65532, BYSTANDER, ATTACKER };

/*
 * What the processes of a test tell each other: each writes how far it is at a place of
 * its own, the test whether they may go on.
 */
struct board {
	int step[256];
	pid_t pid[256];
	int result[256];
	int go;
	int count;
};

static struct board *board;

/* Where a FIFO without a partner is, and other files that anybody may write. */
static char attack_dir[32], fifo[48];

FIXTURE(attack) {
	char group[64];
	/* what the device's node was before everybody got to it, and that it was changed */
	mode_t mode;
	bool opened;
};

FIXTURE_VARIANT(attack) {
	enum backend backend;
	/* what else a file's variants differ in */
	int kind;
};

/* A number that processes change: wait until it is at least @value, or @ms have passed. */
static inline bool wait_ms(bool (*done)(void *arg), void *arg, unsigned int ms)
{
	long long deadline = now_ms() + ms;

	while (!done(arg)) {
		if (now_ms() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

struct level {
	int *at;
	int value;
};

static inline bool is_reached(void *arg)
{
	struct level *l = arg;

	return __atomic_load_n(l->at, __ATOMIC_ACQUIRE) >= l->value;
}

static inline bool reaches(int *at, int value)
{
	struct level l = { at, value };

	return wait_ms(is_reached, &l, DEADLINE_MS);
}

static inline void reach(int *at, int value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static inline int put(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Processes. */

/* In a process of a test: it must be so, or the process says why and ends. */
#define MUST(cond) do {							\
	if (!(cond)) {							\
		fprintf(stderr, "# %s:%d: a process cannot go on: %s: %m\n",	\
			__FILE__, __LINE__, #cond);			\
		_exit(1);						\
	}								\
} while (0)

/* The user whose rights the process has from here on: none, and few pages to pin. */
static inline void become(uid_t uid)
{
	struct rlimit pins = { 8 << 20, 8 << 20 };

	MUST(!setrlimit(RLIMIT_MEMLOCK, &pins));
	MUST(!setgroups(0, NULL));
	MUST(!setresgid(uid, uid, uid));
	MUST(!setresuid(uid, uid, uid));
	/* what the change of identity took away */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* In a process of a test: from here on it is in a cgroup of the test's, "attackers" or "others". */
static inline void join(const char *group, const char *which)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/%s", group, which);
	MUST(!put(dir, "cgroup.procs", "0"));
}

/* A process of @uid, or of root's that is going to become(); as fork(). */
static inline pid_t spawn(const char *group, uid_t uid)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join(group, uid == ATTACKER ? "attackers" : "others");
	if (uid)
		become(uid);
	return 0;
}

struct process {
	int fd;
	pid_t pid;
	const char *what;
};

/* Whoever's child it is. */
static inline struct process process_of(pid_t pid, const char *what)
{
	return (struct process) { syscall(__NR_pidfd_open, pid, 0), pid, what };
}

/* What is read from a small file of /proc, without the end of its line. */
static inline char *proc_text(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[len < 0 ? 0 : len] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* Calls @see with each thread of @pid, and the kernel's function that it sleeps in. */
static inline void see_threads(pid_t pid, void (*see)(void *arg, const char *tid, const char *at),
			       void *arg)
{
	char path[64], text[128];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.10s/wchan", pid, e->d_name);
		see(arg, e->d_name, proc_text(text, sizeof(text), path));
	}
	if (dir)
		closedir(dir);
}

struct sleepers {
	const char *where;
	unsigned int nr;
};

static inline void count_sleeper(void *arg, const char *tid, const char *at)
{
	struct sleepers *s = arg;

	(void)tid;
	s->nr += !strncmp(at, s->where, strlen(s->where));
}

/* How many threads of @pid sleep in the kernel's function @where (its beginning). */
static inline unsigned int sleepers(pid_t pid, const char *where)
{
	struct sleepers s = { .where = where };

	see_threads(pid, count_sleeper, &s);
	return s.nr;
}

struct sleep {
	pid_t pid;
	const char *where;
	unsigned int nr;
};

static inline bool they_sleep(void *arg)
{
	struct sleep *s = arg;

	return sleepers(s->pid, s->where) >= s->nr;
}

/* The function in which who opens a FIFO waits for a partner. */
#define AT_FIFO	"wait_for_partner"

static inline void tell_of_thread(void *arg, const char *tid, const char *at)
{
	fprintf(stderr, "# not in %s: thread %s is in %s\n", (const char *)arg, tid, at);
}

/* Wait until so many threads of @pid, workers are some, sleep there. */
static inline bool sleep_in(pid_t pid, const char *where, unsigned int nr)
{
	struct sleep s = { pid, where, nr };

	if (wait_ms(they_sleep, &s, DEADLINE_MS))
		return true;
	see_threads(pid, tell_of_thread, (void *)where);
	return false;
}

/* Why a process is still there. */
static inline void tell_of(pid_t pid, const char *what)
{
	char path[64], wchan[128];

	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	fprintf(stderr, "# %s: process %d is still there, in state %c, in %s\n", what, pid,
		task_state(pid), proc_text(wchan, sizeof(wchan), path));
}

/* Whether it ends in time; says where it stays if not. */
static inline bool ends(struct process *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	if (poll(&pfd, 1, LATE_MS) == 1)
		return true;
	tell_of(p->pid, p->what);
	return false;
}

static inline bool dies(struct process *p)
{
	return p->pid > 0 && !kill(p->pid, SIGKILL) && ends(p);
}

/* As ends(), of a child: with the exit status @status. */
static inline bool child_ends(pid_t pid, const char *what, int status)
{
	struct process p = process_of(pid, what);
	int got = -1;

	if (!ends(&p))
		return false;
	close(p.fd);
	waitpid(pid, &got, 0);
	if (got != status)
		fprintf(stderr, "# %s: ends with status 0x%x, not 0x%x\n", what, got, status);
	return got == status;
}

static inline bool child_dies(pid_t pid, const char *what)
{
	kill(pid, SIGKILL);
	return child_ends(pid, what, SIGKILL);
}

/* The test's cgroups. */

static inline int group_init(const char *group)
{
	char dir[128];
	int ret;

	ret = put("/sys/fs/cgroup", "cgroup.subtree_control", "+memory +pids");
	if (ret || mkdir(group, 0755))
		return ret ?: -errno;
	ret = put(group, "cgroup.subtree_control", "+memory +pids");
	snprintf(dir, sizeof(dir), "%s/others", group);
	if (ret || mkdir(dir, 0755))
		return ret ?: -errno;
	snprintf(dir, sizeof(dir), "%s/attackers", group);
	return mkdir(dir, 0755) ? -errno : 0;
}

/* What attackers may use, as their cgroup's file says it. */
static inline int limit(const char *group, const char *file, const char *value)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/attackers", group);
	return put(dir, file, value);
}

static inline bool group_is_empty(void *arg)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/cgroup.events", (char *)arg);
	return proc_value(path, "populated ") == 0;
}

static inline void tell_of_group(const char *group, const char *which)
{
	char path[128], line[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", group, which);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		tell_of(atoi(line), "killed");
	if (f)
		fclose(f);
}

/* End all who are left of the test's. Whether they do. */
static inline bool group_exit(const char *group)
{
	static const char *const which[] = { "others", "attackers" };
	char dir[128];
	unsigned int i;
	bool empty;

	put(group, "cgroup.kill", "1");
	empty = wait_ms(group_is_empty, (void *)group, LATE_MS);
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		if (!empty)
			tell_of_group(group, which[i]);
		snprintf(dir, sizeof(dir), "%s/%s", group, which[i]);
		rmdir(dir);
	}
	rmdir(group);
	return empty;
}

/* The module. */

static inline bool module_is_idle(void *unused)
{
	(void)unused;
	return module_users() <= 0;
}

static inline bool module_is_gone(void *unused)
{
	(void)unused;
	return !syscall(__NR_delete_module, "ruring", O_NONBLOCK) || errno == ENOENT;
}

/* Removed and loaded again; without RURING_KO, which names it, only whether it could be. */
static inline bool module_comes_and_goes(void)
{
	const char *path = getenv("RURING_KO");
	int fd, ret;

	if (!path)
		return wait_ms(module_is_idle, NULL, LATE_MS);
	if (!wait_ms(module_is_gone, NULL, LATE_MS)) {
		fprintf(stderr, "# the module cannot be removed: %lld users\n", module_users());
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -1 : syscall(__NR_finit_module, fd, "", 0);
	close(fd);
	return !ret;
}

FIXTURE_SETUP(attack)
{
	if (variant->backend == IO_URING &&
	    proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	ASSERT_TRUE(wait_ms(module_is_idle, NULL, LATE_MS))
		TH_LOG("a test of before has left the module %lld users", module_users());
	if (variant->backend == RURING) {
		struct stat node;

		ASSERT_EQ(0, stat("/dev/ruring", &node));
		self->mode = node.st_mode & 07777;
		self->opened = true;
		ASSERT_EQ(0, chmod("/dev/ruring", 0666));
	}
	snprintf(self->group, sizeof(self->group), "/sys/fs/cgroup/ruring-%d", getpid());
	ASSERT_EQ(0, group_init(self->group));
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	snprintf(attack_dir, sizeof(attack_dir), "/run/ruring-%d", getpid());
	snprintf(fifo, sizeof(fifo), "%s/fifo", attack_dir);
	ASSERT_EQ(0, mkdir(attack_dir, 0755));
	ASSERT_EQ(0, chmod(attack_dir, 0777));
	ASSERT_EQ(0, mkfifo(fifo, 0666));
	ASSERT_EQ(0, chmod(fifo, 0666));
}

/* Whatever has become of the test itself. */
FIXTURE_TEARDOWN_PARENT(attack)
{
	EXPECT_TRUE(group_exit(self->group));
	/* Without RURING_KO the node stays, for whatever is run next. */
	if (self->opened)
		EXPECT_EQ(0, chmod("/dev/ruring", self->mode));
	if (variant->backend == RURING)
		EXPECT_TRUE(module_comes_and_goes());
}

/* Memory of @nr pages, of which the last is never there, save for who is killed. */
static inline void *missing_pages(unsigned int nr)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	char *pages = mmap(NULL, nr * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(uffd >= 0 && pages != MAP_FAILED && !ioctl(uffd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)pages + (nr - 1) * 4096;
	reg.range.len = 4096;
	MUST(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	return pages;
}

static inline void *missing_page(void)
{
	return missing_pages(1);
}

/* An OPENAT that does not come back before the FIFO has a writer. */
static inline struct io_uring_sqe *prep_fifo(struct ring *ring, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	sqe = prep(ring, IORING_OP_OPENAT, AT_FDCWD, fifo, 0666, user_data);
	sqe->open_flags = O_RDONLY | O_CREAT;
	return sqe;
}

#endif /* SELFTESTS_ATTACK_H */
