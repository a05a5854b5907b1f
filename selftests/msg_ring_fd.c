// SPDX-License-Identifier: GPL-2.0
/*
 * MSG_RING: registered files for another ring, and many rings that send to
 * each other.
 */
#include <fcntl.h>

#include "msg_ring.h"

#define NR_SLOTS	4

/* Sockets to send the ends of; the other ends tell whether they are open. */
struct sockets {
	int ends[NR_SLOTS];
	int peers[NR_SLOTS];
};

static int sockets_init(struct sockets *s)
{
	int i, sv[2], ret = 0;

	for (i = 0; i < NR_SLOTS && !ret; i++) {
		ret = unix_pair(SOCK_STREAM, sv);
		s->ends[i] = sv[0];
		s->peers[i] = sv[1];
	}
	return ret;
}

/* Whether slot @slot of the ring is the socket whose peer this is. */
static bool is_end_of(struct ring *r, int slot, int peer)
{
	struct io_uring_cqe cqe = {};
	char c = 0;

	fixed(prep(r, IORING_OP_SEND, slot, "x", 1, 77));
	return submit(r) == 1 && !ring_take(r, &cqe) && cqe.res == 1 &&
	       recv(peer, &c, 1, MSG_DONTWAIT) == 1 && c == 'x';
}

TEST_F(msg, files)
{
	struct ring *r = &self->from, *to = &self->to;
	struct io_uring_sqe *sqe;
	struct sockets s;
	int i;

	/* A ring that polls its files takes no SEND to see what it has. */
	if (variant->to & IORING_SETUP_IOPOLL)
		return;
	ASSERT_EQ(0, sockets_init(&s));
	ASSERT_EQ(0, register_files(r, s.ends, NR_SLOTS));
	ASSERT_EQ(0, register_sparse(to, NR_SLOTS));
	/* A slot that the sender chooses. */
	prep_msg_fd(r, to->fd, 2, 1, 50, 1);
	ASSERT_SENT(r, 1, 0);
	ASSERT_COMES(to, 50, 0, 0);
	EXPECT_TRUE(is_end_of(to, 1, s.peers[2]));
	/* One that the other ring chooses: the first one free. */
	prep_msg_fd(r, to->fd, 3, ANY_SLOT, 51, 2);
	ASSERT_EQ(1, submit(r));
	ASSERT_COMES(to, 51, 2, 0);
	ASSERT_COMES(r, 2, 2, 0);
	EXPECT_TRUE(is_end_of(to, 2, s.peers[3]));
	/* One in the place of another. */
	prep_msg_fd(r, to->fd, 0, 1, 52, 3);
	ASSERT_SENT(r, 3, 0);
	ASSERT_COMES(to, 52, 0, 0);
	EXPECT_TRUE(is_end_of(to, 1, s.peers[0]));
	/* Without telling. */
	sqe = prep_msg_fd(r, to->fd, 1, 0, 53, 4);
	sqe->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	ASSERT_EQ(1, submit(r));
	ASSERT_NOTHING(to);
	ASSERT_COMES(r, 4, 0, 0);
	ASSERT_NOTHING(to);
	EXPECT_TRUE(is_end_of(to, 0, s.peers[1]));
	/* The sender has its own as before. */
	for (i = 0; i < NR_SLOTS; i++)
		close(s.ends[i]);
	ASSERT_EQ(0, unregister_files(r));
	EXPECT_TRUE(wait_until(hung_up, &s.peers[2]));
	EXPECT_FALSE(hung_up(&s.peers[0]));
	EXPECT_FALSE(hung_up(&s.peers[1]));
	EXPECT_FALSE(hung_up(&s.peers[3]));
	ASSERT_EQ(0, unregister_files(to));
	for (i = 0; i < NR_SLOTS; i++)
		EXPECT_TRUE(wait_until(hung_up, &s.peers[i]));
	ASSERT_NOTHING(r);
	ASSERT_NOTHING(to);
}

/* What is said of a file once the other ring has run what comes in. */
#define ASSERT_FILE(from, to, data, result) do {			\
	ASSERT_EQ(1, submit(from));					\
	ASSERT_EQ(0, ring_run(to));					\
	ASSERT_COMES(from, data, result, 0);				\
} while (0)

TEST_F(msg, bad_files)
{
	struct ring *r = &self->from, *to = &self->to;
	int fds[2], i;

	ASSERT_EQ(0, pipe(fds));
	/* Nothing to send. */
	prep_msg_fd(r, to->fd, 0, 0, 1, 1);
	ASSERT_FILE(r, to, 1, -EBADF);
	ASSERT_EQ(0, register_files(r, (int []) { fds[0], -1 }, 2));
	prep_msg_fd(r, to->fd, 1, 0, 1, 1);
	ASSERT_FILE(r, to, 1, -EBADF);
	prep_msg_fd(r, to->fd, 2, 0, 1, 1);
	ASSERT_FILE(r, to, 1, -EBADF);
	prep_msg_fd(r, to->fd, ~0u, 0, 1, 1);
	ASSERT_FILE(r, to, 1, -EBADF);
	prep_msg_fd(r, to->fd, 0, 0, 1, 1)->len = 1;
	ASSERT_FILE(r, to, 1, -EINVAL);
	prep_msg_fd(r, to->fd, 0, 0, 1, 1)->msg_ring_flags = 4;
	ASSERT_FILE(r, to, 1, -EINVAL);
	/* Nowhere to put it. */
	prep_msg_fd(r, to->fd, 0, 0, 1, 1);
	ASSERT_FILE(r, to, 1, -ENXIO);
	prep_msg_fd(r, to->fd, 0, -1, 1, 1);
	ASSERT_FILE(r, to, 1, -ENXIO);
	prep_msg_fd(r, to->fd, 0, ANY_SLOT, 1, 1);
	ASSERT_FILE(r, to, 1, -ENFILE);
	ASSERT_EQ(0, register_sparse(to, 2));
	prep_msg_fd(r, to->fd, 0, 2, 1, 1);
	ASSERT_FILE(r, to, 1, -EINVAL);
	prep_msg_fd(r, to->fd, 0, -1, 1, 1);
	ASSERT_FILE(r, to, 1, -EINVAL);
	ASSERT_NOTHING(to);
	for (i = 0; i < 2; i++) {
		prep_msg_fd(r, to->fd, 0, ANY_SLOT, 8, 1);
		ASSERT_FILE(r, to, 1, i);
		ASSERT_COMES(to, 8, i, 0);
	}
	prep_msg_fd(r, to->fd, 0, ANY_SLOT, 1, 1);
	ASSERT_FILE(r, to, 1, -ENFILE);
	/* The flags of completions are not looked at. */
	prep_msg_fd(r, to->fd, 0, 0, 9, 1)->msg_ring_flags = IORING_MSG_RING_FLAGS_PASS;
	ASSERT_FILE(r, to, 1, 0);
	ASSERT_COMES(to, 9, 0, 0);
	ASSERT_NOTHING(to);
}

/* The tag of what was there before comes with the message. */
TEST_F(msg, file_in_the_place_of_a_tagged_one)
{
	struct ring *r = &self->from, *to = &self->to;
	struct io_uring_cqe cqe;
	unsigned int i, seen = 0;
	__u64 tag = 4;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, register_files(r, fds, 1));
	ASSERT_EQ(0, register_tagged(to, fds, &tag, 1));
	prep_msg_fd(r, to->fd, 0, 0, 8, 1);
	ASSERT_FILE(r, to, 1, 0);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(wait_until(one_is_ready, to));
		ASSERT_EQ(0, ring_take(to, &cqe));
		EXPECT_EQ(0, cqe.res);
		seen += cqe.user_data;
	}
	EXPECT_EQ(12, seen);
	ASSERT_NOTHING(to);
}

/* With DEFER_TASKRUN a file takes the ring's task. A completion does not. */
TEST_F(ring, task_is_gone)
{
	struct waiter w = {
		.backend = variant->backend,
		.flags = variant->flags,
	};
	int fds[2];

	ASSERT_EQ(0, waiter_start(&w));
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, register_files(&self->ring, fds, 1));
	prep_msg_fd(&self->ring, w.ring.fd, 0, 0, 8, 1);
	ASSERT_SENT(&self->ring, 1, variant->flags ? -EOWNERDEAD : -ENXIO);
	prep_msg(&self->ring, w.ring.fd, 1, 8, 1);
	ASSERT_SENT(&self->ring, 1, 0);
	ring_exit(&w.ring);
}

/* Tasks with a ring each, all of which send to all others at once. */
#define NR_TASKS	4
#define ROUNDS		50
#define OF_MESSAGE	0x1000

struct party;

struct member {
	struct party *party;
	pthread_t thread;
	unsigned int index;
	int fd;
	/* Messages that came from each. */
	unsigned int received[NR_TASKS];
	unsigned int sent;
	int failed;
};

struct party {
	enum backend backend;
	unsigned int flags;
	pthread_barrier_t barrier;
	/* whose messages of the first round have arrived */
	unsigned int nr_through;
	struct member members[NR_TASKS];
};

static int party_run(struct party *p, enum backend backend, unsigned int flags,
		     void *(*member)(void *arg))
{
	unsigned int i;
	int ret = 0;

	p->backend = backend;
	p->flags = flags;
	pthread_barrier_init(&p->barrier, NULL, NR_TASKS);
	for (i = 0; i < NR_TASKS; i++) {
		p->members[i].party = p;
		p->members[i].index = i;
		ret = ret ?: -pthread_create(&p->members[i].thread, NULL, member, &p->members[i]);
	}
	for (i = 0; i < NR_TASKS && !ret; i++)
		ret = -pthread_join(p->members[i].thread, NULL) ?: p->members[i].failed;
	return ret;
}

static int fd_of(struct member *m)
{
	return __atomic_load_n(&m->fd, __ATOMIC_ACQUIRE);
}

/* A ring with little room for completions, and a file to send in slot 0. */
static int member_open(struct member *m, struct ring *r)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int ret = ring_init_cq(r, m->party->backend, 8, 8, m->party->flags);

	if (!ret)
		ret = register_files(r, (int []) { null, -1, -1, -1 }, 4);
	close(null);
	__atomic_store_n(&m->fd, ret ? -1 : r->fd, __ATOMIC_RELEASE);
	return ret;
}

/* A message from one of all; false if it is not. */
static bool is_message(struct member *m, const struct io_uring_cqe *cqe)
{
	__u64 index = cqe->user_data - OF_MESSAGE;

	if (index >= NR_TASKS || cqe->res != 7)
		return false;
	m->received[index]++;
	return true;
}

/* Sends to all others as often, and takes as much. */
static void *talk(void *arg)
{
	struct member *m = arg;
	unsigned int round, i, pending = 0, missing = (NR_TASKS - 1) * ROUNDS;
	struct io_uring_cqe cqe;
	struct ring r;

	m->failed = member_open(m, &r);
	pthread_barrier_wait(&m->party->barrier);
	for (round = 0; (round < ROUNDS || pending || missing) && !m->failed; round++) {
		for (i = 0; i < NR_TASKS && round < ROUNDS; i++) {
			if (i == m->index)
				continue;
			prep_msg(&r, fd_of(&m->party->members[i]), 7, OF_MESSAGE + m->index, 1);
			pending++;
		}
		if (round < ROUNDS ? ring_submit_and_run(&r) != NR_TASKS - 1 :
				     ring_wait(&r, 1))
			m->failed = -1;
		while (ring_peek(&r, &cqe)) {
			if (cqe.user_data == 1 && !cqe.res) {
				pending--;
				m->sent++;
			} else if (is_message(m, &cqe)) {
				missing--;
			} else {
				m->failed = -2;
			}
		}
	}
	/* All rings are there as long as somebody may send to them. */
	pthread_barrier_wait(&m->party->barrier);
	ring_exit(&r);
	return NULL;
}

TEST_F(ring, all_to_all)
{
	struct party p = {};
	unsigned int i, j;

	ASSERT_EQ(0, party_run(&p, variant->backend, variant->flags, talk));
	for (i = 0; i < NR_TASKS; i++) {
		EXPECT_EQ((NR_TASKS - 1) * ROUNDS, p.members[i].sent);
		for (j = 0; j < NR_TASKS; j++)
			EXPECT_EQ(i == j ? 0 : ROUNDS, p.members[i].received[j]);
	}
}

/* Takes what has come, of @pending requests that the member has sent. Returns how many of these are still pending. */
static unsigned int take(struct member *m, struct ring *r, unsigned int pending)
{
	struct io_uring_cqe cqe;

	while (ring_peek(r, &cqe)) {
		if (cqe.user_data != 1) {
			if (!is_message(m, &cqe))
				m->failed = -2;
			continue;
		}
		pending--;
		m->sent += !cqe.res;
		/* What was behind the descriptor can be anything by now. */
		switch (cqe.res) {
		case 0:
		case -EBADF:
		case -EBADFD:
		case -EINVAL:
		case -ENXIO:
		case -EOWNERDEAD:
			break;
		default:
			m->failed = cqe.res;
		}
	}
	return pending;
}

/* The same with rings that are closed, with all that is still to be done, and made anew. */
static void *come_and_go(void *arg)
{
	struct member *m = arg;
	struct party *p = m->party;
	unsigned int round, i, pending = 0;
	struct ring r;

	m->failed = member_open(m, &r);
	pthread_barrier_wait(&p->barrier);
	for (round = 0; round < ROUNDS && !m->failed; round++) {
		for (i = 1; i < NR_TASKS; i++) {
			int fd = fd_of(&p->members[(m->index + i) % NR_TASKS]);

			prep_msg(&r, fd, 7, OF_MESSAGE + m->index, 1);
			prep_msg_fd(&r, fd, 0, 1 + i, 0, 1)->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
			pending += 2;
		}
		if (ring_submit_and_run(&r) != 2 * (NR_TASKS - 1))
			m->failed = -1;
		pending = take(m, &r, pending);
		if (pending > 2 * (NR_TASKS - 1) * ROUNDS)
			m->failed = -3;
		/* No ring goes before all that is sent in the first round has arrived. */
		if (!round) {
			while (pending && !m->failed) {
				m->failed = ring_run(&r);
				pending = take(m, &r, pending);
			}
			__atomic_add_fetch(&p->nr_through, 1, __ATOMIC_RELEASE);
			while (__atomic_load_n(&p->nr_through, __ATOMIC_ACQUIRE) < NR_TASKS && !m->failed) {
				m->failed = ring_run(&r);
				take(m, &r, 0);
			}
		}
		if (round % 3 == m->index % 3) {
			ring_exit(&r);
			pending = 0;
			m->failed = m->failed ?: member_open(m, &r);
		}
	}
	ring_exit(&r);
	return NULL;
}

TEST_F(ring, rings_come_and_go)
{
	struct party p = {};
	unsigned int i;

	ASSERT_EQ(0, party_run(&p, variant->backend, variant->flags, come_and_go));
	for (i = 0; i < NR_TASKS; i++)
		EXPECT_LE(2 * (NR_TASKS - 1), p.members[i].sent);
}

TEST_HARNESS_MAIN
