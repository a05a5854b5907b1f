// SPDX-License-Identifier: GPL-2.0
/*
 * IORING_REGISTER_NAPI: queues of network devices that are polled before a wait.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define RING_MODES
#include "fixture.h"
#include "hooks.h"
#include "veth.h"

#define INACTIVE	IO_URING_NAPI_TRACKING_INACTIVE
/* A number that a queue could have. */
#define SOME_QUEUE	1000000

static struct io_uring_napi napi_of(unsigned int op, unsigned int param, unsigned int micros)
{
	return (struct io_uring_napi) {
		.opcode = op, .op_param = param, .busy_poll_to = micros,
	};
}

static int register_napi(struct ring *r, struct io_uring_napi *napi)
{
	return ring_register(r, IORING_REGISTER_NAPI, napi, 1);
}

static int set_tracking(struct ring *r, unsigned int tracking, unsigned int micros)
{
	struct io_uring_napi napi = napi_of(IO_URING_NAPI_REGISTER_OP, tracking, micros);

	return register_napi(r, &napi);
}

static int change(struct ring *r, unsigned int op, unsigned int id)
{
	struct io_uring_napi napi = napi_of(op, id, 0);

	return register_napi(r, &napi);
}

#define IS(napi, micros, prefer, param) do {					\
	struct io_uring_napi _is = {						\
		.busy_poll_to = (micros), .prefer_busy_poll = (prefer),		\
		.op_param = (param),						\
	};									\
	EXPECT_EQ(0, memcmp(&_is, &(napi), sizeof(_is)));			\
} while (0)

/* What was before is told, also to who is refused then. */
TEST_F(ring, settings)
{
	struct io_uring_napi napi = napi_of(IO_URING_NAPI_REGISTER_OP,
					    IO_URING_NAPI_TRACKING_DYNAMIC, 5000);
	struct ring *r = &self->ring;

	napi.prefer_busy_poll = 7;
	ASSERT_EQ(0, register_napi(r, &napi));
	IS(napi, 0, 0, INACTIVE);
	napi = napi_of(IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_STATIC, ~0u);
	ASSERT_EQ(0, register_napi(r, &napi));
	IS(napi, 5000, 1, IO_URING_NAPI_TRACKING_DYNAMIC);
	napi = napi_of(IO_URING_NAPI_REGISTER_OP, 2, 1);
	EXPECT_EQ(-EINVAL, register_napi(r, &napi));
	IS(napi, 10000, 0, IO_URING_NAPI_TRACKING_STATIC);
	napi = napi_of(IO_URING_NAPI_REGISTER_OP, INACTIVE, 1);
	EXPECT_EQ(-EINVAL, register_napi(r, &napi));
	napi = napi_of(3, IO_URING_NAPI_TRACKING_DYNAMIC, 1);
	EXPECT_EQ(-EINVAL, register_napi(r, &napi));
	IS(napi, 10000, 0, IO_URING_NAPI_TRACKING_STATIC);
	/* the end of it says no tracking */
	memset(&napi, 0xff, sizeof(napi));
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_NAPI, &napi, 1));
	IS(napi, 10000, 0, 0);
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_NAPI, &napi, 1));
	IS(napi, 0, 0, 0);
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_NAPI, NULL, 1));
	napi = napi_of(IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_DYNAMIC, 0);
	ASSERT_EQ(0, register_napi(r, &napi));
	IS(napi, 0, 0, INACTIVE);
}

TEST_F(ring, queues_that_it_is_told_of)
{
	struct ring *r = &self->ring;

	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_DYNAMIC, 1));
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE));
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_STATIC, 1));
	EXPECT_EQ(-ENOENT, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	EXPECT_EQ(-EEXIST, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE + 1));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, ~0u));
	/* numbers of processors are none of queues */
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_ADD_ID, 0));
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_ADD_ID, 1));
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_DEL_ID, 1));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE));
	EXPECT_EQ(-ENOENT, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_DEL_ID, ~0u));
	/* settings anew forget them, and so does the end */
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_STATIC, 1));
	EXPECT_EQ(-ENOENT, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE + 1));
	EXPECT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_NAPI, NULL, 1));
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_DEL_ID, SOME_QUEUE));
}

TEST_F(ring, what_makes_no_sense)
{
	const struct io_uring_napi good = napi_of(IO_URING_NAPI_REGISTER_OP,
						  IO_URING_NAPI_TRACKING_DYNAMIC, 1000);
	struct ring *r = &self->ring;
	struct io_uring_napi bad, was;
	struct ring polling;
	char *mem;

	bad = good;
	bad.pad[1] = 1;
	was = bad;
	EXPECT_EQ(-EINVAL, register_napi(r, &bad));
	EXPECT_EQ(0, memcmp(&was, &bad, sizeof(bad)));
	bad = good;
	bad.resv = 1;
	EXPECT_EQ(-EINVAL, register_napi(r, &bad));
	bad = good;
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_NAPI, &bad, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_NAPI, &bad, 2));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_REGISTER_NAPI, NULL, 1));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_NAPI, &bad, 0));
	EXPECT_EQ(-EINVAL, ring_register(r, IORING_UNREGISTER_NAPI, NULL, 2));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_NAPI, (void *)4096, 1));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_UNREGISTER_NAPI, (void *)4096, 1));
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	memcpy(mem, &good, sizeof(good));
	ASSERT_EQ(0, mprotect(mem, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, ring_register(r, IORING_REGISTER_NAPI, mem, 1));
	ASSERT_EQ(0, munmap(mem, 4096));
	ASSERT_EQ(0, register_napi(r, &bad));
	IS(bad, 0, 0, INACTIVE);

	ASSERT_EQ(0, ring_init(&polling, variant->backend, 4,
			       variant->flags | IORING_SETUP_IOPOLL));
	bad = good;
	EXPECT_EQ(-EINVAL, register_napi(&polling, &bad));
	ring_exit(&polling);
}

/* How often queues are polled, by a probe of the function that does it. */
static bool probe_begin(enum backend backend)
{
	if (geteuid() || !trace_mount())
		return false;
	trace_write("events/kprobes/enable", "0");
	trace_write("kprobe_events", "");
	return !trace_append("kprobe_events", backend == RURING ?
			     "p:polled napi_busy_loop" : "p:polled napi_busy_loop_rcu") &&
	       !trace_write("events/kprobes/polled/enable", "1");
}

static long long probe_hits(void)
{
	return proc_value(TRACEFS "kprobe_profile", "  polled ");
}

static void probe_end(void)
{
	trace_write("events/kprobes/enable", "0");
	trace_write("kprobe_events", "");
}

static int wait_in_vain(struct ring *r)
{
	return ring_wait_ms(r, 1, 5);
}

TEST_F(ring, who_waits_polls)
{
	struct ring *r = &self->ring;
	long long before;

	if (!probe_begin(variant->backend))
		SKIP(return, "no tracefs");
	before = probe_hits();
	ASSERT_LE(0, before);
	/* not without a queue */
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_STATIC, 2000));
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	EXPECT_EQ(before, probe_hits());
	ASSERT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	ASSERT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE + 1));
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	EXPECT_LE(before + 2, probe_hits());
	/* nor who need not wait */
	before = probe_hits();
	prep_nop(r, 1);
	ASSERT_EQ(1, ring_enter(r, ring_publish(r), 1, IORING_ENTER_GETEVENTS));
	EXPECT_EQ(before, probe_hits());
	ASSERT_EQ(1, ring_drain(r));
	/* once, if not for a time */
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_STATIC, 0));
	ASSERT_EQ(0, change(r, IO_URING_NAPI_STATIC_ADD_ID, SOME_QUEUE));
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	EXPECT_EQ(before + 1, probe_hits());
	/* and not any more */
	before = probe_hits();
	ASSERT_EQ(0, ring_register(r, IORING_UNREGISTER_NAPI, NULL, 1));
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	EXPECT_EQ(before, probe_hits());
	probe_end();
}

/* The queues of the sockets that are waited for are polled, and what comes by them is received. */
TEST_F(ring, queues_of_sockets)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(7777),
		.sin_addr.s_addr = htonl(0x0a090801),
	};
	struct ring *r = &self->ring;
	unsigned int id = 0;
	socklen_t len = sizeof(id);
	long long before;
	int fd, there, i;
	char buf[16];

	if (geteuid() || !veth_begin(&there))
		SKIP(return, "no ip(8), or no veth");
	if (!probe_begin(variant->backend))
		SKIP(return, "no tracefs");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_EQ(0, set_tracking(r, IO_URING_NAPI_TRACKING_DYNAMIC, 1000));
	before = probe_hits();
	/* it has no queue before its first packet */
	prep_recv(r, fd, buf, sizeof(buf), 1);
	ASSERT_EQ(1, ring_submit(r));
	ASSERT_EQ(-ETIME, wait_in_vain(r));
	EXPECT_EQ(before, probe_hits());
	ASSERT_EQ(5, sendto(there, "first", 5, 0, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_CQE(r, 1, 5, 0);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len));
	ASSERT_LT(1, id);
	for (i = 0; i < 20; i++) {
		before = probe_hits();
		memset(buf, 0, sizeof(buf));
		prep_recv(r, fd, buf, sizeof(buf), 2);
		ASSERT_EQ(1, ring_submit(r));
		ASSERT_EQ(-ETIME, wait_in_vain(r));
		EXPECT_LT(before, probe_hits());
		ASSERT_EQ(6, sendto(there, "second", 6, 0, (struct sockaddr *)&to, sizeof(to)));
		ASSERT_CQE(r, 2, 6, 0);
		ASSERT_EQ(0, memcmp("second", buf, 6));
	}
	/* it is not one that was told */
	EXPECT_EQ(-EINVAL, change(r, IO_URING_NAPI_STATIC_DEL_ID, id));
	probe_end();
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(there));
}

TEST_HARNESS_MAIN
