// SPDX-License-Identifier: GPL-2.0
/*
 * Set-up, registration and enter when memory is short: they fail at their first place, then at their second,
 * up to the last, see failnth.h. Nothing stays behind in the end: there are no more descriptors, pins and
 * references to the module than there were, and the ring can do afterwards what has failed.
 */
#include "failnth_calls.h"

FIXTURE(call) {
	struct calls calls;
	/* so that the module does not come to rest in between */
	struct ring other;
};

FIXTURE_VARIANT(call) {
	struct what what;
};

#define VARIANT(variant, ...)							\
	FIXTURE_VARIANT_ADD(call, variant) { .what = { #variant, __VA_ARGS__ } };
FOR_EACH_CALL(VARIANT)

static bool needs_ring(const struct what *what)
{
	return what->call != do_setup;
}

/* What all calls are given. */
static int calls_make(struct calls *c)
{
	*c = (struct calls) {
		.ring.fd = -1, .from.fd = -1, .index = NONE, .tags = { 5, 6 },
		.fd = open("/dev/null", O_RDWR), .eventfd = eventfd(0, 0),
		.mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
	};
	return c->fd < 0 || c->eventfd < 0 || c->mem == MAP_FAILED ? -1 : 0;
}

/* The rings of one of them, and what is there before. */
static int call_begin(struct calls *c, const struct what *what)
{
	int ret = 0;

	c->flags = what->flags;
	if (needs_ring(what))
		ret = ring_init(&c->ring, RURING, 8, what->flags);
	if (!ret && what->ready)
		ret = what->ready(c);
	return ret;
}

static void call_end(struct calls *c)
{
	end_index(c);
	if (c->ring.fd >= 0)
		ring_exit(&c->ring);
	if (c->from.fd >= 0)
		ring_exit(&c->from);
	c->ring.fd = -1;
	c->from.fd = -1;
}

FIXTURE_SETUP(call)
{
	ASSERT_LE(0, device_fd());
	if (!can_fail())
		SKIP(return, "no fault injection");
	/* which the first ring of all has to do with as well */
	if (needs_ring(&variant->what) || variant->what.flags)
		ASSERT_EQ(0, ring_init(&self->other, RURING, 1, 0));
	ASSERT_EQ(0, calls_make(&self->calls));
}

FIXTURE_TEARDOWN(call)
{
}

TEST_F(call, fails_at_each_place)
{
	struct before before = { open_files(), pinned_pages(), module_users() };
	const struct what *what = &variant->what;
	struct calls *c = &self->calls;
	bool failed = true;
	unsigned int n;

	for (n = 1; failed && n < MANY; n++) {
		int ret;

		ASSERT_EQ(0, call_begin(c, what));
		ASSERT_TRUE(arm(n));
		ret = what->call(c);
		failed = disarm();
		if (!failed)
			ASSERT_LE(0, ret);
		/* what has failed can be done now */
		if (ret == -ENOMEM && needs_ring(what) && what->call != do_enable)
			EXPECT_NE(-ENOMEM, what->call(c));
		/* nobody has mapped the memory that it has once it is resized */
		if (needs_ring(what) && !(what->flags & DISABLED) && what->call != do_resize)
			ASSERT_QUIET(&c->ring);
		call_end(c);
	}
	ASSERT_FALSE(failed);
	ASSERT_AS_BEFORE(before);
	TH_LOG("%u places", n - 2);
}

/* So that a new registration, or a new flag, has a case. */
TEST(every_call_is_made)
{
	static const struct what all[] = {
#define CALL(name, ...)	{ #name, __VA_ARGS__ },
		FOR_EACH_CALL(CALL)
	};
	static const struct {
		unsigned int opcode;
		const char *name;
	} there[] = {
#define NAMED(opcode)	{ opcode, #opcode },
		FOR_EACH_REGISTRATION(NAMED)
	};
	struct io_uring_query_opcode flags = {};
	typeof(seen) made = {};
	struct calls calls;
	unsigned int i, n;

	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, calls_make(&calls));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		ASSERT_EQ(0, call_begin(&calls, &all[i])) TH_LOG("%s", all[i].name);
		/* what is there before is nothing that may fail */
		seen = made;
		ASSERT_LE(0, all[i].call(&calls)) TH_LOG("%s", all[i].name);
		made = seen;
		call_end(&calls);
	}
	for (i = 0; i < ARRAY_SIZE(there); i++) {
		EXPECT_TRUE(made.registered[there[i].opcode]) {
			TH_LOG("%s has no case", there[i].name);
		}
	}
	for (n = 0; n < ARRAY_SIZE(made.registered); n++) {
		for (i = 0; i < ARRAY_SIZE(there) && there[i].opcode != n; i++)
			;
		EXPECT_TRUE(!made.registered[n] || i < ARRAY_SIZE(there)) {
			TH_LOG("registration %u has no name", n);
		}
	}
	ASSERT_EQ(0, ask(&flags, device_fd()));
	EXPECT_EQ(flags.ring_setup_flags, made.set_up);
	EXPECT_EQ(flags.enter_flags, made.entered);
}

TEST_HARNESS_MAIN
