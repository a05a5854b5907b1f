// SPDX-License-Identifier: GPL-2.0
/*
 * One ring, one folio, two users who have both registered it: what either may pin is the same when neither has
 * it any more.
 */
#include <sys/wait.h>

#include "rsrc.h"
#include "attack.h"

FIXTURE_VARIANT_ADD(attack, ruring) { .backend = RURING };
FIXTURE_VARIANT_ADD(attack, io_uring) { .backend = IO_URING };

/* Pages of the limit that become() sets, and more. */
#define ALL	4096

/* How many pages the user of this process can have pinned, in a ring of his own. */
static int room(enum backend backend)
{
	char *mem = mmap(NULL, ALL * 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { mem, 0 };
	int least = 0, most = ALL;
	struct ring ring;

	MUST(mem != MAP_FAILED && !madvise(mem, ALL * 4096, MADV_NOHUGEPAGE));
	MUST(!ring_init(&ring, backend, 4, 0));
	while (least < most) {
		int pages = (least + most + 1) / 2;

		iov.iov_len = pages * 4096UL;
		if (ring_register(&ring, IORING_REGISTER_BUFFERS, &iov, 1)) {
			most = pages - 1;
		} else {
			MUST(!ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0));
			least = pages;
		}
	}
	ring_exit(&ring);
	munmap(mem, ALL * 4096);
	return least;
}

struct rooms {
	enum backend backend;
	int pages;
};

/* What a ring of before had may come back a moment later. */
static bool room_is(void *arg)
{
	struct rooms *r = arg;

	return room(r->backend) == r->pages;
}

/* One of the two, who does one thing after the other when it is his turn. */
static void user(struct ring *ring, unsigned int i, char *mem)
{
	struct rooms before = { .backend = ring->backend };

	MUST(reaches(&board->go, 1 + i));
	before.pages = room(before.backend);
	MUST(before.pages > 0 && before.pages < ALL);
	MUST(buffer_update(ring, i, mem, 4096) == 1);
	reach(&board->step[i], 1);
	MUST(reaches(&board->go, 3 + i));
	MUST(buffer_update(ring, i, NULL, 0) == 1);
	reach(&board->step[i], 2);
	MUST(reaches(&board->go, 5));
	if (!wait_ms(room_is, &before, LATE_MS))
		board->result[i] = room(before.backend) - before.pages;
	_exit(0);
}

TEST_F(attack, a_folio_of_two_users)
{
	static const uid_t uids[] = { ATTACKER, BYSTANDER };
	struct ring ring;
	unsigned int i;
	pid_t owner, who[2];
	char *mem;
	int fd;

	if (put("/proc/sys/vm", "nr_hugepages", "4"))
		SKIP(return, "there are no huge pages");
	fd = memfd_create("folio", MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, HUGE))
		SKIP(return, "there are no huge pages");
	mem = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		SKIP(return, "there are no huge pages");
	mem[0] = 1;
	/* who has made the ring and given it to both */
	owner = spawn(self->group, 0);
	ASSERT_LE(0, owner);
	if (!owner) {
		MUST(!ring_init(&ring, variant->backend, 4, 0));
		MUST(!buffers_register_sparse(&ring, 8));
		for (i = 0; i < 2; i++) {
			who[i] = spawn(self->group, uids[i]);
			MUST(who[i] >= 0);
			if (!who[i])
				user(&ring, i, mem);
		}
		for (i = 0; i < 2; i++)
			MUST(child_ends(who[i], "user", 0));
		_exit(0);
	}
	for (i = 0; i < 2; i++) {
		reach(&board->go, 1 + i);
		ASSERT_TRUE(reaches(&board->step[i], 1));
	}
	for (i = 0; i < 2; i++) {
		reach(&board->go, 3 + i);
		ASSERT_TRUE(reaches(&board->step[i], 2));
	}
	reach(&board->go, 5);
	EXPECT_TRUE(child_ends(owner, "owner", 0));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, board->result[i]);
}

TEST_HARNESS_MAIN
