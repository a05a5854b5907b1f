// SPDX-License-Identifier: GPL-2.0
/*
 * Random registrations.
 */
#include <string.h>

#include "generate.h"

void begin_registration(struct step *step, unsigned int opcode, unsigned int nr)
{
	step->kind = STEP_REGISTER;
	step->reg.opcode = opcode;
	step->reg.nr = nr;
}

static void end_kind(struct step *step, unsigned int opcode)
{
	begin_registration(step, opcode, 0);
	step->reg.null = true;
}

static void any_tags(struct step *step)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		step->reg.arg.tags[i] = once_in(2) ? 0 : 0x6600 + below(100);
}

static void any_fds(struct maker *m, struct step *step)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		step->reg.arg.fds[i] = once_in(3) ? -1 : any_fd_of(m, ~KIND(SECOND_RING));
}

void register_files(struct maker *m, struct step *step)
{
	struct io_uring_rsrc_register *rsrc = (void *)step->reg.arg.words;
	unsigned int nr = 1 + below(SLOTS), i;

	any_fds(m, step);
	for (i = 0; i < nr; i++)
		m->slots[i] = step->reg.arg.fds[i];
	m->nr_slots = nr;
	if (once_in(2)) {
		begin_registration(step, IORING_REGISTER_FILES, nr);
		memcpy(step->reg.arg.words, step->reg.arg.fds, nr * sizeof(int));
		return;
	}
	begin_registration(step, IORING_REGISTER_FILES2, sizeof(*rsrc));
	*rsrc = (struct io_uring_rsrc_register) { .nr = nr };
	if (once_in(4)) {
		rsrc->flags = IORING_RSRC_REGISTER_SPARSE;
		if (once_in(8))
			rsrc->nr = 1u << below(24);
		return;
	}
	any_tags(step);
	rsrc->data = ARG(fds);
	rsrc->tags = once_in(3) ? 0 : ARG(tags);
}

static void any_iovecs(struct maker *m, struct step *step)
{
	unsigned int i;

	for (i = 0; i < NR_BUFFERS; i++) {
		struct iovec *iov = &step->reg.arg.iov[i];

		iov->iov_base = (void *)(BUFFERS + i * BUFFER_SIZE);
		iov->iov_len = once_in(6) ? 1 + below(BUFFER_SIZE) : BUFFER_SIZE;
		/* of many pages */
		if (once_in(8)) {
			iov->iov_base = (void *)(BIG + PAGE * below(3) + (once_in(2) ? below(PAGE) : 0));
			iov->iov_len = (BIG_SIZE >> (1 + below(4))) + below(100);
		}
		if (once_in(10)) {
			iov->iov_base = (void *)(HUGE + below(HUGE_SIZE / 2));
			iov->iov_len = below(HUGE_SIZE / 2);
		}
		m->buffers[i] = *iov;
		if (once_in(16))
			*iov = (struct iovec) {};
		if (once_in(60))
			iov->iov_len = rnd() >> below(64);
		/* the kernel first makes a list of its pages, for which it may have all the memory that there is */
		if (iov->iov_len >> 33 && !(iov->iov_len >> 40))
			iov->iov_len >>= 8;
	}
}

void register_buffers(struct maker *m, struct step *step)
{
	struct io_uring_rsrc_register *rsrc = (void *)step->reg.arg.words;
	unsigned int nr = 1 + below(NR_BUFFERS);

	any_iovecs(m, step);
	m->nr_buffers = nr;
	if (once_in(2)) {
		begin_registration(step, IORING_REGISTER_BUFFERS, nr);
		memcpy(step->reg.arg.words, step->reg.arg.iov, nr * sizeof(struct iovec));
		return;
	}
	begin_registration(step, IORING_REGISTER_BUFFERS2, sizeof(*rsrc));
	*rsrc = (struct io_uring_rsrc_register) { .nr = nr };
	if (once_in(5)) {
		rsrc->flags = IORING_RSRC_REGISTER_SPARSE;
		if (once_in(8))
			rsrc->nr = 1u << below(20);
		return;
	}
	any_tags(step);
	rsrc->data = ARG(iov);
	rsrc->tags = once_in(3) ? 0 : ARG(tags);
}

void register_group(struct maker *m, struct step *step)
{
	struct io_uring_buf_reg *reg = (void *)step->reg.arg.words;
	/* also in place of a group of the other kind */
	unsigned int bgid = below(once_in(12) ? GROUPS : CLASSIC_GROUPS), tries;

	/* mostly one that there is not */
	for (tries = 0; tries < 4 && m->groups & 1u << bgid && !once_in(8); tries++)
		bgid = below(CLASSIC_GROUPS);

	begin_registration(step, IORING_REGISTER_PBUF_RING, 1);
	*reg = (struct io_uring_buf_reg) {
		.ring_addr = GROUP_RING(bgid),
		.ring_entries = 1u << below(5),
		.bgid = bgid,
	};
	if (once_in(4)) {
		reg->flags |= IOU_PBUF_RING_MMAP;
		reg->ring_addr = 0;
	}
	if (once_in(3))
		reg->flags |= IOU_PBUF_RING_INC;
	if (reg->flags & IOU_PBUF_RING_INC && once_in(4))
		reg->min_left = below(300);
	if (once_in(40))
		reg->ring_entries = rnd() >> below(32);
	if (once_in(20))
		reg->ring_entries = 1u << below(18);
	/* one that is there stays */
	if (m->groups & 1u << bgid)
		return;
	m->groups |= 1u << bgid;
	m->group_flags[bgid] = reg->flags;
	m->group_entries[bgid] = reg->ring_entries && reg->ring_entries <= GROUP_ENTRIES ?
				 reg->ring_entries : GROUP_ENTRIES;
}

void any_refill(struct maker *m, struct step *step)
{
	unsigned int bgid = any_group(m) % CLASSIC_GROUPS;

	step->kind = STEP_REFILL;
	step->group = bgid;
	/* the number of entries that the ring has */
	step->op = m->group_entries[bgid] ?: GROUP_ENTRIES;
	step->nr = 1 + below(step->op);
	step->offset = below(GROUP_ENTRIES);
	step->len = once_in(3) ? any_len() % (GROUP_BUF + 1) : once_in(2) ? 100 : GROUP_BUF;
}

static void any_update(struct maker *m, struct step *step, bool files)
{
	struct io_uring_rsrc_update2 *up = (void *)step->reg.arg.words;
	unsigned int nr = 1 + below(3);

	any_fds(m, step);
	any_iovecs(m, step);
	any_tags(step);
	*up = (struct io_uring_rsrc_update2) {
		.offset = below(files ? SLOTS : NR_BUFFERS),
		.data = files ? ARG(fds) : ARG(iov),
	};
	if (files && once_in(3))
		step->reg.arg.fds[below(nr)] = IORING_REGISTER_FILES_SKIP;
	if (files && once_in(2)) {
		begin_registration(step, IORING_REGISTER_FILES_UPDATE, nr);
		return;
	}
	begin_registration(step, files ? IORING_REGISTER_FILES_UPDATE2 : IORING_REGISTER_BUFFERS_UPDATE,
			   sizeof(*up));
	up->nr = nr;
	up->tags = once_in(2) ? 0 : ARG(tags);
}

void any_update_of_files(struct maker *m, struct step *step)
{
	any_update(m, step, true);
}

void any_sync_cancel(struct maker *m, struct step *step)
{
	struct io_uring_sync_cancel_reg *reg = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_SYNC_CANCEL, 1);
	*reg = (struct io_uring_sync_cancel_reg) {
		/* a worker cannot be had back from what it has begun with */
		.addr = once_in(2) ? any_target_of(m, m->p->nr_requests, IORING_OP_SPLICE) :
			USER_DATA + below(m->p->nr_requests + 1),
		.fd = any_fd_of(m, ~0u),
		.flags = once_in(2) ? 0 : below(64),
		.timeout = { once_in(2) ? 0 : -1, once_in(2) ? 0 : -1 },
		.opcode = m->p->requests[below(MAX_REQUESTS)].sqe.opcode,
	};
}

static void any_group_change(struct maker *m, struct step *step)
{
	struct io_uring_buf_reg *reg = (void *)step->reg.arg.words;

	begin_registration(step, once_in(2) ? IORING_UNREGISTER_PBUF_RING : IORING_REGISTER_PBUF_STATUS, 1);
	*reg = (struct io_uring_buf_reg) {};
	if (step->reg.opcode == IORING_UNREGISTER_PBUF_RING) {
		reg->bgid = any_group(m);
		m->groups &= ~(1u << reg->bgid);
	} else {
		struct io_uring_buf_status *status = (void *)step->reg.arg.words;

		*status = (struct io_uring_buf_status) { .buf_group = any_group(m) };
	}
}

void any_registration_of_group(struct maker *m, struct step *step)
{
	if (once_in(3))
		any_group_change(m, step);
	else
		register_group(m, step);
}

void any_restrictions(struct step *step)
{
	struct io_uring_restriction *res = (void *)step->reg.arg.words;
	unsigned int nr = 1 + below(6), i;

	for (i = 0; i < nr; i++) {
		res[i].opcode = below(5);
		res[i].register_op = below(once_in(2) ? IORING_OP_LAST + 2 : IORING_REGISTER_LAST + 2);
		if (res[i].opcode == IORING_RESTRICTION_SQE_FLAGS_ALLOWED)
			res[i].sqe_flags = rnd();
	}
	begin_registration(step, IORING_REGISTER_RESTRICTIONS, nr);
}

static void any_range(struct step *step)
{
	struct io_uring_file_index_range *range = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_FILE_ALLOC_RANGE, 0);
	*range = (struct io_uring_file_index_range) { .off = below(SLOTS), .len = below(SLOTS) };
}

static void any_limits(struct step *step)
{
	__u32 *limits = (void *)step->reg.arg.words;

	/* reads what there is: how many there are by default is each one's own business */
	begin_registration(step, IORING_REGISTER_IOWQ_MAX_WORKERS, 2);
	limits[0] = 1 + below(3);
	limits[1] = 1 + below(3);
	if (once_in(12))
		limits[below(2)] = 1u << 31;
}

static void any_personality(struct maker *m, struct step *step)
{
	bool ends = once_in(4);

	end_kind(step, ends ? IORING_UNREGISTER_PERSONALITY : IORING_REGISTER_PERSONALITY);
	if (ends)
		step->reg.nr = 1 + below(3);
	else
		m->personalities = true;
}

/* One bit that does not belong there, but in no descriptor, which could be one of this machine's. */
static void may_spoil(struct step *step)
{
	unsigned int bit = below(8 * sizeof(step->reg.arg.words));

	switch (step->reg.opcode) {
	case IORING_REGISTER_FILES:
	case IORING_REGISTER_EVENTFD:
	case IORING_REGISTER_EVENTFD_ASYNC:
	case IORING_REGISTER_CLONE_BUFFERS:
	case IORING_REGISTER_SEND_MSG_RING:
	case IORING_REGISTER_IOWQ_AFF:
	case IORING_REGISTER_QUERY:
	case IORING_REGISTER_RING_FDS:
	case IORING_UNREGISTER_RING_FDS:
		return;
	}
	if (once_in(25))
		step->reg.arg.words[bit / 64] ^= 1ULL << bit % 64;
}

/* An argument that cannot be read, or only its first part. */
static void may_be_elsewhere(struct step *step)
{
	static const __u64 places[] = {
		8, 0xffff888000000000, EDGE - 4, EDGE - 8, EDGE - 12, EDGE - 16, EDGE - 32,
	};

	if (once_in(14))
		step->reg.elsewhere = pick(places);
}

void any_registration(struct maker *m, struct step *step)
{
	switch (may_register_as_subject(m, step) ? 32 : below(32)) {
	case 32:
		break;
	case 22 ... 31:
		any_ring_registration(m, step);
		break;
	case 0 ... 1:
		register_files(m, step);
		break;
	case 2 ... 3:
		register_buffers(m, step);
		break;
	case 4 ... 6:
		register_group(m, step);
		break;
	case 7 ... 8:
		any_update_of_files(m, step);
		break;
	case 9:
		any_update(m, step, false);
		break;
	case 10:
		end_kind(step, once_in(2) ? IORING_UNREGISTER_FILES : IORING_UNREGISTER_BUFFERS);
		break;
	case 11 ... 12:
		any_sync_cancel(m, step);
		break;
	case 13 ... 14:
		any_group_change(m, step);
		break;
	case 15:
		begin_registration(step, once_in(2) ? IORING_REGISTER_EVENTFD_ASYNC :
				   IORING_REGISTER_EVENTFD, 1);
		*(int *)step->reg.arg.words = once_in(8) ? any_fd_of(m, ~0u) : 131;
		break;
	case 16:
		end_kind(step, once_in(2) ? IORING_UNREGISTER_EVENTFD : IORING_REGISTER_ENABLE_RINGS);
		break;
	case 17:
		any_range(step);
		break;
	case 18:
		if (once_in(2))
			any_restrictions(step);
		else
			any_limits(step);
		break;
	case 19 ... 20:
		any_personality(m, step);
		break;
	default:
		begin_registration(step, IORING_REGISTER_EVENTFD, 1);
		*(int *)step->reg.arg.words = 131;
	}
	if (once_in(40))
		step->reg.nr = below(5);
	if (once_in(40))
		step->reg.null = !step->reg.null;
	if (has_second_ring(m) && once_in(3))
		step->ring = 1;
	may_go_by_index(m, step);
	may_spoil(step);
	may_be_elsewhere(step);
}
