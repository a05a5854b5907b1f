// SPDX-License-Identifier: GPL-2.0
/*
 * What workers do: reads and writes that sleep, and IOSQE_ASYNC.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RING_MODES
#include "cgroup.h"
#include "fixture.h"
#include "worker.h"

TEST_F(ring, files)
{
	static char data[3 * PAGE], back[3 * PAGE];
	unsigned int i;
	int fd, disk;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 / 3;
	for (disk = 0; disk < 2; disk++) {
		fd = new_file(disk);
		ASSERT_LE(0, fd);
		prep_rw(&self->ring, true, fd, data, sizeof(data), 10, 1);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 1, sizeof(data), 0);
		memset(back, 0, sizeof(back));
		prep_rw(&self->ring, false, fd, back, sizeof(back), 10, 2);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 2, sizeof(back), 0);
		EXPECT_EQ(0, memcmp(data, back, sizeof(data)));
		/* no more than there is, from where the file is */
		ASSERT_EQ(20, lseek(fd, 20, SEEK_SET));
		prep_rw(&self->ring, false, fd, back, sizeof(back), -1, 3);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 3, sizeof(data) - 10, 0);
		EXPECT_EQ(0, memcmp(data + 10, back, sizeof(data) - 10));
		EXPECT_EQ((off_t)sizeof(data) + 10, lseek(fd, 0, SEEK_CUR));
		prep_rw(&self->ring, false, fd, back, 1, 1 << 20, 4);
		ASSERT_EQ(1, ring_submit(&self->ring));
		ASSERT_CQE(&self->ring, 4, 0, 0);
		close(fd);
	}
}

TEST_F(ring, bad_memory)
{
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = new_file(false);
	struct io_uring_sqe *sqe;

	ASSERT_EQ(3, write(fd, "abc", 3));
	prep_rw(&self->ring, false, fd, none, 3, 0, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
	prep_rw(&self->ring, true, fd, none, 3, 0, 1);
	ASSERT_RESULT(&self->ring, -EFAULT);
	prep_rw(&self->ring, false, open("/dev/null", O_WRONLY), none, 3, 0, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	prep_rw(&self->ring, false, -1, none, 3, 0, 1);
	ASSERT_RESULT(&self->ring, -EBADF);
	sqe = prep_rw(&self->ring, false, fd, none, 3, 0, 1);
	sqe->rw_flags = 1 << 30;
	ASSERT_RESULT(&self->ring, -EOPNOTSUPP);
}

/* A program that is only set up on behalf of its owner loses that when others write to it. */
TEST_F(ring, rights_of_the_submitter)
{
	int fd = new_file(false);
	struct stat st;

	ASSERT_EQ(0, fchmod(fd, 04755));
	prep_rw(&self->ring, true, fd, "a", 1, 0, 1);
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(04755, st.st_mode & 07777);
	ASSERT_EQ(0, become_nobody());
	prep_rw(&self->ring, true, fd, "b", 1, 1, 1);
	ASSERT_RESULT(&self->ring, 1);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0755, st.st_mode & 07777);
}

TEST_F(ring, limits_of_the_submitter)
{
	struct rlimit limit = { 8, 8 };
	int fd = new_file(false);

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	prep_rw(&self->ring, true, fd, "0123456789", 10, 4, 1);
	ASSERT_RESULT(&self->ring, 4);
	prep_rw(&self->ring, true, fd, "0123456789", 10, 8, 1);
	ASSERT_RESULT(&self->ring, -EFBIG);
	EXPECT_EQ(8, lseek(fd, 0, SEEK_END));
}

/* Each write finds the end of the one before. */
TEST_F(ring, writes_do_not_meet)
{
	char data[16], back[17] = "";
	unsigned int i, seen = 0;
	int fd, disk;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the worker looks for the file");
	for (i = 0; i < 16; i++)
		data[i] = 'a' + i;
	for (disk = 0; disk < 2; disk++) {
		fd = new_file(disk);
		for (i = 0; i < 16; i++)
			prep_rw(&self->ring, true, fd, data + i, 1, -1, i);
		ASSERT_EQ(16, ring_submit(&self->ring));
		ASSERT_EQ(0, ring_wait(&self->ring, 16));
		ASSERT_EQ(16, ring_drain(&self->ring));
		ASSERT_EQ(16, pread(fd, back, sizeof(back), 0));
		for (i = 0, seen = 0; i < 16; i++)
			seen |= 1 << (back[i] - 'a');
		EXPECT_EQ(0xffff, seen);
		close(fd);
	}
}

TEST_F(ring, many)
{
	static char data[64 * PAGE], back[64][PAGE];
	struct io_uring_cqe cqe;
	unsigned int i, round;
	int fd, disk;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i / 7;
	for (disk = 0; disk < 2; disk++) {
		fd = new_file(disk);
		ASSERT_EQ((int)sizeof(data), write(fd, data, sizeof(data)));
		memset(back, 0, sizeof(back));
		for (round = 0; round < 4; round++) {
			for (i = 16 * round; i < 16 * (round + 1); i++)
				prep_rw(&self->ring, false, fd, back[i], PAGE, i * PAGE, i);
			ASSERT_EQ(16, ring_submit(&self->ring));
			for (i = 0; i < 16; i++) {
				ASSERT_EQ(0, ring_take(&self->ring, &cqe));
				ASSERT_EQ((int)PAGE, cqe.res);
				EXPECT_EQ(0, memcmp(back[cqe.user_data],
						    data + cqe.user_data * PAGE, PAGE));
			}
		}
		close(fd);
	}
}

TEST_F(ring, links)
{
	int fd = new_file(false);
	struct io_uring_sqe *sqe;
	char buf[8] = "";

	sqe = prep_rw(&self->ring, true, fd, "abc", 3, 0, 1);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = prep_rw(&self->ring, false, fd, buf, 3, 0, 2);
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	/* less than it wants */
	sqe = prep_rw(&self->ring, false, fd, buf, 8, 0, 3);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = prep_rw(&self->ring, true, fd, "xyz", 3, 0, 4);
	sqe->flags |= IOSQE_IO_LINK;
	prep_nop(&self->ring, 5);
	ASSERT_EQ(5, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 3, 0);
	ASSERT_CQE(&self->ring, 3, 3, 0);
	ASSERT_CQE(&self->ring, 4, -ECANCELED, 0);
	ASSERT_CQE(&self->ring, 5, -ECANCELED, 0);
	ASSERT_EQ(3, pread(fd, buf, 8, 0));
	EXPECT_STREQ("abc", buf);
}

TEST_F(ring, an_eventfd_for_what_is_not_done_at_once)
{
	int fd = new_file(false), event = eventfd(0, EFD_NONBLOCK);
	struct pollfd readable = { .fd = event, .events = POLLIN };
	char buf[8];
	__u64 value;

	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_EVENTFD_ASYNC, &event, 1));
	prep_nop(&self->ring, 1);
	ASSERT_RESULT(&self->ring, 0);
	ASSERT_EQ(-1, read(event, &value, 8));
	prep_rw(&self->ring, false, fd, buf, 8, 0, 1);
	ASSERT_RESULT(&self->ring, 3);
	if (!(variant->flags & IORING_SETUP_DEFER_TASKRUN) || variant->backend == RURING) {
		/* It is told after the completion can be seen. */
		ASSERT_EQ(1, poll(&readable, 1, 10000));
		ASSERT_EQ(8, read(event, &value, 8));
	}
}

/* IOSQE_ASYNC for what can be waited for. */
TEST_F(ring, streams_and_sockets)
{
	struct sockaddr_in addr;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int fd[2], sv[2], server, client, i, peer = -1;
	char buf[8] = "", more[8] = "";

	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	prep_rw(&self->ring, false, fd[0], buf, 8, -1, 1);
	prep_recv(&self->ring, sv[0], more, 8, 2)->flags = IOSQE_ASYNC;
	ASSERT_EQ(2, ring_submit(&self->ring));
	ASSERT_QUIET(&self->ring);
	prep_rw(&self->ring, true, fd[1], "abc", 3, -1, 3);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_EQ(2, ring_drain(&self->ring));
	EXPECT_STREQ("abc", buf);
	prep_send(&self->ring, sv[1], "defg", 4, 4)->flags = IOSQE_ASYNC;
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, ring_wait(&self->ring, 2));
	ASSERT_EQ(2, ring_drain(&self->ring));
	EXPECT_STREQ("defg", more);

	server = tcp_listen(&addr);
	client = socket(AF_INET, SOCK_STREAM, 0);
	prep_accept(&self->ring, server, 5)->flags = IOSQE_ASYNC;
	sqe = prep(&self->ring, IORING_OP_CONNECT, client, &addr, 0, 6);
	sqe->off = sizeof(addr);
	sqe->flags = IOSQE_ASYNC;
	ASSERT_EQ(2, ring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_take(&self->ring, &cqe));
		ASSERT_LE(0, cqe.res);
		if (cqe.user_data == 5)
			peer = cqe.res;
	}
	ASSERT_EQ(3, write(client, "xyz", 3));
	ASSERT_EQ(3, read(peer, buf, 8));
}

static int limit(struct ring *ring, unsigned int bounded, unsigned int unbounded,
		 unsigned int *before)
{
	before[0] = bounded;
	before[1] = unbounded;
	return ring_register(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, before, 2);
}

TEST_F(ring, limits)
{
	unsigned int before[2], usual;

	ASSERT_EQ(0, limit(&self->ring, 0, 0, before));
	usual = before[0];
	EXPECT_LE(1, usual);
	EXPECT_LE(usual, 16);
	ASSERT_EQ(0, limit(&self->ring, 3, 0, before));
	EXPECT_EQ(usual, before[0]);
	ASSERT_EQ(0, limit(&self->ring, 0, 5, before));
	EXPECT_EQ(3, before[0]);
	ASSERT_EQ(0, limit(&self->ring, 2, 6, before));
	EXPECT_EQ(3, before[0]);
	EXPECT_EQ(5, before[1]);
	EXPECT_EQ(-EINVAL, limit(&self->ring, 1u << 31, 1, before));
	EXPECT_EQ(-EINVAL, limit(&self->ring, 1, 1u << 31, before));
	EXPECT_EQ(-EFAULT, ring_register(&self->ring, IORING_REGISTER_IOWQ_MAX_WORKERS,
					 (void *)4096, 2));
	EXPECT_EQ(-EINVAL, ring_register(&self->ring, IORING_REGISTER_IOWQ_MAX_WORKERS,
					 NULL, 2));
	EXPECT_EQ(-EINVAL, ring_register(&self->ring, IORING_REGISTER_IOWQ_MAX_WORKERS,
					 before, 1));
	ASSERT_EQ(0, limit(&self->ring, 0, 0, before));
	EXPECT_EQ(2, before[0]);
	EXPECT_EQ(6, before[1]);
}

/* The limit of workers at what may wait for ever is that of processes, until it is set. */
TEST_F(ring, limit_of_processes)
{
	static const rlim_t limits[] = { 1000, RLIM_INFINITY };
	static const unsigned int told[] = { 1000, 0 };
	unsigned int before[2], i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		pid_t pid = fork();
		int status;

		ASSERT_LE(0, pid);
		if (!pid) {
			const struct rlimit rlimit = { limits[i], RLIM_INFINITY };
			struct ring r;

			/* what it has asked io_uring for a first time counts */
			if (setrlimit(RLIMIT_NPROC, &rlimit) || ring_init(&r, variant->backend, 4, 0))
				_exit(1);
			_exit(limit(&r, 0, 0, before) || before[1] != told[i] ? 2 : 0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* A worker of the one kind that is just being made does not count as one of the other. */
TEST_F(ring, limits_of_both_kinds_at_once)
{
	int from[2], to[2], i, j;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	unsigned int before[2];
	struct statx st;

	ASSERT_EQ(0, pipe(from));
	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, limit(&self->ring, 1, 1, before));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, write(from[1], "x", 1));
		prep(&self->ring, IORING_OP_STATX, AT_FDCWD, "/", STATX_SIZE, 1)->off = (uintptr_t)&st;
		sqe = prep(&self->ring, IORING_OP_SPLICE, to[1], NULL, 1, 2);
		sqe->off = -1;
		sqe->splice_off_in = -1;
		sqe->splice_fd_in = from[0];
		ASSERT_EQ(2, ring_submit(&self->ring));
		/* any of both may be first, as they are done by two */
		for (j = 0; j < 2; j++) {
			ASSERT_EQ(0, ring_take(&self->ring, &cqe));
			EXPECT_EQ(cqe.user_data == 2, cqe.res);
		}
	}
	for (i = 0; i < 2; i++) {
		close(from[i]);
		close(to[i]);
	}
}

/* The only processors that a thread may run on whose name begins with @name. */
static int processors_of(const char *name, char *list, size_t size)
{
	char path[300], line[256];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	int found = 0;
	FILE *f;

	while (dir && (entry = readdir(dir))) {
		bool is_it = false;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "Name:\t", 6))
				is_it = !strncmp(line + 6, name, strlen(name));
			if (is_it && !strncmp(line, "Cpus_allowed_list:\t", 19)) {
				line[strcspn(line, "\n")] = '\0';
				snprintf(list, size, "%.16s", line + 19);
				found++;
			}
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Workers that are made later run where they are told to. */
TEST_F(ring, affinity)
{
	const char *name = variant->backend == IO_URING ? "iou-wrk" : "ruring-wrk";
	unsigned long second = 2, none_such = 1UL << 14 | 1;
	struct ring *r = &self->ring;
	char list[32] = "";
	struct slow slow;
	int fd;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "there is one processor");
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_IOWQ_AFF, &none_such, 8));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_IOWQ_AFF, &second, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_IOWQ_AFF, NULL, 8));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_IOWQ_AFF, (void *)4096, 8));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_IOWQ_AFF, &second, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_IOWQ_AFF, NULL, 1));
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_IOWQ_AFF, NULL, 0));
	/* of more bytes than the kernel has processors the first count */
	ASSERT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_AFF,
				   (unsigned long [256]) { second }, 2048));
	fd = new_file(false);
	ASSERT_EQ(0, slow_init(&slow, 1));
	prep_rw(r, true, fd, slow.mem, 100, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_LE(0, slow_wait(&slow));
	EXPECT_EQ(1, processors_of(name, list, sizeof(list)));
	EXPECT_STREQ("1", list);
	ASSERT_EQ(0, slow_fill(&slow, 0));
	ASSERT_CQE(r, 1, 100, 0);
	slow_exit(&slow);
	close(fd);
}

/* Whatever the task has limited itself to, and whatever its cpuset had before. */
TEST_F(ring, within_the_cpuset)
{
	unsigned long first = 1, second = 2;
	struct ring *r = &self->ring;
	struct cgroup cpuset;
	char list[32] = "";
	struct slow slow;
	cpu_set_t set;
	int fd;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "there is one processor");
	if (write_to(CGROUPS, "cgroup.subtree_control", "+cpuset"))
		SKIP(return, "no cpusets");
	ASSERT_EQ(0, cpuset_enter(&cpuset, "0"));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_IOWQ_AFF, &second, 8));
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_AFF, &first, 8));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_IOWQ_AFF, &second, 8));
	EXPECT_EQ(0, write_to(cpuset.dir, "cpuset.cpus", "0-1"));
	EXPECT_EQ(0, ring_register(r, IORING_REGISTER_IOWQ_AFF, &second, 8));
	EXPECT_EQ(0, write_to(cpuset.dir, "cpuset.cpus", "0"));
	fd = new_file(false);
	ASSERT_EQ(0, slow_init(&slow, 1));
	prep_rw(r, true, fd, slow.mem, 100, 0, 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_LE(0, slow_wait(&slow));
	/* io_uring's goes to where it was told to before */
	if (variant->backend == RURING) {
		EXPECT_EQ(1, processors_of("ruring-wrk", list, sizeof(list)));
		EXPECT_STREQ("0", list);
	}
	ASSERT_EQ(0, slow_fill(&slow, 0));
	ASSERT_CQE(r, 1, 100, 0);
	slow_exit(&slow);
	close(fd);
	EXPECT_EQ(0, write_to(CGROUPS, "cgroup.procs", "0"));
	/* its threads are gone soon */
	EXPECT_TRUE(wait_until(cgroup_is_removed, &cpuset));
}

/* As many processes as a user may have are as many workers as a program may have. */
TEST_F(ring, limits_of_processes)
{
	struct rlimit rlimit = { 100, 100 };
	unsigned int before[2];

	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &rlimit));
	ASSERT_EQ(0, limit(&self->ring, 1000, 1000, before));
	ASSERT_EQ(0, limit(&self->ring, 0, 0, before));
	EXPECT_EQ(100, before[0]);
	EXPECT_EQ(100, before[1]);
}

TEST_F(ring, one_at_a_time)
{
	int fd = new_file(false);
	unsigned int before[2], i;
	struct pollfd pfd = {};
	struct slow slow;
	int page;

	if (IO_URING_OF_7_2)
		SKIP(return, "in 7.2 the worker looks for the file");
	ASSERT_EQ(0, slow_init(&slow, 3));
	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, limit(&self->ring, 1, 0, before));
	for (i = 0; i < 3; i++)
		prep_rw(&self->ring, false, fd, slow.mem + i * PAGE, 1, i, i);
	ASSERT_EQ(3, ring_submit(&self->ring));
	pfd = (struct pollfd) { .fd = slow.fd, .events = POLLIN };
	for (i = 0; i < 3; i++) {
		page = slow_wait(&slow);
		ASSERT_LE(0, page);
		/* whoever else wanted a page would have some time for it */
		EXPECT_EQ(0, poll(&pfd, 1, 20));
		ASSERT_EQ(0, slow_fill(&slow, page));
		ASSERT_CQE(&self->ring, page, 1, 0);
		EXPECT_EQ('a' + page, slow.mem[page * PAGE]);
	}
	slow_exit(&slow);
}

TEST_HARNESS_MAIN
