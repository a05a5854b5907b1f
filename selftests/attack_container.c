// SPDX-License-Identifier: GPL-2.0
/*
 * An unprivileged container that is given the device, and tries to get out by it:
 * to the host's network, files, rings and rights. What works for it by a ring is
 * what would work for it by a system call.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/capability.h>

#include "check.h"
#include "denial.h"

/* Who runs it, on the host. */
#define USER		1000
#define CGROUPS		"/sys/fs/cgroup"
/* A file that the container does not see, and one that it sees and may not read. */
#define SECRET		"/mnt/secret"
#define OTHERS		"/dev/others"
#define ABSTRACT	"\0ruring-of-the-host"

/* What the host has. */
struct host {
	struct sockaddr_in addr;
	struct sockaddr_un name;
	socklen_t name_len;
	int listener, local;
	/* its descriptor, which nobody else has */
	int ring;
};

/* Fails with the line as status: one byte is enough to find it. */
#define MUST(what) do {							\
	if (!(what)) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #what);	\
		fflush(stdout);						\
		_exit(1);						\
	}								\
} while (0)

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* The runtime's part, as root: another /mnt, and a /dev with the device and a file of root's. */
static void make_devices(void)
{
	struct stat device;
	int fd;

	MUST(!stat("/dev/ruring", &device));
	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID, NULL));
	MUST(!mknod("/mnt/ruring", S_IFCHR | 0600, device.st_rdev));
	MUST(!chown("/mnt/ruring", USER, USER));
	fd = open("/mnt/others", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	MUST(fd >= 0);
	close(fd);
	MUST(!mount("/mnt", "/dev", NULL, MS_BIND, NULL));
}

static void become_user(void)
{
	MUST(!setgroups(0, NULL) && !setresgid(USER, USER, USER) && !setresuid(USER, USER, USER));
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	MUST(!unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		      CLONE_NEWUTS));
	MUST(!write_text("/proc/self/setgroups", "deny"));
	MUST(!write_text("/proc/self/uid_map", "0 1000 1"));
	MUST(!write_text("/proc/self/gid_map", "0 1000 1"));
}

static void drop_all(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int i, fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV, NULL));
	MUST(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &up));
	for (i = 0; i <= CAP_AUDIT_READ; i++)
		MUST(!prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
	MUST(!syscall(__NR_capset, &header, none));
	/* The device it opens itself; it is given nothing else. */
	close(fd);
	MUST(!deny_io_uring(DENY_EPERM));
}

static int result_of(struct ring *r)
{
	struct io_uring_cqe cqe = {};

	if (ring_submit(r) < 0 || ring_take(r, &cqe))
		return -ENOTRECOVERABLE;
	return cqe.res;
}

static int ring_socket(struct ring *r, int domain, int type, int protocol)
{
	prep(r, IORING_OP_SOCKET, domain, NULL, protocol, 1)->off = type;
	return result_of(r);
}

static int ring_name(struct ring *r, unsigned int op, int fd, const void *addr, socklen_t len)
{
	prep(r, op, fd, addr, 0, 1)->addr2 = len;
	return result_of(r);
}

static int ring_open(struct ring *r, const char *path, unsigned int sqe_flags, int personality)
{
	struct io_uring_sqe *sqe = prep(r, IORING_OP_OPENAT, AT_FDCWD, path, 0, 1);

	sqe->flags = sqe_flags;
	sqe->personality = personality;
	return result_of(r);
}

/* The host's sockets are not there, and its names and ports are free. */
static void try_network(struct ring *r, const struct host *host)
{
	int fd = ring_socket(r, AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0);
	MUST(ring_name(r, IORING_OP_CONNECT, fd, &host->addr, sizeof(host->addr)) ==
	     -ECONNREFUSED);
	close(fd);
	fd = ring_socket(r, AF_UNIX, SOCK_STREAM, 0);
	MUST(ring_name(r, IORING_OP_CONNECT, fd, &host->name, host->name_len) == -ECONNREFUSED);
	MUST(ring_name(r, IORING_OP_BIND, fd, &host->name, host->name_len) == 0);
	close(fd);
	fd = ring_socket(r, AF_INET, SOCK_STREAM, 0);
	MUST(ring_name(r, IORING_OP_BIND, fd, &host->addr, sizeof(host->addr)) == 0);
	close(fd);
	/* It is root in name alone. */
	MUST(ring_socket(r, AF_INET, SOCK_RAW, IPPROTO_ICMP) == -EPERM);
}

/* Files that it does not see, and rights that it does not have. */
static void try_files(struct ring *r)
{
	unsigned int flags = 0;
	int id;

	for (;;) {
		MUST(ring_open(r, SECRET, flags, 0) == -ENOENT);
		MUST(ring_open(r, "/../.." SECRET, flags, 0) == -ENOENT);
		MUST(ring_open(r, "/proc/1/root" SECRET, flags, 0) == -ENOENT);
		MUST(ring_open(r, OTHERS, flags, 0) == -EACCES);
		if (flags)
			break;
		flags = IOSQE_ASYNC;
	}
	/* Of nobody's, of all numbers that there may be some; and of its own, which is not more. */
	for (id = 1; id < 8; id++)
		MUST(ring_open(r, OTHERS, 0, id) == -EINVAL);
	id = ring_register(r, IORING_REGISTER_PERSONALITY, NULL, 0);
	MUST(id == 1);
	MUST(ring_open(r, OTHERS, 0, id) == -EACCES);
	MUST(ring_open(r, OTHERS, IOSQE_ASYNC, id) == -EACCES);
	MUST(!ring_register(r, IORING_UNREGISTER_PERSONALITY, NULL, id));
}

/* Rings of others: the numbers of their descriptors are no more than numbers. */
static void try_rings(struct ring *r, const struct host *host)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_ATTACH_WQ,
		.wq_fd = host->ring,
	};
	struct io_uring_sqe *sqe;
	struct ring attached;
	int fd;

	for (fd = 3; fd < 64; fd++) {
		if (fd == r->fd)
			continue;
		sqe = prep(r, IORING_OP_MSG_RING, fd, NULL, 1, 1);
		sqe->off = 0x666;
		sqe->addr = IORING_MSG_DATA;
		MUST(result_of(r) == (fcntl(fd, F_GETFD) < 0 ? -EBADF : -EBADFD));
	}
	MUST(ring_init_params(&attached, RURING, 8, &params) == -ENXIO);
}

/* The container. Says @ready when its threads can be looked at, and goes on when told to. */
static void container(const struct host *host, unsigned int flags, int ready, int go_on)
{
	struct io_uring_params params = {};
	struct ring ring, *r = &ring;
	char byte = 0;

	drop_all();
	MUST(backend_setup(IO_URING, 8, &params) == -EPERM);
	MUST(ring_init(r, RURING, 8, flags) == 0);
	try_network(r, host);
	try_files(r);
	try_rings(r, host);
	MUST(write(ready, &byte, 1) == 1);
	MUST(read(go_on, &byte, 1) == 1);
	_exit(0);
}

FIXTURE(host) {
	struct host host;
	struct ring ring;
	char cgroup[64];
};

FIXTURE_VARIANT(host) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(host, plain) {};
FIXTURE_VARIANT_ADD(host, defer) { .flags = DEFER_FLAGS };
FIXTURE_VARIANT_ADD(host, sqpoll) { .flags = IORING_SETUP_SQPOLL };

FIXTURE_SETUP(host)
{
	struct host *h = &self->host;
	int fd;

	if (geteuid())
		SKIP(return, "only root starts containers for others");
	/* The host's view: not that of the container, nor of the tests that come. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("tmpfs", "/mnt", "tmpfs", 0, NULL));
	fd = open(SECRET, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, lo_own());
	h->listener = tcp_listen(&h->addr);
	ASSERT_LE(0, h->listener);
	ASSERT_EQ(0, fcntl(h->listener, F_SETFL, O_NONBLOCK));
	h->name.sun_family = AF_UNIX;
	memcpy(h->name.sun_path, ABSTRACT, sizeof(ABSTRACT) - 1);
	h->name_len = offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT) - 1;
	h->local = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(0, bind(h->local, (struct sockaddr *)&h->name, h->name_len));
	ASSERT_EQ(0, listen(h->local, 4));
	/* A ring with root's rights, for whoever could use it. */
	ASSERT_EQ(0, ring_init(&self->ring, RURING, 8, 0));
	ASSERT_EQ(1, ring_register(&self->ring, IORING_REGISTER_PERSONALITY, NULL, 0));
	/* Where the container has nothing of its own. */
	h->ring = fcntl(self->ring.fd, F_DUPFD_CLOEXEC, 700);
	ASSERT_EQ(700, h->ring);
	snprintf(self->cgroup, sizeof(self->cgroup), CGROUPS "/container-%d", getpid());
	if (mkdir(self->cgroup, 0755))
		self->cgroup[0] = 0;
}

FIXTURE_TEARDOWN(host)
{
	if (self->cgroup[0])
		EXPECT_EQ(0, rmdir(self->cgroup));
}

/* What @name of a task says: what a link leads to, or what is in a file. */
static void look_at(pid_t pid, const char *task, const char *name, char *out, size_t size)
{
	char path[128];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", pid, task, name);
	len = readlink(path, out, size - 1);
	if (len < 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = read(fd, out, size - 1);
		close(fd);
	}
	out[len < 0 ? 0 : len] = 0;
}

/* How many threads the process has. All are to be alike in what contains them. */
static int like_threads(pid_t pid, int *others)
{
	static const char * const names[] = {
		"ns/net", "ns/mnt", "ns/pid", "ns/user", "ns/ipc", "ns/uts", "ns/cgroup", "cgroup",
		"loginuid", "root",
	};
	char main_task[16], wanted[512], seen[512], path[64], comm[32];
	struct dirent *entry;
	int threads = 0;
	unsigned int i;
	DIR *dir;

	*others = 0;
	snprintf(main_task, sizeof(main_task), "%d", pid);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		threads++;
		look_at(pid, entry->d_name, "comm", comm, sizeof(comm));
		*others += !strncmp(comm, "ruring-", 7);
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			look_at(pid, main_task, names[i], wanted, sizeof(wanted));
			look_at(pid, entry->d_name, names[i], seen, sizeof(seen));
			if (strcmp(wanted, seen)) {
				printf("# %s of %s: %s\n", names[i], comm, seen);
				return -1;
			}
		}
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		if (proc_value(path, "Seccomp:") != 2 || proc_value(path, "NoNewPrivs:") != 1 ||
		    proc_value(path, "Uid:") != USER || proc_value(path, "CapEff:") != 0) {
			printf("# what %s may is not what it is to\n", comm);
			return -1;
		}
	}
	if (dir)
		closedir(dir);
	return threads;
}

TEST_F(host, is_not_reached)
{
	struct host host = self->host;
	int ready[2], go_on[2], pids[2], status, others, fd;
	pid_t runtime, inside = 0;
	char text[64], byte = 0;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go_on, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(pids, O_CLOEXEC));
	runtime = fork();
	if (runtime == 0) {
		/* Only what it is to talk to us by. */
		close_range(3, ready[0] - 1, 0);
		close(host.ring);
		device_close();
		if (self->cgroup[0]) {
			snprintf(text, sizeof(text), "%s/cgroup.procs", self->cgroup);
			MUST(!write_text(text, "0"));
		}
		make_devices();
		become_user();
		inside = fork();
		if (inside == 0)
			container(&host, variant->flags, ready[1], go_on[0]);
		MUST(write(pids[1], &inside, sizeof(inside)) == sizeof(inside));
		MUST(waitpid(inside, &status, 0) == inside);
		_exit(status != 0);
	}
	close(ready[1]);
	close(pids[1]);
	ASSERT_EQ(sizeof(inside), read(pids[0], &inside, sizeof(inside)));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_LT(1, like_threads(inside, &others));
	EXPECT_LE(variant->flags & IORING_SETUP_SQPOLL ? 2 : 1, others);
	ASSERT_EQ(1, write(go_on[1], &byte, 1));
	ASSERT_EQ(runtime, waitpid(runtime, &status, 0));
	EXPECT_EQ(0, status);
	/* Nobody has been here. */
	EXPECT_EQ(-1, accept(host.listener, NULL, NULL));
	EXPECT_EQ(EAGAIN, errno);
	fd = accept(host.local, NULL, NULL);
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(0, ring_ready(&self->ring));
}

TEST_HARNESS_MAIN
