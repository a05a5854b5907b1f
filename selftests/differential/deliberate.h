/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences that are meant to be there.
 */
#ifndef DIFFERENTIAL_DELIBERATE_H
#define DIFFERENTIAL_DELIBERATE_H

#include "trace.h"

/* The name of the deliberate difference that @d is, or NULL; it counts as met. */
const char *deliberate(const struct program *p, const struct difference *d);
/* How often each was met; returns how many were not. */
unsigned int print_met(void);
/* Whether the documentation has all of them. */
bool quotes_are_right(void);

/* The entry that @user_data is of, one of zeroes if there is none. */
static inline const struct io_uring_sqe *sqe_of(const struct program *p, __u64 user_data)
{
	static const struct io_uring_sqe none;

	if (user_data < USER_DATA || user_data >= USER_DATA + MAX_REQUESTS)
		return &none;
	return &p->requests[user_data - USER_DATA].sqe;
}

/* Whether a timeout, or the change of one, is to be over in less than a second. */
static inline bool is_soon(const struct request *r)
{
	const struct io_uring_sqe *sqe = &r->sqe;
	__u64 time = sqe->opcode == IORING_OP_TIMEOUT_REMOVE ? sqe->off : sqe->addr;

	if (sqe->timeout_flags & IORING_TIMEOUT_IMMEDIATE_ARG)
		return time < 1000000000;
	/* or it is said to be elsewhere */
	return !r->structs.time.tv_sec || (time - STRUCTS) % STRUCTS_SIZE != offsetof(struct structs, time);
}

/* Whether a request's file is one of these, or may be. */
static inline bool has_kind(const struct program *p, const struct io_uring_sqe *sqe, unsigned int kinds)
{
	const struct object *o = object_of(p, sqe->fd);

	return sqe->flags & IOSQE_FIXED_FILE || (o && KIND(o->kind) & kinds);
}

/* Whether a worker of io_uring may have begun with a request, which is not so here. */
static inline bool begins_in_worker(const struct io_uring_sqe *sqe)
{
	return sqe->flags & (IOSQE_ASYNC | IOSQE_IO_DRAIN);
}

/* Whether a worker does it, whatever its flags. */
bool is_for_a_worker(unsigned int opcode);
/* Whether a request drains that is submitted up to that step, so that others wait for it. */
bool drains_before(const struct program *p, unsigned int to_step);

/* Whether a worker of io_uring has done what @request is linked to. */
bool is_behind_a_worker(const struct program *p, unsigned int request);
/* Whether it goes on after its first completion. */
bool is_multishot(const struct io_uring_sqe *sqe);

/* Whether there were completions to be seen in a step of the last run. */
bool has_completions(enum side side, unsigned int step);

/* Whether one with @user_data was told @res in a step of the last run on a side. */
bool was_told_in(enum side side, unsigned int step, __u64 user_data, int res);

/* Differences of when something happens, each as its row in deliberate.c says. */
bool is_drain_after_skip(const struct program *p, const struct difference *d);
bool is_count_of_a_notification(const struct program *p, const struct difference *d);
bool is_drain_of_a_notification(const struct program *p, const struct difference *d);
bool is_merged_poll(const struct program *p, const struct difference *d);
bool is_shut_meanwhile(const struct program *p, const struct difference *d);
bool is_closed_meanwhile(const struct program *p, const struct difference *d);
bool is_served_first(const struct program *p, const struct difference *d);
bool is_told_in_time(const struct program *p, const struct difference *d);
bool is_seen_by_a_peer(const struct program *p, const struct difference *d);
bool is_wait_for_several(const struct program *p, const struct difference *d);

/* Differences of what limits a time, or counts. */
bool is_limit_that_was_over(const struct program *p, const struct difference *d);
bool is_count_of_what_is_behind(const struct program *p, const struct difference *d);
bool is_limit_of_no_time(const struct program *p, const struct difference *d);
bool is_limit_of_another(const struct program *p, const struct difference *d);
bool is_count_beside_no_time(const struct program *p, const struct difference *d);
bool is_wait_behind_a_count(const struct program *p, const struct difference *d);

/* Differences of what a cancel finds. */
bool is_interrupted(const struct program *p, const struct difference *d);
bool is_behind_a_cancel(const struct program *p, const struct difference *d);
bool is_cancel_of_the_next(const struct program *p, const struct difference *d);
bool is_count_of_cancelled(const struct program *p, const struct difference *d);
bool is_cancelled_in_time(const struct program *p, const struct difference *d);
bool is_cancel_of_any_one(const struct program *p, const struct difference *d);
bool is_cancelled_before(const struct program *p, const struct difference *d);

/* Differences of what a worker does. */
bool is_interrupted_worker(const struct program *p, const struct difference *d);
bool is_error_of_a_worker(const struct program *p, const struct difference *d);
bool is_told_of_a_worker(const struct program *p, const struct difference *d);
bool is_impatient_worker(const struct program *p, const struct difference *d);
bool is_descriptor_of_a_worker(const struct program *p, const struct difference *d);
bool is_count_of_a_worker(const struct program *p, const struct difference *d);
bool is_part_of_a_worker(const struct program *p, const struct difference *d);
bool is_attempt_of_a_worker(const struct program *p, const struct difference *d);
bool is_seen_before_a_worker(const struct program *p, const struct difference *d);
bool is_told_of_what_a_worker_does(const struct program *p, const struct difference *d);
bool is_read_behind_a_write(const struct program *p, const struct difference *d);
bool is_multishot_that_stays(const struct program *p, const struct difference *d);
bool is_group_by_a_worker(const struct program *p, const struct difference *d);
bool is_error_that_is_found(const struct program *p, const struct difference *d);
bool is_open_by_a_worker(const struct program *p, const struct difference *d);

/* Differences of which provided buffer it is. */
bool is_buffer_of_a_failure(const struct program *p, const struct difference *d);
bool is_buffer_that_was_kept(const struct program *p, const struct difference *d);
bool is_all_from_the_kernel(const struct program *p, const struct difference *d);
bool is_all_of_a_part(const struct program *p, const struct difference *d);
bool is_nop_with_buffer(const struct program *p, const struct difference *d);
bool is_last_buffer_before(const struct program *p, const struct difference *d);
bool is_buffer_at_zero(const struct program *p, const struct difference *d);
bool is_room_of_the_first(const struct program *p, const struct difference *d);

/* Differences of what was asked for, or came of it. */
bool is_lone_notification(const struct program *p, const struct difference *d);
bool is_bundle_by_worker(const struct program *p, const struct difference *d);
bool is_behind_a_close(const struct program *p, const struct difference *d);
bool is_cancel_of_a_name(const struct program *p, const struct difference *d);
bool is_iopoll(const struct program *p, const struct difference *d);
bool is_behind_completions(const struct program *p, const struct difference *d);
bool is_sleep_in_enter(const struct program *p, const struct difference *d);
bool is_index_of_none(const struct program *p, const struct difference *d);
bool is_limit_of_workers(const struct program *p, const struct difference *d);
bool is_woken_for_nothing(const struct program *p, const struct difference *d);
bool is_beside_urgent(const struct program *p, const struct difference *d);
bool is_look_at_all(const struct program *p, const struct difference *d);
bool is_resize_of_user_memory(const struct program *p, const struct difference *d);
bool is_vector_itself(const struct program *p, const struct difference *d);
bool is_datagram_of_another(const struct program *p, const struct difference *d);
bool is_read_of_a_terminal(const struct program *p, const struct difference *d);
bool is_message_by_then(const struct program *p, const struct difference *d);
bool is_data_of_another(const struct program *p, const struct difference *d);
bool is_end_behind_data(const struct program *p, const struct difference *d);
bool is_full_for_ever(const struct program *p, const struct difference *d);
bool is_open_at_the_limit(const struct program *p, const struct difference *d);
bool is_transfer_of_nothing(const struct program *p, const struct difference *d);
bool is_send_of_a_large_page(const struct program *p, const struct difference *d);
bool is_datagram_of_shut(const struct program *p, const struct difference *d);

#endif /* DIFFERENTIAL_DELIBERATE_H */
