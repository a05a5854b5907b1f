// SPDX-License-Identifier: GPL-2.0
/*
 * The cable between the network devices of the virtual machine: what other
 * tests use of it.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "link.h"

#define LEN	(1 << 20)

FIXTURE(way) {
	struct ring ring;
	char *out;
};

FIXTURE_VARIANT(way) {
	enum backend backend;
	enum way way;
};

FIXTURE_VARIANT_ADD(way, ruring_cable) {
	.backend = RURING,
	.way = CABLE,
};

FIXTURE_VARIANT_ADD(way, ruring_loopback) {
	.backend = RURING,
	.way = LOOPBACK,
};

FIXTURE_VARIANT_ADD(way, io_uring_cable) {
	.backend = IO_URING,
	.way = CABLE,
};

FIXTURE_VARIANT_ADD(way, io_uring_loopback) {
	.backend = IO_URING,
	.way = LOOPBACK,
};

FIXTURE_SETUP(way)
{
	unsigned int i;

	if (variant->way == CABLE && !link_exists())
		SKIP(return, "there is no cable");
	ASSERT_EQ(0, ring_init(&self->ring, variant->backend, 16, 0));
	self->out = malloc(LEN);
	for (i = 0; i < LEN; i++)
		self->out[i] = (char)(i * 7 + (i >> 10));
}

FIXTURE_TEARDOWN(way)
{
	ring_exit(&self->ring);
}

static void both_ways(struct __test_metadata *_metadata, struct ring *ring, char *out,
		      enum way way, int domain, int type)
{
	bool stream = type == SOCK_STREAM;
	/* more than fits into one packet, where there are fragments */
	unsigned int i, len = stream ? LEN : 40000;
	char *in = malloc(LEN);
	int sv[2];

	ASSERT_EQ(0, way_pair(way, domain, type, sv));
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = {};

		memset(in, 0, LEN);
		prep_recv(ring, sv[1 - i], in, len, 1)->msg_flags =
			stream ? MSG_WAITALL : 0;
		prep_send(ring, sv[i], out, len, 2)->msg_flags =
			stream ? MSG_WAITALL : 0;
		ASSERT_EQ(2, ring_submit(ring));
		ASSERT_EQ(0, ring_take(ring, &cqe));
		EXPECT_EQ((int)len, cqe.res);
		ASSERT_EQ(0, ring_take(ring, &cqe));
		EXPECT_EQ((int)len, cqe.res);
		EXPECT_EQ(0, memcmp(in, out, len));
	}
	close(sv[0]);
	close(sv[1]);
	free(in);
}

TEST_F(way, tcp4)
{
	both_ways(_metadata, &self->ring, self->out, variant->way, AF_INET, SOCK_STREAM);
}

TEST_F(way, tcp6)
{
	both_ways(_metadata, &self->ring, self->out, variant->way, AF_INET6, SOCK_STREAM);
}

TEST_F(way, udp4)
{
	both_ways(_metadata, &self->ring, self->out, variant->way, AF_INET, SOCK_DGRAM);
}

TEST_F(way, udp6)
{
	both_ways(_metadata, &self->ring, self->out, variant->way, AF_INET6, SOCK_DGRAM);
}

/* What it takes to send without a copy. */
TEST(devices_take_packets_in_pieces)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GSG };
	struct ifreq ifr = { .ifr_name = "eth0" };
	unsigned int end;

	if (!link_exists())
		SKIP(return, "there is no cable");
	for (end = 0; end < 2; end++) {
		int fd, old = link_enter(end);

		ASSERT_LE(0, old);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		ifr.ifr_data = (void *)&value;
		ASSERT_EQ(0, ioctl(fd, SIOCETHTOOL, &ifr));
		EXPECT_EQ(1, value.data);
		close(fd);
		link_leave(old);
	}
}

TEST_HARNESS_MAIN
