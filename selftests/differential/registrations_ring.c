// SPDX-License-Identifier: GPL-2.0
/*
 * Random registrations about the ring itself: how large it is, what memory, clock,
 * queues and filters it has, and what may be asked of it.
 */
#include <linux/filter.h>
#include <linux/io_uring/bpf_filter.h>
#include <linux/io_uring/query.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "generate.h"

static void any_clone(struct maker *m, struct step *step)
{
	struct io_uring_clone_buffers *clone = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_CLONE_BUFFERS, 1);
	*clone = (struct io_uring_clone_buffers) {
		.src_fd = once_in(16) ? (unsigned int)BAD_FD : has_second_ring(m) && once_in(3) ? RING2_FD : RING_FD,
		.flags = once_in(2) ? IORING_REGISTER_DST_REPLACE : 0,
	};
	if (once_in(5)) {
		clone->flags |= IORING_REGISTER_SRC_REGISTERED;
		clone->src_fd = below(4);
	}
	if (once_in(2)) {
		clone->src_off = below(NR_BUFFERS);
		clone->dst_off = below(6);
		clone->nr = below(NR_BUFFERS + 1);
	}
	if (once_in(20))
		clone->flags |= 1u << (1 + below(31));
	if (once_in(20))
		clone->pad[below(3)] = 1;
	/* the other ring has none of its own, mostly */
	step->ring = has_second_ring(m) && !once_in(3);
}

void any_resize(struct maker *m, struct step *step)
{
	static const unsigned int sizes[] = { 2, 4, 8, 8, 16, 32, 5, 1 };
	struct io_uring_params *params = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_RESIZE_RINGS, 1);
	params->sq_entries = once_in(16) ? 0 : pick(sizes);
	if (once_in(2)) {
		params->flags |= IORING_SETUP_CQSIZE;
		params->cq_entries = once_in(16) ? 0 : pick(sizes);
	}
	if (once_in(8))
		params->flags |= IORING_SETUP_CLAMP;
	if (once_in(40))
		params->sq_entries = 40000;
	if (once_in(20))
		params->flags |= 1u << below(21);
	/* of what is in the user's memory it is refused on the one side only */
	if (m->p->setup & IORING_SETUP_NO_MMAP && !once_in(30))
		params->flags |= IORING_SETUP_SQPOLL;
}

void register_region(struct maker *m, struct step *step, bool waits)
{
	struct io_uring_mem_region_reg *reg = (void *)step->reg.arg.words;
	struct io_uring_region_desc *desc = (void *)&step->reg.arg.words[REGION_DESC];

	begin_registration(step, IORING_REGISTER_MEM_REGION, 1);
	*reg = (struct io_uring_mem_region_reg) {
		.region_uptr = once_in(30) ? 8 : ARG(words[REGION_DESC]),
		.flags = waits ? IORING_MEM_REGION_REG_WAIT_ARG : 0,
	};
	*desc = (struct io_uring_region_desc) { .size = PAGE * (1 + below(2)) };
	if (!once_in(3)) {
		desc->flags = IORING_MEM_REGION_TYPE_USER;
		desc->user_addr = REGION;
	}
	if (once_in(16))
		reg->flags ^= 1u << below(2);
	if (once_in(30))
		desc->user_addr ^= once_in(2) ? REGION : 8;
	if (once_in(30))
		desc->size = once_in(2) ? 0 : PAGE / 2;
	if (once_in(30))
		desc->id = 1;
	if (once_in(30))
		desc->__resv[below(4)] = 1;
	m->region = waits;
}

static void any_clock(struct step *step)
{
	struct io_uring_clock_register *clock = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_CLOCK, 0);
	clock->clockid = once_in(4) ? below(12) : once_in(2) ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
	if (once_in(20))
		clock->__resv[below(3)] = 1;
}

static void any_napi(struct step *step)
{
	/* numbers that a queue could have, though nobody has */
	static const unsigned int ids[] = { 100000, 100000, 100001, 100002, 1, 0 };
	static const unsigned int ways[] = {
		IO_URING_NAPI_TRACKING_DYNAMIC, IO_URING_NAPI_TRACKING_STATIC,
		IO_URING_NAPI_TRACKING_STATIC, IO_URING_NAPI_TRACKING_INACTIVE, 2,
	};
	struct io_uring_napi *napi = (void *)step->reg.arg.words;

	begin_registration(step, once_in(6) ? IORING_UNREGISTER_NAPI : IORING_REGISTER_NAPI, 1);
	if (step->reg.opcode == IORING_UNREGISTER_NAPI && once_in(2)) {
		step->reg.null = true;
		return;
	}
	napi->opcode = once_in(12) ? below(5) : once_in(2) ? IO_URING_NAPI_REGISTER_OP :
		       once_in(3) ? IO_URING_NAPI_STATIC_DEL_ID : IO_URING_NAPI_STATIC_ADD_ID;
	if (napi->opcode == IO_URING_NAPI_REGISTER_OP) {
		napi->op_param = pick(ways);
		napi->busy_poll_to = once_in(8) ? 20000 : below(50);
		napi->prefer_busy_poll = below(3);
	} else {
		napi->op_param = pick(ids);
	}
	if (once_in(20))
		napi->pad[below(2)] = 1;
	if (once_in(20))
		napi->resv = 1;
}

/* Any instructions, of which some are not for filters; the last one answers. */
static unsigned int any_instructions(struct sock_filter *code)
{
	static const __u16 codes[] = {
		BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX, BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_AND | BPF_X, BPF_ALU | BPF_DIV | BPF_K, BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_NEG,
		BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_LD | BPF_H | BPF_ABS, BPF_LDX | BPF_B | BPF_MSH,
		BPF_JMP | BPF_JA, BPF_JMP | BPF_JGT | BPF_K,
	};
	unsigned int nr = 1 + below(4), i;

	for (i = 0; i < nr; i++)
		code[i] = (struct sock_filter)BPF_STMT(pick(codes), once_in(4) ? rnd() : below(4));
	code[nr] = (struct sock_filter)BPF_STMT(BPF_RET | (once_in(3) ? BPF_A : BPF_K), below(3));
	return nr + 1;
}

/* What the bytes at @offset of what a filter sees have to be. */
static unsigned int any_program(struct sock_filter *code)
{
	const unsigned int offset = 4 * below(10), value = once_in(2) ? 0 : below(32);
	const struct sock_filter looks[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, once_in(12) ? offset + 1 : offset),
		BPF_JUMP(BPF_JMP | (once_in(2) ? BPF_JEQ : BPF_JSET) | BPF_K, value, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	const struct sock_filter answers = BPF_STMT(BPF_RET | BPF_K, below(3));

	if (once_in(3))
		return any_instructions(code);
	if (once_in(2)) {
		code[0] = answers;
		return 1;
	}
	memcpy(code, looks, sizeof(looks));
	return ARRAY_SIZE(looks);
}

void any_filter(struct maker *m, struct step *step)
{
	/* of which it sees more than their flags */
	static const __u8 seen[] = { IORING_OP_CONNECT, IORING_OP_CONNECT, IORING_OP_SOCKET, IORING_OP_OPENAT, IORING_OP_OPENAT2 };
	struct io_uring_bpf *bpf = (void *)step->reg.arg.words;
	struct io_uring_bpf_filter *filter = &bpf->filter;

	begin_registration(step, IORING_REGISTER_BPF_FILTER, 1);
	bpf->cmd_type = IO_URING_BPF_CMD_FILTER;
	/* one that there has been is likely to come again */
	filter->opcode = m->p->nr_requests && once_in(2) ?
			 m->p->requests[below(m->p->nr_requests)].sqe.opcode : any_opcode(m);
	if (once_in(3))
		filter->opcode = pick(seen);
	filter->filter_len = any_program((void *)step->reg.arg.tags);
	filter->filter_ptr = ARG(tags);
	if (once_in(12))
		filter->flags |= IO_URING_BPF_FILTER_DENY_REST;
	if (once_in(4)) {
		filter->flags |= IO_URING_BPF_FILTER_SZ_STRICT;
		filter->pdu_size = once_in(2) ? 0 : 4 * below(8);
	}
	if (once_in(20))
		filter->flags |= 4u << below(8);
	if (once_in(20))
		filter->opcode = IORING_OP_LAST + below(3);
	if (once_in(20))
		filter->filter_len = once_in(2) ? 0 : 5000;
	if (once_in(20))
		filter->filter_ptr = 0;
	if (once_in(20))
		filter->resv[below(3)] = 1;
	if (once_in(20))
		bpf->cmd_type = below(3);
	if (once_in(20))
		bpf->cmd_flags = 1;
}

static void any_probe(struct step *step)
{
	begin_registration(step, IORING_REGISTER_PROBE, once_in(3) ? below(300) : IORING_OP_LAST);
	/* it is to be empty */
	if (once_in(6))
		step->reg.arg.words[below(16)] = 1;
}

static void any_query(struct step *step)
{
	struct io_uring_query_hdr *hdr = (void *)step->reg.arg.words;
	unsigned int i;

	begin_registration(step, IORING_REGISTER_QUERY, 0);
	step->reg.blind = once_in(2);
	for (i = 0; i < 2; i++) {
		/* what is told of receives without a copy is not told here */
		hdr[i].query_op = once_in(2) ? IO_URING_QUERY_OPCODES : IO_URING_QUERY_SCQ;
		if (once_in(12))
			hdr[i].query_op = 4 + below(3);
		hdr[i].size = once_in(3) ? below(12) * 8 : sizeof(struct io_uring_query_opcode);
		hdr[i].query_data = once_in(30) ? 8 : ARG(tags);
		if (once_in(30))
			hdr[i].size = 5000;
		if (once_in(20))
			hdr[i].result = 1;
		if (once_in(20))
			hdr[i].__resv[below(3)] = 1;
	}
	/* another one, or the same again for ever */
	if (once_in(2))
		hdr[0].next_entry = ARG(words) + sizeof(*hdr);
	if (once_in(30))
		hdr[0].next_entry = once_in(2) ? ARG(words) : 8;
}

/* A message without a ring that it is from. */
static void any_blind_message(struct maker *m, struct step *step)
{
	struct io_uring_sqe *sqe = (void *)step->reg.arg.words;

	begin_registration(step, IORING_REGISTER_SEND_MSG_RING, 1);
	step->reg.blind = !once_in(8);
	sqe->opcode = once_in(16) ? IORING_OP_NOP : IORING_OP_MSG_RING;
	sqe->user_data = 0x5500 + below(8);
	any_message_to(sqe, once_in(6) ? any_fd_of(m, ~0u) : once_in(3) ? RING_FD : RING2_FD);
	if (once_in(12))
		sqe->flags = 1u << below(7);
}

static void any_affinity(struct step *step)
{
	bool ends = once_in(4);

	begin_registration(step, ends ? IORING_UNREGISTER_IOWQ_AFF : IORING_REGISTER_IOWQ_AFF,
			   ends ? 0 : once_in(4) ? below(10) : 8);
	step->reg.null = ends;
	/* processors that there are, or not */
	step->reg.arg.words[0] = once_in(3) ? below(4) : 1;
}

/* Which of the program's rings a descriptor is of, counted from 1; 0 for something else. */
static unsigned int ring_of(const struct maker *m, int fd)
{
	const struct object *o = object_of(m->p, fd);

	if (fd == RING_FD && !(m->p->setup & IORING_SETUP_REGISTERED_FD_ONLY))
		return 1;
	return o && o->kind == SECOND_RING && !(m->p->setup2 & IORING_SETUP_REGISTERED_FD_ONLY) ? 2 : 0;
}

void register_rings(struct maker *m, struct step *step)
{
	struct io_uring_rsrc_update *update = (void *)step->reg.arg.words;
	unsigned int nr = 1 + below(3), i, at;

	begin_registration(step, IORING_REGISTER_RING_FDS, nr);
	for (i = 0; i < nr; i++) {
		int fd = once_in(12) ? any_fd_of(m, ~0u) : once_in(3) ? any_fd_of(m, KIND(SECOND_RING)) : RING_FD;

		update[i] = (struct io_uring_rsrc_update) {
			.offset = once_in(3) ? below(INDICES + 1) : ~0u,
			.data = fd,
			.resv = once_in(40),
		};
		for (at = 0; at < INDICES && update[i].offset > INDICES; at++)
			if (!m->rings_at[at])
				break;
		if (update[i].offset <= INDICES)
			at = update[i].offset;
		if (at < INDICES && !m->rings_at[at])
			m->rings_at[at] = ring_of(m, fd);
	}
}

static void unregister_rings(struct maker *m, struct step *step)
{
	struct io_uring_rsrc_update *update = (void *)step->reg.arg.words;
	/* a ring that has nothing but its index would be gone, and what was under way over at any time */
	unsigned int first = (m->p->setup | m->p->setup2) & IORING_SETUP_REGISTERED_FD_ONLY ? 2 : 0, i;

	begin_registration(step, IORING_UNREGISTER_RING_FDS, 1 + below(3));
	for (i = 0; i < 8; i++) {
		update[i] = (struct io_uring_rsrc_update) {
			.offset = first + below(INDICES + 1 - first),
			.data = once_in(30),
			.resv = once_in(40),
		};
		if (i < step->reg.nr && update[i].offset < INDICES)
			m->rings_at[update[i].offset] = 0;
	}
}

void may_go_by_index(struct maker *m, struct step *step)
{
	unsigned int i;

	if (once_in(40))
		step->by = 1 + below(INDICES + 2);
	if (!once_in(3))
		return;
	for (i = 0; i < INDICES; i++)
		if (m->rings_at[i] == step->ring + 1 && once_in(2))
			step->by = i + 1;
}

/*
 * Once a ring has asked for queues to be polled, waits of all rings go another way until the module is loaded again.
 * So programs of many numbers in a row have none that does.
 */
static bool may_poll_queues(const struct program *p)
{
	return p->seed % 4096 >= 3072;
}

void any_ring_registration(struct maker *m, struct step *step)
{
	if (may_poll_queues(m->p) && once_in(4)) {
		any_napi(step);
		return;
	}
	/* only these rings can be given another size */
	switch (m->p->setup & IORING_SETUP_DEFER_TASKRUN && once_in(4) ? 3 : below(19)) {
	case 0 ... 2:
		any_clone(m, step);
		break;
	case 3 ... 5:
		any_resize(m, step);
		break;
	case 6:
		register_region(m, step, once_in(4));
		m->region = false;
		break;
	case 7:
		any_clock(step);
		break;
	case 8 ... 10:
		any_filter(m, step);
		break;
	case 11:
		any_probe(step);
		break;
	case 12 ... 13:
		any_query(step);
		break;
	case 14:
		any_blind_message(m, step);
		break;
	case 16 ... 17:
		register_rings(m, step);
		break;
	case 18:
		unregister_rings(m, step);
		break;
	default:
		any_affinity(step);
	}
}
