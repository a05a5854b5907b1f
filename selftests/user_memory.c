// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that a registration is about may be missing for as long as somebody likes: a file server, or, here, a
 * userfaultfd. Only who registers waits for it. Another thread goes on with the ring meanwhile, and a process that
 * only has the descriptor does what it likes. With io_uring they wait.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "system.h"
#include "user_memory.h"

#define PARAMETERS	"/sys/module/ruring/parameters"

/* Instead of a registration: io_uring_enter() with an argument of this size. */
#define ENTER	0x1000

FIXTURE(user_memory) {
	struct held held;
};

FIXTURE_VARIANT(user_memory) {
	unsigned int opcode;
	/* prepares the ring and @content, returns the argument */
	const void *(*prepare)(struct held *h);
	/* of the ring */
	unsigned int flags;
	/* the page is there, but cannot be written at first */
	bool answered;
	int result;
};

#define CASE(name, op, prep, ...)					\
	FIXTURE_VARIANT_ADD(user_memory, name) { .opcode = (op), .prepare = (prep), __VA_ARGS__ }

CASE(eventfd, IORING_REGISTER_EVENTFD, page_is_eventfd);
CASE(restrictions, IORING_REGISTER_RESTRICTIONS, page_is_restriction,
	.flags = IORING_SETUP_R_DISABLED);
CASE(pbuf_ring, IORING_REGISTER_PBUF_RING, page_is_group);
CASE(pbuf_ring_memory, IORING_REGISTER_PBUF_RING, page_is_buffer_ring);
CASE(unregister_pbuf_ring, IORING_UNREGISTER_PBUF_RING, page_is_old_group);
CASE(pbuf_status, IORING_REGISTER_PBUF_STATUS, page_is_status);
CASE(pbuf_status_answer, IORING_REGISTER_PBUF_STATUS, page_is_status, .answered = true);
CASE(pbuf_low, RURING_REGISTER_PBUF_LOW, page_is_mark);
CASE(files, IORING_REGISTER_FILES, page_is_files);
CASE(files2, IORING_REGISTER_FILES2, page_is_table);
CASE(files2_tags, IORING_REGISTER_FILES2, page_is_tag_of_file);
CASE(files_update, IORING_REGISTER_FILES_UPDATE, page_is_update, .result = 1);
CASE(files_update_files, IORING_REGISTER_FILES_UPDATE, page_is_new_files, .result = 64);
CASE(files_update2_tags, IORING_REGISTER_FILES_UPDATE2, page_is_tag_of_new_file, .result = 1);
CASE(file_alloc_range, IORING_REGISTER_FILE_ALLOC_RANGE, page_is_range);
CASE(sync_cancel, IORING_REGISTER_SYNC_CANCEL, page_is_cancel, .result = -ENOENT);
CASE(max_workers, IORING_REGISTER_IOWQ_MAX_WORKERS, page_is_limits);
CASE(max_workers_answer, IORING_REGISTER_IOWQ_MAX_WORKERS, page_is_limits, .answered = true);
CASE(buffers, IORING_REGISTER_BUFFERS, page_is_vector);
CASE(buffers_memory, IORING_REGISTER_BUFFERS, page_is_buffer);
CASE(buffers2, IORING_REGISTER_BUFFERS2, page_is_table);
CASE(buffers2_tags, IORING_REGISTER_BUFFERS2, page_is_tag_of_buffer);
CASE(buffers_update, IORING_REGISTER_BUFFERS_UPDATE, page_is_new_vector, .result = 1);
CASE(buffers_update_memory, IORING_REGISTER_BUFFERS_UPDATE, page_is_new_buffer, .result = 1);
CASE(clone_buffers, IORING_REGISTER_CLONE_BUFFERS, page_is_clone);
CASE(probe, IORING_REGISTER_PROBE, page_is_probe);
CASE(probe_answer, IORING_REGISTER_PROBE, page_is_probe, .answered = true);
CASE(query, IORING_REGISTER_QUERY, page_is_query);
CASE(query_answer, IORING_REGISTER_QUERY, page_is_answer);
CASE(clock, IORING_REGISTER_CLOCK, page_is_clock);
CASE(resize_rings, IORING_REGISTER_RESIZE_RINGS, page_is_sizes, .flags = DEFER_FLAGS);
CASE(resize_rings_answer, IORING_REGISTER_RESIZE_RINGS, page_is_sizes, .flags = DEFER_FLAGS,
	.answered = true);
CASE(mem_region, IORING_REGISTER_MEM_REGION, page_is_region);
CASE(mem_region_memory, IORING_REGISTER_MEM_REGION, page_is_memory);
/* The NOP of the other thread is what is waited for. */
CASE(enter, ENTER, page_is_wait);
CASE(enter_time, ENTER, page_is_time);

/* What is there once, and what a second one is told. */
FIXTURE(once) {
	struct held held;
};

FIXTURE_VARIANT(once) {
	unsigned int opcode;
	const void *(*prepare)(struct held *h);
	unsigned int flags;
	int error;
};

#define ONCE(name, op, prep, err, ...)					\
	FIXTURE_VARIANT_ADD(once, name) {				\
		.opcode = (op), .prepare = (prep), .error = (err), __VA_ARGS__ \
	}

ONCE(eventfd, IORING_REGISTER_EVENTFD, page_is_eventfd, -EBUSY);
ONCE(restrictions, IORING_REGISTER_RESTRICTIONS, page_is_restriction, -EBUSY,
	.flags = IORING_SETUP_R_DISABLED);
ONCE(pbuf_ring, IORING_REGISTER_PBUF_RING, page_is_group, -EEXIST);
ONCE(unregister_pbuf_ring, IORING_UNREGISTER_PBUF_RING, page_is_old_group, -ENOENT);
ONCE(files, IORING_REGISTER_FILES, page_is_files, -EBUSY);
ONCE(files2, IORING_REGISTER_FILES2, page_is_table, -EBUSY);
ONCE(buffers, IORING_REGISTER_BUFFERS, page_is_vector, -EBUSY);
ONCE(buffers2, IORING_REGISTER_BUFFERS2, page_is_table, -EBUSY);

static void set_up(struct __test_metadata *_metadata, struct held *h)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };

	h->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	ASSERT_LE(0, h->uffd);
	ASSERT_EQ(0, ioctl(h->uffd, UFFDIO_API, &api));
	h->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, h->page);
	h->content = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, h->content);
	h->nr = 1;
}

static void tear_down(struct held *h)
{
	ring_exit(&h->ring);
	close(h->uffd);
}

FIXTURE_SETUP(user_memory)
{
	set_up(_metadata, &self->held);
}

FIXTURE_TEARDOWN(user_memory)
{
	tear_down(&self->held);
}

FIXTURE_SETUP(once)
{
	set_up(_metadata, &self->held);
}

FIXTURE_TEARDOWN(once)
{
	tear_down(&self->held);
}

/* From here on the page is missing, or cannot be written. */
static int hold(struct held *h, bool answered)
{
	struct uffdio_range range = { (uintptr_t)h->page, PAGE };
	struct uffdio_register reg = { .range = range, .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_writeprotect protect = { range, UFFDIO_WRITEPROTECT_MODE_WP };

	if (!answered)
		return ioctl(h->uffd, UFFDIO_REGISTER, &reg);
	memcpy(h->page, h->content, PAGE);
	reg.mode = UFFDIO_REGISTER_MODE_WP;
	return ioctl(h->uffd, UFFDIO_REGISTER, &reg) ?: ioctl(h->uffd, UFFDIO_WRITEPROTECT, &protect);
}

static int release(struct held *h, bool answered)
{
	struct uffdio_writeprotect protect = { { (uintptr_t)h->page, PAGE }, 0 };
	struct uffdio_copy copy = {
		.dst = (uintptr_t)h->page,
		.src = (uintptr_t)h->content,
		.len = PAGE,
	};

	return answered ? ioctl(h->uffd, UFFDIO_WRITEPROTECT, &protect) : ioctl(h->uffd, UFFDIO_COPY, &copy);
}

/* Who registers: a thread that has made the ring, for rings with a single issuer. */
struct issuer {
	struct held *held;
	unsigned int opcode;
	unsigned int flags;
	bool answered;
	const void *(*prepare)(struct held *h);
	const void *arg;
};

static void *issue(void *arg)
{
	struct issuer *i = arg;
	struct held *h = i->held;

	h->ret = ring_init(&h->ring, RURING, 8, i->flags);
	if (!h->ret) {
		i->arg = i->prepare(h);
		h->ret = i->arg ? hold(h, i->answered) : -1;
	}
	if (!h->ret && i->opcode == ENTER)
		h->ret = backend_enter(RURING, h->ring.fd, 0, 1,
				       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, i->arg, h->nr);
	else if (!h->ret)
		h->ret = ring_register(&h->ring, i->opcode, i->arg, h->nr);
	__atomic_store_n(&h->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Who uses the ring at the same time. */
struct other {
	struct ring *ring;
	int entered;
	int registered;
	bool over;
};

static void *use(void *arg)
{
	unsigned int limits[2] = {};
	struct other *o = arg;

	prep_nop(o->ring, 1);
	o->entered = ring_enter(o->ring, ring_publish(o->ring), 0, 0);
	o->registered = ring_register(o->ring, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);
	__atomic_store_n(&o->over, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool is_over(void *over)
{
	return __atomic_load_n((bool *)over, __ATOMIC_ACQUIRE);
}

/* A process that only has the descriptor. */
static pid_t look_on(struct ring *r)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	char path[64];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", r->fd);
	_exit(poll(&pfd, 1, 0) < 0 || proc_value(path, "flags:") < 0 || close(r->fd));
}

static bool ends_well(void *pid)
{
	int status;

	return waitpid(*(pid_t *)pid, &status, WNOHANG) == *(pid_t *)pid && !status;
}

static void start(struct __test_metadata *_metadata, struct issuer *i, pthread_t *thread)
{
	struct pollfd pfd = { .fd = i->held->uffd, .events = POLLIN };
	struct uffd_msg msg;

	ASSERT_EQ(0, pthread_create(thread, NULL, issue, i));
	ASSERT_EQ(1, poll(&pfd, 1, DEADLINE_MS));
	ASSERT_EQ(sizeof(msg), read(i->held->uffd, &msg, sizeof(msg)));
	ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
}

TEST_F(user_memory, nobody_else_waits_for_it)
{
	struct held *h = &self->held;
	struct issuer issuer = {
		h, variant->opcode, variant->flags, variant->answered, variant->prepare, NULL,
	};
	struct other other = { &h->ring, -1, -1, false };
	pthread_t thread, user;
	pid_t pid;

	start(_metadata, &issuer, &thread);
	ASSERT_EQ(0, pthread_create(&user, NULL, use, &other));
	EXPECT_TRUE(wait_until(is_over, &other.over));
	pid = look_on(&h->ring);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(wait_until(ends_well, &pid));
	EXPECT_FALSE(is_over(&h->over));
	ASSERT_EQ(0, release(h, variant->answered));
	ASSERT_EQ(0, pthread_join(user, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(variant->result, h->ret);
	if (variant->flags & IORING_SETUP_SINGLE_ISSUER) {
		EXPECT_EQ(-EEXIST, other.entered);
		EXPECT_EQ(-EEXIST, other.registered);
		return;
	}
	EXPECT_EQ(variant->flags & IORING_SETUP_R_DISABLED ? -EBADFD : 1, other.entered);
	EXPECT_EQ(0, other.registered);
}

TEST_F(once, another_is_first)
{
	struct held *h = &self->held;
	struct issuer issuer = { h, variant->opcode, variant->flags, false, variant->prepare, NULL };
	pthread_t thread;

	start(_metadata, &issuer, &thread);
	ASSERT_EQ(h->page, issuer.arg);
	EXPECT_EQ(0, ring_register(&h->ring, variant->opcode, h->content, h->nr));
	ASSERT_EQ(0, release(h, false));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(variant->error, h->ret);
}

/* An administrator ends all rings while one of them registers: it keeps nothing of that. */
TEST_F(once, the_ring_ends)
{
	struct held *h = &self->held;
	struct issuer issuer = { h, variant->opcode, variant->flags, false, variant->prepare, NULL };
	pthread_t thread;

	start(_metadata, &issuer, &thread);
	ASSERT_EQ(h->page, issuer.arg);
	EXPECT_EQ(0, write_to(PARAMETERS, "enabled", "N"));
	EXPECT_EQ(0, write_to(PARAMETERS, "enabled", "Y"));
	ASSERT_EQ(0, release(h, false));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EBADFD, h->ret);
}

TEST_HARNESS_MAIN
