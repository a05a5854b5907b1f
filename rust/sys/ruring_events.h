/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events: io_uring's, by the names that remain if its own is replaced by
 * ruring, with the same fields. What rings, requests and submitters are called
 * is where they are in memory; nothing is read there.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ruring

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ruring_events

#if !defined(_RURING_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RURING_EVENTS_H

#include <linux/io_uring_types.h>
#include <linux/tracepoint.h>
#include <uapi/linux/io_uring.h>

/* The opcode's name in linux/io_uring.h, "INVALID" if it is none. */
const char *ruring_opcode_name(u8 opcode);

/*
 * ruring_create - called once a ring has been set up, and its descriptor
 * is there
 */
TRACE_EVENT(ruring_create,
	TP_PROTO(int fd, void *ctx, u32 sq_entries, u32 cq_entries, u32 flags),
	TP_ARGS(fd, ctx, sq_entries, cq_entries, flags),
	TP_STRUCT__entry(
		__field(int,	fd)
		__field(void *,	ctx)
		__field(u32,	sq_entries)
		__field(u32,	cq_entries)
		__field(u32,	flags)
	),

	TP_fast_assign(
		__entry->fd = fd;
		__entry->ctx = ctx;
		__entry->sq_entries = sq_entries;
		__entry->cq_entries = cq_entries;
		__entry->flags = flags;
	),

	TP_printk("ring %p, fd %d sq size %u, cq size %u, flags 0x%x",
		  __entry->ctx, __entry->fd, __entry->sq_entries,
		  __entry->cq_entries, __entry->flags)
);

/* ruring_register - called when io_uring_register() is over */
TRACE_EVENT(ruring_register,
	TP_PROTO(void *ctx, unsigned int opcode, unsigned int nr_files,
		 unsigned int nr_bufs, long ret),
	TP_ARGS(ctx, opcode, nr_files, nr_bufs, ret),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(unsigned int,	opcode)
		__field(unsigned int,	nr_files)
		__field(unsigned int,	nr_bufs)
		__field(long,	ret)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->opcode = opcode;
		__entry->nr_files = nr_files;
		__entry->nr_bufs = nr_bufs;
		__entry->ret = ret;
	),

	TP_printk("ring %p, opcode %u, nr_user_files %u, nr_user_bufs %u, ret %ld",
		  __entry->ctx, __entry->opcode, __entry->nr_files,
		  __entry->nr_bufs, __entry->ret)
);

/* ruring_file_get - called before a descriptor is looked up */
TRACE_EVENT(ruring_file_get,
	TP_PROTO(void *ctx, void *req, u64 user_data, int fd),
	TP_ARGS(ctx, req, user_data, fd),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(u64,	user_data)
		__field(int,	fd)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->fd = fd;
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, fd %d",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __entry->fd)
);

/* ruring_queue_async_work - called before a request goes to the workers */
TRACE_EVENT(ruring_queue_async_work,
	TP_PROTO(void *ctx, void *req, u64 user_data, u8 opcode, unsigned
		 long long flags, void *work, bool hashed),
	TP_ARGS(ctx, req, user_data, opcode, flags, work, hashed),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(u64,	user_data)
		__field(u8,	opcode)
		__field(unsigned long long, flags)
		__field(void *,	work)
		__field(bool,	hashed)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->opcode = opcode;
		__entry->flags = flags;
		__entry->work = work;
		__entry->hashed = hashed;

		__assign_str(op_str);
	),

	TP_printk("ring %p, request %p, user_data 0x%llx, opcode %s, flags 0x%llx, %s queue, work %p",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->flags,
		  __entry->hashed ? "hashed" : "normal", __entry->work)
);

/* ruring_defer - called when a request has to wait for those before it */
TRACE_EVENT(ruring_defer,
	TP_PROTO(void *ctx, void *req, unsigned long long data, u8 opcode),
	TP_ARGS(ctx, req, data, opcode),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(unsigned long long, data)
		__field(u8,	opcode)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->data = data;
		__entry->opcode = opcode;

		__assign_str(op_str);
	),

	TP_printk("ring %p, request %p, user_data 0x%llx, opcode %s",
		  __entry->ctx, __entry->req, __entry->data,
		  __get_str(op_str))
);

/* ruring_link - called before a request is linked behind another one */
TRACE_EVENT(ruring_link,
	TP_PROTO(void *ctx, void *req, void *target_req),
	TP_ARGS(ctx, req, target_req),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(void *,	target_req)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->target_req = target_req;
	),

	TP_printk("ring %p, request %p linked after %p",
		  __entry->ctx, __entry->req, __entry->target_req)
);

/*
 * ruring_cqring_wait - called before io_uring_enter() sleeps for
 * completions
 */
TRACE_EVENT(ruring_cqring_wait,
	TP_PROTO(void *ctx, int min_events),
	TP_ARGS(ctx, min_events),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(int,	min_events)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->min_events = min_events;
	),

	TP_printk("ring %p, min_events %d",
		  __entry->ctx, __entry->min_events)
);

/*
 * ruring_fail_link - called for each request that ends because one before
 * it in the link has failed
 */
TRACE_EVENT(ruring_fail_link,
	TP_PROTO(void *ctx, void *req, unsigned long long user_data, u8
		 opcode, void *link),
	TP_ARGS(ctx, req, user_data, opcode, link),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(unsigned long long, user_data)
		__field(u8,	opcode)
		__field(void *,	link)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->opcode = opcode;
		__entry->link = link;

		__assign_str(op_str);
	),

	TP_printk("ring %p, request %p, user_data 0x%llx, opcode %s, link %p",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->link)
);

/*
 * ruring_complete - called when a completion has been written; @req is
 * NULL if the request goes on
 */
TRACE_EVENT(ruring_complete,
	TP_PROTO(void *ctx, void *req, u64 user_data, int res, unsigned int
		 cflags, u64 extra1, u64 extra2),
	TP_ARGS(ctx, req, user_data, res, cflags, extra1, extra2),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(u64,	user_data)
		__field(int,	res)
		__field(unsigned int,	cflags)
		__field(u64,	extra1)
		__field(u64,	extra2)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->res = res;
		__entry->cflags = cflags;
		__entry->extra1 = extra1;
		__entry->extra2 = extra2;
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, result %d, cflags 0x%x extra1 %llu extra2 %llu ",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __entry->res, __entry->cflags, __entry->extra1,
		  __entry->extra2)
);

/* ruring_submit_req - called before a request is submitted */
TRACE_EVENT(ruring_submit_req,
	TP_PROTO(void *ctx, void *req, unsigned long long user_data, u8
		 opcode, unsigned long long flags, bool sq_thread),
	TP_ARGS(ctx, req, user_data, opcode, flags, sq_thread),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(unsigned long long, user_data)
		__field(u8,	opcode)
		__field(unsigned long long, flags)
		__field(bool,	sq_thread)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->opcode = opcode;
		__entry->flags = flags;
		__entry->sq_thread = sq_thread;

		__assign_str(op_str);
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, opcode %s, flags 0x%llx, sq_thread %d",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->flags, __entry->sq_thread)
);

/* ruring_poll_arm - called when a request waits for its file */
TRACE_EVENT(ruring_poll_arm,
	TP_PROTO(void *ctx, void *req, unsigned long long user_data, u8
		 opcode, int mask, int events),
	TP_ARGS(ctx, req, user_data, opcode, mask, events),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(unsigned long long, user_data)
		__field(u8,	opcode)
		__field(int,	mask)
		__field(int,	events)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->opcode = opcode;
		__entry->mask = mask;
		__entry->events = events;

		__assign_str(op_str);
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, opcode %s, mask 0x%x, events 0x%x",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->mask, __entry->events)
);

/* ruring_task_add - called when the file of a request has woken it up */
TRACE_EVENT(ruring_task_add,
	TP_PROTO(void *ctx, void *req, unsigned long long user_data, u8
		 opcode, int mask),
	TP_ARGS(ctx, req, user_data, opcode, mask),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(void *,	req)
		__field(unsigned long long, user_data)
		__field(u8,	opcode)
		__field(int,	mask)

		__string(op_str, ruring_opcode_name(opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = user_data;
		__entry->opcode = opcode;
		__entry->mask = mask;

		__assign_str(op_str);
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, opcode %s, mask %x",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->mask)
);

/* ruring_req_failed - called for an SQE that is refused */
TRACE_EVENT(ruring_req_failed,
	TP_PROTO(void *ctx, void *req, const struct io_uring_sqe *sqe, int error),
	TP_ARGS(ctx, req, sqe, error),
	TP_STRUCT__entry(
		__field(void *,		ctx)
		__field(void *,		req)
		__field(unsigned long long, user_data)
		__field(u8,		opcode)
		__field(u8,		flags)
		__field(u8,		ioprio)
		__field(u64,		off)
		__field(u64,		addr)
		__field(u32,		len)
		__field(u32,		op_flags)
		__field(u16,		buf_index)
		__field(u16,		personality)
		__field(u32,		file_index)
		__field(u64,		pad1)
		__field(u64,		addr3)
		__field(int,		error)

		__string(op_str, ruring_opcode_name(sqe->opcode))
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->req = req;
		__entry->user_data = sqe->user_data;
		__entry->opcode = sqe->opcode;
		__entry->flags = sqe->flags;
		__entry->ioprio = sqe->ioprio;
		__entry->off = sqe->off;
		__entry->addr = sqe->addr;
		__entry->len = sqe->len;
		__entry->op_flags = sqe->rw_flags;
		__entry->buf_index = sqe->buf_index;
		__entry->personality = sqe->personality;
		__entry->file_index = sqe->file_index;
		__entry->pad1 = sqe->__pad2[0];
		__entry->addr3 = sqe->addr3;
		__entry->error = error;

		__assign_str(op_str);
	),

	TP_printk("ring %p, req %p, user_data 0x%llx, opcode %s, flags 0x%x, prio=%d, off=%llu, addr=%llu, len=%u, rw_flags=0x%x, buf_index=%d, personality=%d, file_index=%d, pad=0x%llx, addr3=%llx, error=%d",
		  __entry->ctx, __entry->req, __entry->user_data,
		  __get_str(op_str), __entry->flags, __entry->ioprio,
		  __entry->off, __entry->addr, __entry->len,
		  __entry->op_flags, __entry->buf_index,
		  __entry->personality, __entry->file_index, __entry->pad1,
		  __entry->addr3, __entry->error)
);

/*
 * ruring_cqe_overflow - called when there is no room for a completion, and
 * it is kept
 */
TRACE_EVENT(ruring_cqe_overflow,
	TP_PROTO(void *ctx, unsigned long long user_data, s32 res, u32
		 cflags, void *ocqe),
	TP_ARGS(ctx, user_data, res, cflags, ocqe),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(unsigned long long, user_data)
		__field(s32,	res)
		__field(u32,	cflags)
		__field(void *,	ocqe)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->user_data = user_data;
		__entry->res = res;
		__entry->cflags = cflags;
		__entry->ocqe = ocqe;
	),

	TP_printk("ring %p, user_data 0x%llx, res %d, cflags 0x%x, overflow_cqe %p",
		  __entry->ctx, __entry->user_data, __entry->res,
		  __entry->cflags, __entry->ocqe)
);

/*
 * ruring_task_work_run - called when task work has run what came back to a
 * task
 */
TRACE_EVENT(ruring_task_work_run,
	TP_PROTO(void *tctx, unsigned int count),
	TP_ARGS(tctx, count),
	TP_STRUCT__entry(
		__field(void *,	tctx)
		__field(unsigned int,	count)
	),

	TP_fast_assign(
		__entry->tctx = tctx;
		__entry->count = count;
	),

	TP_printk("tctx %p, count %u",
		  __entry->tctx, __entry->count)
);

/*
 * ruring_local_work_run - called when io_uring_enter() has run what came
 * back to a ring with IORING_SETUP_DEFER_TASKRUN
 */
TRACE_EVENT(ruring_local_work_run,
	TP_PROTO(void *ctx, int count, unsigned int loops),
	TP_ARGS(ctx, count, loops),
	TP_STRUCT__entry(
		__field(void *,	ctx)
		__field(int,	count)
		__field(unsigned int,	loops)
	),

	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->count = count;
		__entry->loops = loops;
	),

	TP_printk("ring %p, count %d, loops %u",
		  __entry->ctx, __entry->count, __entry->loops)
);

#endif /* _RURING_EVENTS_H */

/* This part is outside of what is there only once. */
#include <trace/define_trace.h>
