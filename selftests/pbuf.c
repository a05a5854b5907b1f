// SPDX-License-Identifier: GPL-2.0
/*
 * A ring of provided buffers, and the memory that they are in.
 */
#include <errno.h>
#include <linux/ruring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "ring.h"

int pbuf_init(struct pbuf *pb, struct ring *ring, unsigned int bgid,
	      unsigned int entries, unsigned int buf_size)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = entries,
		.bgid = bgid,
	};
	int ret;

	memset(pb, 0, sizeof(*pb));
	pb->ring = ring;
	pb->bgid = bgid;
	pb->entries = entries;
	pb->buf_size = buf_size;
	pb->br_size = entries * sizeof(struct io_uring_buf);
	pb->mem_size = (size_t)entries * buf_size;
	pb->br = mmap(NULL, pb->br_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pb->br == MAP_FAILED)
		return -errno;
	pb->mem = mmap(NULL, pb->mem_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pb->mem == MAP_FAILED) {
		ret = -errno;
		goto out_ring;
	}

	reg.ring_addr = (uintptr_t)pb->br;
	ret = ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
	if (!ret)
		return 0;
	munmap(pb->mem, pb->mem_size);
out_ring:
	munmap(pb->br, pb->br_size);
	return ret;
}

int pbuf_unregister(struct ring *ring, unsigned int bgid)
{
	struct io_uring_buf_reg reg = { .bgid = bgid };

	return ring_register(ring, IORING_UNREGISTER_PBUF_RING, &reg, 1);
}

void pbuf_exit(struct pbuf *pb)
{
	pbuf_unregister(pb->ring, pb->bgid);
	munmap(pb->mem, pb->mem_size);
	munmap(pb->br, pb->br_size);
}

void pbuf_add(struct pbuf *pb, void *addr, unsigned int len, unsigned int bid)
{
	struct io_uring_buf *buf = &pb->br->bufs[pb->tail & (pb->entries - 1)];

	buf->addr = (uintptr_t)addr;
	buf->len = len;
	buf->bid = bid;
	pb->tail++;
}

void pbuf_publish(struct pbuf *pb)
{
	__atomic_store_n(&pb->br->tail, pb->tail, __ATOMIC_RELEASE);
}

char *pbuf_mem(struct pbuf *pb, unsigned int bid)
{
	return pb->mem + (size_t)bid * pb->buf_size;
}

void pbuf_push(struct pbuf *pb, unsigned int bid)
{
	pbuf_add(pb, pbuf_mem(pb, bid), pb->buf_size, bid);
	pbuf_publish(pb);
}

void pbuf_fill(struct pbuf *pb)
{
	unsigned int bid;

	for (bid = 0; bid < pb->entries; bid++)
		pbuf_push(pb, bid);
}
