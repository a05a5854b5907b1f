// SPDX-License-Identifier: GPL-2.0
/*
 * Provided buffer rings in kernel memory: IOU_PBUF_RING_MMAP.
 */
#include <fcntl.h>
#include <sched.h>

#define RING_MODES
#include "fixture.h"

#define ENTRIES	256
#define SIZE	(ENTRIES * sizeof(struct io_uring_buf))

static int reg_mmap(struct ring *ring, unsigned int entries, unsigned int bgid)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = entries,
		.bgid = bgid,
		.flags = IOU_PBUF_RING_MMAP,
	};

	return ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static off_t offset_of(unsigned int bgid)
{
	return IORING_OFF_PBUF_RING | (unsigned long long)bgid << IORING_OFF_PBUF_SHIFT;
}

static void *map_fd(int fd, unsigned int bgid, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    offset_of(bgid));
}

static void *map_group(struct ring *ring, unsigned int bgid, size_t size)
{
	return map_fd(ring->fd, bgid, size);
}

/* A group that is registered and mapped. */
static void *new_group(struct ring *ring, unsigned int bgid)
{
	if (reg_mmap(ring, ENTRIES, bgid))
		return MAP_FAILED;
	return map_group(ring, bgid, SIZE);
}

static void provide(struct io_uring_buf_ring *br, unsigned int at, void *addr,
		    unsigned int len, unsigned int bid)
{
	br->bufs[at].addr = (uintptr_t)addr;
	br->bufs[at].len = len;
	br->bufs[at].bid = bid;
	__atomic_store_n(&br->tail, at + 1, __ATOMIC_RELEASE);
}

TEST_F(ring, has_no_address_of_its_own)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = 4096,
		.ring_entries = 8,
		.flags = IOU_PBUF_RING_MMAP,
	};

	/* what is there is not looked at */
	EXPECT_EQ(0, ring_register(&self->ring, IORING_REGISTER_PBUF_RING, &reg, 1));
	EXPECT_NE(MAP_FAILED, map_group(&self->ring, 0, 4096));
}

TEST_F(ring, buffers_are_taken_from_it)
{
	struct io_uring_buf_ring *br;
	char mem[16];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	br = new_group(&self->ring, 7);
	ASSERT_NE(MAP_FAILED, (void *)br);
	EXPECT_EQ(0, br->tail);
	provide(br, 0, mem, sizeof(mem), 44);
	ASSERT_EQ(1, write(sv[1], "x", 1));
	prep_recv_select(&self->ring, sv[0], 0, 7, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(44));
	EXPECT_EQ('x', mem[0]);
	EXPECT_EQ(0, munmap(br, SIZE));
}

TEST_F(ring, memory_is_zero_to_its_end)
{
	static const char zero[4096];
	unsigned int i;
	char *p;

	/* 8 entries are far less than the page that they take */
	ASSERT_EQ(0, reg_mmap(&self->ring, 8, 1));
	p = map_group(&self->ring, 1, 4096);
	ASSERT_NE(MAP_FAILED, (void *)p);
	EXPECT_EQ(0, memcmp(p, zero, 4096));
	ASSERT_EQ(0, reg_mmap(&self->ring, 32768, 2));
	p = map_group(&self->ring, 2, 32768 * 16);
	ASSERT_NE(MAP_FAILED, (void *)p);
	for (i = 0; i < 32768 * 16; i += 4096)
		EXPECT_EQ(0, memcmp(p + i, zero, 4096));
}

TEST_F(ring, groups_that_cannot_be_mapped)
{
	struct pbuf pb;

	EXPECT_EQ(MAP_FAILED, map_group(&self->ring, 5, 4096));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, pbuf_init(&pb, &self->ring, 5, 8, 16));
	/* one in user memory */
	EXPECT_EQ(MAP_FAILED, map_group(&self->ring, 5, 4096));
	EXPECT_EQ(EINVAL, errno);
	/* a classic one */
	prep(&self->ring, IORING_OP_PROVIDE_BUFFERS, 1, pb.mem, 16, 1)->buf_group = 6;
	ASSERT_RESULT(&self->ring, 0);
	EXPECT_EQ(MAP_FAILED, map_group(&self->ring, 6, 4096));
	EXPECT_EQ(EINVAL, errno);
	/* one whose number no group can have, though its lower half is that of one */
	ASSERT_EQ(0, reg_mmap(&self->ring, 8, 7));
	EXPECT_EQ(MAP_FAILED, map_group(&self->ring, 7 + (1 << 16), 4096));
	EXPECT_EQ(EINVAL, errno);
	/* one that is gone */
	ASSERT_EQ(0, pbuf_unregister(&self->ring, 7));
	EXPECT_EQ(MAP_FAILED, map_group(&self->ring, 7, 4096));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(ring, no_more_is_mapped_than_there_is)
{
	int pipes[2];
	char *p;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, reg_mmap(&self->ring, 8, 7));
	p = map_group(&self->ring, 7, 8192);
	ASSERT_NE(MAP_FAILED, (void *)p);
	EXPECT_EQ(1, write(pipes[1], p + 4095, 1));
	EXPECT_EQ(-1, write(pipes[1], p + 4096, 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(ring, each_group_has_its_own_memory)
{
	static const unsigned int ids[] = { 0, 1, 255, 256, 0x7ff };
	struct io_uring_buf_ring *br[ARRAY_SIZE(ids)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(0, reg_mmap(&self->ring, 8, ids[i]));
		br[i] = map_group(&self->ring, ids[i], 4096);
		ASSERT_NE(MAP_FAILED, (void *)br[i]);
		br[i]->bufs[3].addr = ids[i];
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_EQ(ids[i], br[i]->bufs[3].addr);
}

/*
 * The mapping has outlived its group. Give the pages every chance to be used
 * for something else, then see that what is in the mapping is only what was
 * put there, and that it can be written without anybody minding.
 */
static bool still_ours(struct io_uring_buf_ring *br, size_t size)
{
	unsigned char *p = (unsigned char *)br;
	int fds[64][2], n;
	size_t i;

	memset(p, 0x5a, size);
	for (n = 0; n < 64; n++) {
		char data[4096];

		memset(data, 0xa5, sizeof(data));
		if (pipe(fds[n]) || write(fds[n][1], data, sizeof(data)) < 0)
			break;
	}
	while (n--) {
		close(fds[n][0]);
		close(fds[n][1]);
	}
	for (i = 0; i < size; i++) {
		if (p[i] != 0x5a)
			return false;
	}
	memset(p, 0, size);
	return true;
}

TEST_F(ring, mapping_outlives_the_group)
{
	struct io_uring_buf_ring *br;

	br = new_group(&self->ring, 7);
	ASSERT_NE(MAP_FAILED, (void *)br);
	ASSERT_EQ(0, pbuf_unregister(&self->ring, 7));
	EXPECT_TRUE(still_ours(br, SIZE));
	/* a new group of the same id is another one */
	ASSERT_EQ(0, reg_mmap(&self->ring, ENTRIES, 7));
	provide(br, 0, &br, sizeof(br), 0);
	prep_recv_select(&self->ring, 0, 0, 7, 1);
	EXPECT_TRUE(still_ours(br, SIZE));
	EXPECT_EQ(0, munmap(br, SIZE));
}

TEST_F(ring, mapping_outlives_the_ring)
{
	struct io_uring_buf_ring *br;
	struct ring other;

	ASSERT_EQ(0, ring_init(&other, variant->backend, 4, variant->flags));
	ASSERT_EQ(0, reg_mmap(&other, ENTRIES, 7));
	br = map_group(&other, 7, SIZE);
	ASSERT_NE(MAP_FAILED, (void *)br);
	ring_exit(&other);
	usleep(50000);
	EXPECT_TRUE(still_ours(br, SIZE));
	EXPECT_EQ(0, munmap(br, SIZE));
}

TEST_F(ring, mapping_outlives_the_process_that_made_it)
{
	struct io_uring_buf_ring *br;
	int status, done[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(done));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct ring other;
		pid_t child;

		if (ring_init(&other, variant->backend, 4, variant->flags) ||
		    reg_mmap(&other, ENTRIES, 7))
			_exit(1);
		br = map_group(&other, 7, SIZE);
		if (br == MAP_FAILED)
			_exit(2);
		/* shares the mapping only, if it gets it at all */
		child = fork();
		if (child)
			_exit(child < 0);
		close(other.fd);
		usleep(50000);
		c = still_ours(br, SIZE);
		_exit(write(done[1], &c, 1) != 1);
	}
	close(done[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(1, read(done[0], &c, 1));
	EXPECT_EQ(1, c);
}

TEST_F(ring, unmapped_while_it_is_in_use)
{
	struct io_uring_buf_ring *br;
	char mem[16];
	int sv[2];

	ASSERT_EQ(0, unix_pair(SOCK_STREAM, sv));
	br = new_group(&self->ring, 7);
	ASSERT_NE(MAP_FAILED, (void *)br);
	provide(br, 0, mem, sizeof(mem), 9);
	prep_recv_select(&self->ring, sv[0], 0, 7, 1);
	ASSERT_EQ(1, ring_submit(&self->ring));
	ASSERT_EQ(0, munmap(br, SIZE));
	ASSERT_EQ(1, write(sv[1], "x", 1));
	ASSERT_CQE(&self->ring, 1, 1, BUFFER_FLAGS(9));
	/* and mapped again */
	br = map_group(&self->ring, 7, SIZE);
	ASSERT_NE(MAP_FAILED, (void *)br);
	EXPECT_EQ(1, br->tail);
}

TEST_HARNESS_MAIN
