// SPDX-License-Identifier: GPL-2.0
/*
 * The submission of each opcode when memory is short: it fails at its first place, then at its second, up
 * to the last, see failnth.h. Whatever comes of that, each request completes exactly once, the
 * ring is as good as before, and nothing stays behind in the end. The ring is a new one each time, as
 * one asks for less the next time; the files that requests are about serve for all places, save for what
 * cannot be done to them twice.
 */
#include "failnth_ops.h"

FIXTURE(submit) {
	struct world world;
	/* so that the module does not come to rest in between */
	struct ring other;
};

FIXTURE_VARIANT(submit) {
	struct submission what;
};

#define VARIANT(name, ...)								\
	FIXTURE_VARIANT_ADD(submit, name) { .what = { op_##name, __VA_ARGS__ } };
FOR_EACH_CASE(VARIANT)

FIXTURE_SETUP(submit)
{
	if (!set_up_to_fail(_metadata, &self->other))
		SKIP(return, "no fault injection");
}

FIXTURE_TEARDOWN(submit)
{
}

/* Submit what is prepared; the @n-th place of that fails. Whether there is one. */
static bool submit_at(struct __test_metadata *_metadata, struct world *w, unsigned int n)
{
	unsigned int queued = ring_publish(&w->ring);
	bool failed;
	int ret;

	EXPECT_TRUE(arm(n));
	ret = ring_enter(&w->ring, queued, 0, IORING_ENTER_GETEVENTS);
	failed = disarm();
	/* what was not taken is still there */
	while (ret < (int)queued) {
		EXPECT_TRUE(failed);
		if (ret > 0)
			queued -= ret;
		ret = ring_enter(&w->ring, queued, 0, IORING_ENTER_GETEVENTS);
		if (ret < 1) {
			EXPECT_LE(1, ret);
			break;
		}
	}
	return failed;
}

TEST_F(submit, fails_at_each_place)
{
	struct before before = { open_files(), pinned_pages(), module_users() };
	struct world *w = &self->world;
	struct io_uring_params params = { .flags = variant->what.flags };
	unsigned int n, over;
	bool failed = true;
	int ret, first;

	for (n = 1; failed && n < MANY; n++) {
		if (n == 1 || variant->what.once)
			ASSERT_EQ(0, world_make(w));
		ASSERT_EQ(0, world_begin(w, &params));
		first = next_fd();
		variant->what.prep(w);
		failed = submit_at(_metadata, w, n);
		ASSERT_EQ(0, poke(w));
		ASSERT_LE(0, ring_run(&w->ring));
		prep_cancel(&w->ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, 99);
		ASSERT_EQ(1, ring_submit_and_run(&w->ring));
		over = 0;
		ret = reap(w, &over);
		ASSERT_EQ(0, ret) {
			TH_LOG("place %u: requests that are over: %#x of %u", n, over, w->nr);
		}
		ring_drain(&w->ring);
		ASSERT_QUIET(&w->ring);
		world_leave(w, first, variant->what.once || !failed);
	}
	ASSERT_FALSE(failed);
	ASSERT_AS_BEFORE(before);
	TH_LOG("%u places", n - 2);
}

/* So that a new one has a case. PROBE has no room for what is not io_uring's. */
TEST(every_opcode_is_submitted)
{
	static const struct submission all[] = {
#define CASE(name, ...)	{ op_##name, __VA_ARGS__ },
		FOR_EACH_CASE(CASE)
	};
	struct io_uring_probe *probe;
	bool seen[256] = {};
	struct ring ring;
	struct world w;
	unsigned int i, n;

	ASSERT_EQ(0, world_make(&w));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct io_uring_params params = { .flags = all[i].flags };

		ASSERT_EQ(0, world_begin(&w, &params));
		all[i].prep(&w);
		for (n = 0; n < w.ring.prepared; n++)
			seen[w.ring.sqes[n].opcode] = true;
		world_finish(&w);
	}
	world_end(&w);
	ASSERT_EQ(0, ring_init(&ring, RURING, 2, IORING_SETUP_SQE_MIXED));
	probe = calloc(1, sizeof(*probe) + 256 * sizeof(probe->ops[0]));
	ASSERT_NE(NULL, probe);
	ASSERT_EQ(0, ring_register(&ring, IORING_REGISTER_PROBE, probe, 256));
	EXPECT_TRUE(seen[RURING_OP_SENDFILE]);
	for (i = 0; i < IORING_OP_LAST; i++) {
		EXPECT_EQ(!!(probe->ops[i].flags & IO_URING_OP_SUPPORTED), seen[i]) {
			TH_LOG("opcode %u", i);
		}
	}
	free(probe);
	ring_exit(&ring);
}

TEST_HARNESS_MAIN
