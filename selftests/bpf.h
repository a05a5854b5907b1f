/* SPDX-License-Identifier: GPL-2.0 */
/* Programs that a ring asks about its requests. */
#ifndef BPF_H
#define BPF_H

#include <linux/filter.h>
#include <linux/io_uring/bpf_filter.h>
#include <stdint.h>

#include "ring.h"

#define ALLOW		BPF_STMT(BPF_RET | BPF_K, 1)
#define DENY		BPF_STMT(BPF_RET | BPF_K, 0)
#define LOAD(offset)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)

static inline struct io_uring_bpf filter_of(unsigned int op, const struct sock_filter *program,
				     unsigned int len)
{
	return (struct io_uring_bpf) {
		.cmd_type = IO_URING_BPF_CMD_FILTER,
		.filter = {
			.opcode = op,
			.filter_len = len,
			.filter_ptr = (uintptr_t)program,
		},
	};
}

static inline int add(struct ring *ring, struct io_uring_bpf *filter)
{
	return ring_register(ring, IORING_REGISTER_BPF_FILTER, filter, 1);
}

static inline int add_filter(struct ring *ring, unsigned int op, const struct sock_filter *program,
		      unsigned int len, unsigned int flags)
{
	struct io_uring_bpf filter = filter_of(op, program, len);

	filter.filter.flags = flags;
	return add(ring, &filter);
}

#endif
