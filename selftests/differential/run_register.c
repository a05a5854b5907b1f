// SPDX-License-Identifier: GPL-2.0
/*
 * Registers what a step says, and goes on with what that has made.
 */
#include <string.h>
#include <sys/mman.h>

#include "run.h"

static void map_group(struct run *run, unsigned int ring, unsigned int bgid)
{
	__u64 offset = IORING_OFF_PBUF_RING | (__u64)bgid << IORING_OFF_PBUF_SHIFT;

	if (!has_descriptor(run, ring))
		return;
	mmap((void *)GROUP_RING(bgid), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     run->rings[ring].fd, offset);
}

/* Memory that the kernel has made for the ring is where the user's own would be. */
static void map_region(struct run *run, unsigned int ring, __u64 size, __u64 mmap_offset)
{
	if (!has_descriptor(run, ring))
		return;
	mmap((void *)REGION, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     run->rings[ring].fd, mmap_offset);
}

/* The ring is another one now, as @params say. */
static void take_over(struct ring *r, const struct io_uring_params *params)
{
	ring_unmap(r);
	r->params.sq_entries = params->sq_entries;
	r->params.cq_entries = params->cq_entries;
	r->params.sq_off = params->sq_off;
	r->params.cq_off = params->cq_off;
	ring_map(r);
}

/* Goes on with what a registration has made. */
static void has_registered(struct run *run, const struct step *step, unsigned int ring)
{
	const struct registration *reg = &step->reg;
	const struct io_uring_buf_reg *group = (const void *)reg->arg.words;
	const struct io_uring_region_desc *desc = (const void *)&reg->arg.words[REGION_DESC];
	const struct io_uring_region_desc *told = (const void *)ARG(words[REGION_DESC]);

	switch (reg->opcode) {
	case IORING_REGISTER_ENABLE_RINGS:
		run->enabled[ring] = true;
		break;
	case IORING_REGISTER_PBUF_RING:
		if (group->flags & IOU_PBUF_RING_MMAP && group->bgid < CLASSIC_GROUPS)
			map_group(run, ring, group->bgid);
		break;
	case IORING_REGISTER_MEM_REGION:
		if (!(desc->flags & IORING_MEM_REGION_TYPE_USER) && desc->size <= REGION_SIZE)
			map_region(run, ring, desc->size, told->mmap_offset);
		break;
	case IORING_REGISTER_RESIZE_RINGS:
		take_over(&run->rings[ring], (void *)ARGUMENT);
		break;
	}
}

/* Which rings are at which indices after @nr were changed. */
static void note_indices(struct run *run, const struct registration *reg, long nr)
{
	const struct io_uring_rsrc_update *told = (const void *)ARGUMENT;

	if (reg->opcode != IORING_REGISTER_RING_FDS && reg->opcode != IORING_UNREGISTER_RING_FDS)
		return;
	for (; nr-- > 0; told++) {
		bool second = told->data != RING_FD && object_of(run->p, told->data);

		if (told->offset < INDICES)
			run->at[told->offset] = reg->opcode == IORING_UNREGISTER_RING_FDS ? -1 : second;
	}
}

void registers(struct run *run, const struct step *step)
{
	const struct registration *reg = &step->reg;
	struct argument *arg = (struct argument *)ARGUMENT;
	unsigned int ring = ring_of(run, step);
	struct ring *r = &run->rings[ring];
	void *at = reg->null ? NULL : reg->elsewhere ? (void *)reg->elsewhere : arg;
	long ret;

	if (!run->has_ring[ring])
		return;
	/* what is told may be longer than what is asked */
	memset(arg, 0, PAGE);
	*arg = reg->arg;
	if (reg->blind)
		ret = backend_register(r->backend, r->backend == RURING ? device_fd() : -1, reg->opcode,
				       at, reg->nr);
	else if (step->by)
		ret = backend_register(r->backend, step->by - 1,
				       reg->opcode | IORING_REGISTER_USE_REGISTERED_RING,
				       at, reg->nr);
	else
		ret = ring_register(r, reg->opcode, at, reg->nr);
	if (!ret && !reg->elsewhere)
		has_registered(run, step, ring);
	if (!reg->elsewhere)
		note_indices(run, reg, ret);
	scrub_answer(reg->opcode, ret);
	/* where to read what was written */
	event(run, EVENT_RETURN, step->ring, 0, ret, 0, sum_of(arg, PAGE));
}
