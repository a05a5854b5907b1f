// SPDX-License-Identifier: GPL-2.0
/*
 * What is ruring's own: the device, and where it is measured against io_uring.
 */
#include <linux/ruring.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "check.h"

#define MISC_MAJOR	10

/* What ruring knows of the flags that io_uring_setup(2) takes. */
#define SETUP_FLAGS	(IORING_SETUP_IOPOLL | IORING_SETUP_CQSIZE |			\
			 IORING_SETUP_CLAMP |					\
			 IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |	\
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |	\
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |	\
			 IORING_SETUP_NO_SQARRAY | IORING_SETUP_SQPOLL |		\
			 IORING_SETUP_SQ_AFF | IORING_SETUP_ATTACH_WQ |		\
			 IORING_SETUP_NO_MMAP | IORING_SETUP_SQE128 |		\
			 IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED |		\
			 IORING_SETUP_SQE_MIXED | IORING_SETUP_SQ_REWIND)

TEST(device_node)
{
	struct stat st;

	ASSERT_EQ(0, stat("/dev/ruring", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(MISC_MAJOR, major(st.st_rdev));
}

TEST(device_is_for_root_alone)
{
	struct stat st;

	ASSERT_EQ(0, stat("/dev/ruring", &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(0, st.st_uid);
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EACCES, device_fd());
}

TEST(open_device_serves_whoever_has_it)
{
	struct ring ring;

	ASSERT_LE(0, device_fd());
	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, ring_init(&ring, RURING, 4, 0));
	prep_nop(&ring, 1);
	EXPECT_EQ(1, ring_submit(&ring));
	ring_exit(&ring);
}

TEST(device_only_makes_rings)
{
	struct ruring_enter enter = {};
	struct ruring_register reg = {};
	int fd = device_fd();
	char c = 0;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, ioctl(fd, RURING_IOC_ENTER, &enter));
	EXPECT_EQ(ENOTTY, errno);
	/* Only what is registered without a ring. */
	EXPECT_EQ(-1, ioctl(fd, RURING_IOC_REGISTER, &reg));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, _IO(RURING_IOC_MAGIC, 3)));
	EXPECT_EQ(ENOTTY, errno);
	/* There are no further devices that it could tell of. */
	EXPECT_EQ(0, read(fd, &c, 1));
	EXPECT_EQ(-1, write(fd, &c, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
}

TEST(ring_makes_no_rings)
{
	struct ruring_setup setup = { .entries = 1 };
	struct ring ring;
	char c = 0;

	ASSERT_EQ(0, ring_init(&ring, RURING, 4, 0));
	EXPECT_EQ(-1, ioctl(ring.fd, RURING_IOC_SETUP, &setup));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(ring.fd, _IO(RURING_IOC_MAGIC, 3)));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, read(ring.fd, &c, 1));
	EXPECT_EQ(-1, write(ring.fd, &c, 1));
	ring_exit(&ring);
}

TEST(ring_outlives_the_device_descriptor)
{
	struct ring ring;

	ASSERT_EQ(0, ring_init(&ring, RURING, 4, 0));
	device_close();
	prep_nop(&ring, 1);
	EXPECT_EQ(1, ring_submit(&ring));
	EXPECT_EQ(1, ring_ready(&ring));
	ring_exit(&ring);
}

TEST(setup_flags_for_later_are_refused)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		struct io_uring_params p = { .flags = 1u << bit };

		if (SETUP_FLAGS & p.flags)
			continue;
		EXPECT_EQ(-EINVAL, try_setup(RURING, 4, &p))
			TH_LOG("flags 0x%x", p.flags);
	}
}

TEST(no_feature_that_io_uring_lacks)
{
	struct io_uring_params ours = {}, theirs = {};

	ASSERT_EQ(0, try_setup(RURING, 4, &ours));
	ASSERT_EQ(0, try_setup(IO_URING, 4, &theirs));
	EXPECT_EQ(0, ours.features & ~theirs.features);
}

TEST(no_opcode_that_io_uring_lacks)
{
	struct ring ours, theirs;
	unsigned int op;

	ASSERT_EQ(0, ring_init(&ours, RURING, 4, 0));
	ASSERT_EQ(0, ring_init(&theirs, IO_URING, 4, 0));
	for (op = 0; op < IORING_OP_LAST; op++)
		if (ring_op_supported(&ours, op))
			EXPECT_TRUE(ring_op_supported(&theirs, op));
	ring_exit(&ours);
	ring_exit(&theirs);
}

TEST(offsets_are_those_of_io_uring)
{
	static const unsigned int flags[] = { 0, IORING_SETUP_NO_SQARRAY };
	unsigned int i, entries;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (entries = 1; entries <= 256; entries *= 16) {
			struct io_uring_params ours = { .flags = flags[i] };
			struct io_uring_params theirs = ours;

			ASSERT_EQ(0, try_setup(RURING, entries, &ours));
			ASSERT_EQ(0, try_setup(IO_URING, entries, &theirs));
			EXPECT_EQ(0, memcmp(&ours.sq_off, &theirs.sq_off,
					    sizeof(ours.sq_off)));
			EXPECT_EQ(0, memcmp(&ours.cq_off, &theirs.cq_off,
					    sizeof(ours.cq_off)));
		}
	}
}

/*
 * io_uring_register(2) and io_uring_enter(2) of the one do not take a ring of
 * the other.
 */
TEST(rings_are_not_mistaken_for_each_other)
{
	struct ring ours, theirs;

	ASSERT_EQ(0, ring_init(&ours, RURING, 4, 0));
	ASSERT_EQ(0, ring_init(&theirs, IO_URING, 4, 0));
	EXPECT_EQ(-EOPNOTSUPP, backend_enter(IO_URING, ours.fd, 0, 0, 0, NULL, 0));
	EXPECT_EQ(-ENOTTY, backend_enter(RURING, theirs.fd, 0, 0, 0, NULL, 0));
	ring_exit(&ours);
	ring_exit(&theirs);
}

TEST_HARNESS_MAIN
