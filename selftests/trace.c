// SPDX-License-Identifier: GPL-2.0
/*
 * Trace events: the same program on ruring and on io_uring leaves the same
 * events, field by field, save for the addresses in them and for what io_uring
 * keeps in a request's flags besides those of the SQE.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "check.h"

#define TRACEFS	"/sys/kernel/tracing"
#define EVENTS	TRACEFS "/events"

/* What a program left of one event, without addresses and times. */
struct events {
	char text[16384];
	size_t len;
};

enum event {
	CREATE, REGISTER, FILE_GET, QUEUE_ASYNC_WORK, DEFER, LINK, CQRING_WAIT,
	FAIL_LINK, COMPLETE, SUBMIT_REQ, POLL_ARM, TASK_ADD, REQ_FAILED,
	CQE_OVERFLOW, TASK_WORK_RUN, LOCAL_WORK_RUN, NR_EVENTS,
};

static const char *const names[NR_EVENTS] = {
	"create", "register", "file_get", "queue_async_work", "defer", "link",
	"cqring_wait", "fail_link", "complete", "submit_req", "poll_arm",
	"task_add", "req_failed", "cqe_overflow", "task_work_run",
	"local_work_run",
};

static const char *const systems[] = {
	[RURING] = "ruring",
	[IO_URING] = "io_uring",
};

struct trace {
	char dir[128];
	struct events of[NR_EVENTS];
	/* the ring that all were of, and whether there was only that */
	char ring[20];
	bool one_ring;
	/* of the last request that was submitted, by its user_data */
	char reqs[64][20];
	bool same_reqs;
};

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	ret = ret < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static bool is_address(const char *word, size_t len)
{
	size_t i;

	if (len != 16)
		return false;
	for (i = 0; i < len; i++)
		if (!isxdigit(word[i]))
			return false;
	return true;
}

static void add(struct events *to, const char *text, size_t len)
{
	if (to->len + len < sizeof(to->text)) {
		memcpy(to->text + to->len, text, len);
		to->len += len;
	}
}

/* What follows @key in a line, up to the next comma or space. */
static void field(const char *line, const char *key, char *to, size_t size)
{
	const char *at = strstr(line, key);

	to[0] = 0;
	if (at)
		snprintf(to, size, "%.*s", (int)strcspn(at + strlen(key), "\n, "),
			 at + strlen(key));
}

/* The request of a completion is the one that was submitted. */
static void check_req(struct trace *trace, enum event event, const char *line)
{
	char req[20], data[24];
	unsigned long user_data;

	field(line, "user_data ", data, sizeof(data));
	field(line, "req ", req, sizeof(req));
	user_data = strtoul(data, NULL, 16);
	if (user_data >= ARRAY_SIZE(trace->reqs) || !is_address(req, strlen(req)))
		return;
	if (event == SUBMIT_REQ)
		memcpy(trace->reqs[user_data], req, sizeof(req));
	else if (event != REQ_FAILED && event != FILE_GET &&
		 trace->reqs[user_data][0] && strtoull(req, NULL, 16))
		trace->same_reqs &= !strcmp(trace->reqs[user_data], req);
}

static void add_line(struct trace *trace, enum event event, const char *line)
{
	struct events *to = &trace->of[event];
	char ring[20];

	field(line, "ring ", ring, sizeof(ring));
	if (ring[0]) {
		if (trace->ring[0])
			trace->one_ring &= !strcmp(trace->ring, ring);
		memcpy(trace->ring, ring, sizeof(ring));
	}
	check_req(trace, event, line);
	while (*line && *line != '\n') {
		size_t len = strcspn(line, "\n, ");

		if (is_address(line, len) || !strncmp(line, "(nil)", 5)) {
			bool none = line[0] == '(' || !strtoull(line, NULL, 16);

			add(to, none ? "none" : "address", none ? 4 : 7);
		} else if (len > 2 && !strncmp(line, "0x", 2) &&
			   (event == SUBMIT_REQ || event == QUEUE_ASYNC_WORK) &&
			   !strncmp(line - 6, "flags ", 6)) {
			/*
			 * What io_uring has in higher bits is its own, and it sets
			 * IOSQE_ASYNC itself.
			 */
			char flags[8];

			snprintf(flags, sizeof(flags), "0x%llx",
				 strtoull(line, NULL, 16) & 0xef);
			add(to, flags, strlen(flags));
		} else {
			add(to, line, len);
		}
		line += len;
		len = strspn(line, ", ");
		add(to, line, len);
		line += len;
	}
	add(to, "\n", 1);
}

static bool trace_start(struct trace *trace, enum backend backend)
{
	char name[64], pid[16];

	memset(trace, 0, sizeof(*trace));
	trace->one_ring = trace->same_reqs = true;
	mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	snprintf(trace->dir, sizeof(trace->dir), TRACEFS "/instances/ruring-%d",
		 getpid());
	if (mkdir(trace->dir, 0700))
		return false;
	snprintf(name, sizeof(name), "events/%s/enable", systems[backend]);
	snprintf(pid, sizeof(pid), "%d", getpid());
	return !write_file(trace->dir, "set_event_pid", pid) &&
	       !write_file(trace->dir, name, "1");
}

/* Off, and what there is into trace->of. */
static bool trace_end(struct trace *trace, enum backend backend)
{
	char path[192], line[1024], name[64], prefix[16];
	FILE *file;
	int event;

	snprintf(name, sizeof(name), "events/%s/enable", systems[backend]);
	if (write_file(trace->dir, name, "0"))
		return false;
	snprintf(path, sizeof(path), "%s/trace", trace->dir);
	file = fopen(path, "r");
	if (!file)
		return false;
	snprintf(prefix, sizeof(prefix), ": %s_", systems[backend]);
	while (fgets(line, sizeof(line), file)) {
		char *at = strstr(line, prefix), *text;

		if (!at || line[0] == '#')
			continue;
		at += strlen(prefix);
		text = strstr(at, ": ");
		if (!text)
			continue;
		*text = 0;
		for (event = 0; event < NR_EVENTS; event++)
			if (!strcmp(at, names[event]))
				add_line(trace, event, text + 2);
	}
	fclose(file);
	return !rmdir(trace->dir);
}

FIXTURE(trace) {
	struct trace *of[2];
};

FIXTURE_SETUP(trace)
{
	if (proc_value("/proc/sys/kernel/io_uring_disabled", "") != 0)
		SKIP(return, "io_uring is not available");
	mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(EVENTS "/io_uring", F_OK))
		SKIP(return, "the kernel has no trace events");
	self->of[RURING] = calloc(1, sizeof(struct trace));
	self->of[IO_URING] = calloc(1, sizeof(struct trace));
	ASSERT_TRUE(self->of[RURING] && self->of[IO_URING]);
}

FIXTURE_TEARDOWN(trace)
{
	free(self->of[RURING]);
	free(self->of[IO_URING]);
}

/* What both left of an event is the same, and is something. */
#define EXPECT_SAME(event) do {						\
	EXPECT_STREQ(self->of[IO_URING]->of[event].text,		\
		     self->of[RURING]->of[event].text)			\
		TH_LOG("event %s", names[event]);			\
	EXPECT_NE(0, self->of[RURING]->of[event].len)			\
		TH_LOG("event %s", names[event]);			\
} while (0)

/* Runs @program on both. */
#define RUN(program, flags) do {					\
	int _backend;							\
									\
	for (_backend = RURING; _backend <= IO_URING; _backend++) {	\
		struct trace *_trace = self->of[_backend];		\
		struct ring _ring;					\
									\
		ASSERT_TRUE(trace_start(_trace, _backend));		\
		EXPECT_EQ(0, program(&_ring, _backend, flags));		\
		ASSERT_TRUE(trace_end(_trace, _backend));		\
		ring_exit(&_ring);					\
		EXPECT_TRUE(_trace->one_ring);				\
		EXPECT_TRUE(_trace->same_reqs);				\
	}								\
} while (0)

/* The line of the first that does not hold. */
#define CHECK(condition) \
	(failed = failed || (condition) ? failed : __LINE__)

/* Puts @by into the place of @what in a line of 128 bytes. */
static void replace(char *line, const char *what, const char *by)
{
	char *at = strstr(line, what), rest[128];

	if (!at)
		return;
	snprintf(rest, sizeof(rest), "%s", at + strlen(what));
	snprintf(at, 128 - (at - line), "%s%s", by, rest);
}

/* Fields, their types and places: what is written in a script of either holds. */
TEST_F(trace, formats_are_the_same)
{
	char path[128], lines[2][64][128];
	int event, backend, i;

	for (event = 0; event < NR_EVENTS; event++) {
		memset(lines, 0, sizeof(lines));
		for (backend = RURING; backend <= IO_URING; backend++) {
			FILE *file;

			i = 0;
			snprintf(path, sizeof(path), EVENTS "/%s/%s_%s/format",
				 systems[backend], systems[backend],
				 names[event]);
			file = fopen(path, "r");
			ASSERT_NE(NULL, file) TH_LOG("%s", path);
			while (i < 63 && fgets(lines[backend][i], 128, file))
				i += !strncmp(lines[backend][i], "\tfield:", 7);
			lines[backend][i][0] = 0;
			fclose(file);
		}
		for (i = 0; lines[RURING][i][0] || lines[IO_URING][i][0]; i++) {
			/* Of what type a pointer is, and how an int is called. */
			replace(lines[IO_URING][i], "struct io_wq_work *", "void *");
			for (backend = RURING; backend <= IO_URING; backend++)
				replace(lines[backend][i], ":unsigned int ",
					":unsigned ");
			EXPECT_STREQ(lines[IO_URING][i], lines[RURING][i])
				TH_LOG("event %s", names[event]);
		}
	}
}

static int nops(struct ring *ring, enum backend backend, unsigned int flags)
{
	int failed = 0;
	struct io_uring_cqe cqe;
	int i;

	CHECK(!ring_init(ring, backend, 16, flags));
	for (i = 0; i < 3; i++)
		prep_nop(ring, i + 1)->flags = i == 1 ? IOSQE_CQE_SKIP_SUCCESS : 0;
	CHECK(ring_submit(ring) == 3);
	for (i = 0; i < 2; i++)
		CHECK(!ring_take(ring, &cqe));
	return failed;
}

TEST_F(trace, nops)
{
	RUN(nops, 0);
	EXPECT_SAME(CREATE);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(COMPLETE);
}

TEST_F(trace, nops_of_a_ring_for_one)
{
	RUN(nops, DEFER_FLAGS | IORING_SETUP_CQE32);
	EXPECT_SAME(CREATE);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(COMPLETE);
}

/* A receive that has to wait, and one that goes on. */
static int receives(struct ring *ring, enum backend backend,
		    unsigned int flags)
{
	int failed = 0;
	struct io_uring_cqe cqe;
	struct pbuf pbuf;
	char buf[16];
	int sv[2], i;

	CHECK(!ring_init(ring, backend, 16, flags));
	CHECK(!unix_pair(SOCK_DGRAM, sv));
	CHECK(!pbuf_init(&pbuf, ring, 1, 4, 64));
	pbuf_fill(&pbuf);
	prep_recv(ring, sv[0], buf, sizeof(buf), 1);
	CHECK(ring_submit(ring) == 1);
	CHECK(send(sv[1], "hello", 5, 0) == 5);
	CHECK(!ring_take(ring, &cqe) && cqe.res == 5);
	prep_recv_multi(ring, sv[0], 1, 2);
	CHECK(ring_submit(ring) == 1);
	for (i = 0; i < 2; i++) {
		CHECK(send(sv[1], "world!", 6, 0) == 6);
		CHECK(!ring_take(ring, &cqe) && cqe.res == 6);
	}
	prep_poll(ring, sv[0], POLLIN, 3);
	CHECK(ring_submit(ring) == 1);
	close(sv[0]);
	close(sv[1]);
	return failed;
}

TEST_F(trace, receives)
{
	RUN(receives, 0);
	EXPECT_SAME(REGISTER);
	EXPECT_SAME(FILE_GET);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(POLL_ARM);
	EXPECT_SAME(TASK_ADD);
	EXPECT_SAME(COMPLETE);
	EXPECT_NE(0, self->of[RURING]->of[TASK_WORK_RUN].len);
}

TEST_F(trace, receives_of_a_ring_for_one)
{
	RUN(receives, DEFER_FLAGS);
	EXPECT_SAME(FILE_GET);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(POLL_ARM);
	EXPECT_SAME(TASK_ADD);
	EXPECT_SAME(COMPLETE);
	EXPECT_NE(0, self->of[RURING]->of[LOCAL_WORK_RUN].len);
}

/* A link that breaks, in its middle and at submission, and one that holds. */
static int links(struct ring *ring, enum backend backend,
		 unsigned int flags)
{
	int failed = 0;
	struct io_uring_cqe cqe;
	int i;

	CHECK(!ring_init(ring, backend, 16, flags));
	for (i = 1; i <= 4; i++) {
		struct io_uring_sqe *sqe = prep_nop(ring, i);

		sqe->flags = i < 4 ? IOSQE_IO_LINK : 0;
		if (i == 2) {
			sqe->nop_flags = IORING_NOP_INJECT_RESULT;
			sqe->len = -EIO;
		}
	}
	CHECK(ring_submit(ring) == 4);
	for (i = 0; i < 4; i++)
		CHECK(!ring_take(ring, &cqe));
	for (i = 5; i <= 7; i++) {
		struct io_uring_sqe *sqe = prep_nop(ring, i);

		sqe->flags = i < 7 ? IOSQE_IO_HARDLINK : 0;
		if (i == 6)
			sqe->nop_flags = 1u << 31;
	}
	CHECK(ring_submit(ring) == 3);
	for (i = 0; i < 3; i++)
		CHECK(!ring_take(ring, &cqe));
	return failed;
}

TEST_F(trace, links)
{
	RUN(links, 0);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(LINK);
	EXPECT_SAME(FAIL_LINK);
	EXPECT_SAME(REQ_FAILED);
	EXPECT_SAME(COMPLETE);
}

static bool is_ready(void *arg)
{
	return ring_ready(arg);
}

/* What waits for others, is refused, finds no room, and goes to the workers. */
static int rest(struct ring *ring, enum backend backend,
		unsigned int flags)
{
	int failed = 0;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int file, silent, i;

	CHECK(!ring_init_cq(ring, backend, 4, 4, flags | IORING_SETUP_CQSIZE));
	sqe = prep_nop(ring, 1);
	sqe->ioprio = 3;
	sqe->off = 4;
	sqe->addr = 5;
	sqe->addr3 = 6;
	sqe->nop_flags = 1u << 30;
	CHECK(ring_submit(ring) == 1);
	CHECK(!ring_take(ring, &cqe) && cqe.res == -EINVAL);
	for (i = 0; i < 6; i++) {
		prep_nop(ring, i + 2);
		CHECK(ring_submit(ring) == 1);
	}
	for (i = 0; i < 6; i++)
		CHECK(!ring_take(ring, &cqe));
	file = new_file(false);
	CHECK(file >= 0);
	prep(ring, IORING_OP_FALLOCATE, file, (void *)4096, 0, 9);
	CHECK(ring_submit(ring) == 1);
	/* The worker may be through by now or not, so that who waited in the ring would wait at times. */
	CHECK(wait_until(is_ready, ring));
	CHECK(!ring_take(ring, &cqe) && !cqe.res);
	CHECK(ring_wait_ms(ring, 1, 1) == -ETIME);
	/* Not the ring: the worker may be about to tell its pollers of what has been taken. */
	silent = eventfd(0, EFD_CLOEXEC);
	CHECK(silent >= 0);
	prep_poll(ring, silent, POLLIN, 10);
	sqe = prep_nop(ring, 11);
	sqe->flags = IOSQE_IO_DRAIN;
	CHECK(ring_submit(ring) == 2);
	close(silent);
	close(file);
	return failed;
}

TEST_F(trace, what_does_not_go_at_once)
{
	RUN(rest, 0);
	EXPECT_SAME(SUBMIT_REQ);
	EXPECT_SAME(REQ_FAILED);
	EXPECT_SAME(CQE_OVERFLOW);
	/* in 7.2 the worker looks for the file, and nothing is known of it before */
	if (!kernel_is_7_2())
		EXPECT_SAME(QUEUE_ASYNC_WORK);
	EXPECT_SAME(DEFER);
	EXPECT_SAME(CQRING_WAIT);
}

/* A ring that was there before is traced too, and nothing comes after the end. */
TEST_F(trace, can_be_turned_on_at_any_time)
{
	struct trace *trace = self->of[RURING];
	struct io_uring_cqe cqe;
	struct ring ring;

	ASSERT_EQ(0, ring_init(&ring, RURING, 16, 0));
	prep_nop(&ring, 1);
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(0, ring_take(&ring, &cqe));
	ASSERT_TRUE(trace_start(trace, RURING));
	prep_nop(&ring, 2);
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(0, ring_take(&ring, &cqe));
	ASSERT_TRUE(trace_end(trace, RURING));
	prep_nop(&ring, 3);
	ASSERT_EQ(1, ring_submit(&ring));
	ASSERT_EQ(0, ring_take(&ring, &cqe));
	EXPECT_STREQ("ring address, req address, user_data 0x2, opcode NOP, flags 0x0, sq_thread 0\n",
		     trace->of[SUBMIT_REQ].text);
	EXPECT_STREQ("ring address, req address, user_data 0x2, result 0, cflags 0x0 extra1 0 extra2 0\x20\n",
		     trace->of[COMPLETE].text);
	ring_exit(&ring);
}

TEST_HARNESS_MAIN
