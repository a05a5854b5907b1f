/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How random programs are made.
 */
#ifndef DIFFERENTIAL_GENERATE_H
#define DIFFERENTIAL_GENERATE_H

#include "program.h"
#include "../random.h"

struct subject;

/* What is known of the program so far, so that more of it makes sense. */
struct maker {
	struct program *p;
	/* what it is about, NULL for nothing in particular */
	const struct subject *subject;
	/* what is registered, -1 for an empty slot */
	int slots[SLOTS];
	unsigned int nr_slots;
	unsigned int nr_buffers;
	/* groups that there are */
	unsigned int groups;
	/* their flags, and entries */
	unsigned int group_flags[GROUPS];
	unsigned int group_entries[GROUPS];
	bool personalities;
	/* what rings there are at the indices, counted from 1, if nothing went wrong */
	__u8 rings_at[INDICES];
	/* there is memory for the arguments of waits */
	bool region;
	/* what the kernel was asked over a socket, and whether somebody waits for what it says there */
	unsigned int questions;
	bool listens;
	/* what is registered: where it is */
	struct iovec buffers[NR_BUFFERS];
	/* a completion was to be skipped: no request drains in io_uring from there on */
	bool skips;
};

/* True once in @n times. */
static inline bool once_in(unsigned int n)
{
	return below(n) == 0;
}

/* A descriptor of an object of one of @kinds if there is one, most of the time. */
int any_fd_of(struct maker *m, unsigned int kinds);
bool has_second_ring(const struct maker *m);
unsigned int any_len(void);
unsigned int any_group(struct maker *m);

/* What the program is to be about. */
void choose_subject(struct maker *m);
/* True, and one of those that belong to it, every other time or more often. */
bool may_be_opcode_of_subject(const struct maker *m, __u8 *opcode);
bool may_be_peer_of_subject(const struct maker *m, __u8 *op);
bool may_be_kind_of_subject(const struct maker *m, __u8 *kind);
/* What its rings have to have, or nothing. */
unsigned int setup_for_subject(const struct maker *m);
/* Whether the next step is a registration, and the next request for a worker or limited in time, because of it. */
bool may_register_for_subject(const struct maker *m);
/* True, and a registration that belongs to it, every other time. */
bool may_register_as_subject(struct maker *m, struct step *step);
bool may_have_worker_for_subject(const struct maker *m);
bool may_have_limit_for_subject(const struct maker *m);
/* Whether the next submission is of what the kernel is asked, and what is received more than a buffer's worth, because of it. */
bool may_ask_kernel_for_subject(const struct maker *m);
bool may_be_in_bulk_for_subject(const struct maker *m);

/* One that there is, the more often the more it has to say. */
unsigned int any_opcode(const struct maker *m);
/* The user_data of a request before @i, most of the time of one of that opcode. */
__u64 any_target_of(const struct maker *m, unsigned int i, unsigned int opcode);
/* What a message to the ring @fd says. */
void any_message_to(struct io_uring_sqe *sqe, int fd);
/* Fill in request @i of the program. */
void any_request(struct maker *m, unsigned int i);
void any_request_of(struct maker *m, unsigned int i, unsigned int opcode);
/* The same for those of a family; false if @r's opcode is of another one. */
bool any_net_request(struct maker *m, struct request *r, unsigned int i);
/*
 * One whose other side is the kernel, to be submitted alone: what it answers is there when that call
 * returns. False without such a socket.
 */
bool any_request_to_kernel(struct maker *m, unsigned int i);
/* Memory of registered buffer @index. */
__u64 any_place_in(struct maker *m, unsigned int index);
bool any_file_request(struct maker *m, struct request *r, unsigned int i);
bool any_name_request(struct maker *m, struct request *r, unsigned int i);
bool any_control_request(struct maker *m, struct request *r, unsigned int i);

/* A vector of up to four parts of what belongs to request @i. */
void any_vector(struct request *r, unsigned int i, bool from);
/* More than a socket takes at once: in place of all, if that is @plain, or of the first part of its vector. */
void any_bulk(struct request *r, bool plain);
/* A selected buffer instead of an address, now and then. */
bool may_select(struct maker *m, struct request *r);

void any_registration(struct maker *m, struct step *step);
/* The same for those that are about the ring itself. */
void any_ring_registration(struct maker *m, struct step *step);
void begin_registration(struct step *step, unsigned int opcode, unsigned int nr);
/* What a program begins with, so that there is something to use. */
void register_files(struct maker *m, struct step *step);
void register_buffers(struct maker *m, struct step *step);
void register_group(struct maker *m, struct step *step);
void register_rings(struct maker *m, struct step *step);
/* The index that @step's ring has in place of its descriptor, now and then. */
void may_go_by_index(struct maker *m, struct step *step);
/* Memory for the arguments of waits, or for nothing in particular. */
void register_region(struct maker *m, struct step *step, bool waits);
void any_restrictions(struct step *step);
void any_registration_of_group(struct maker *m, struct step *step);
void any_update_of_files(struct maker *m, struct step *step);
void any_sync_cancel(struct maker *m, struct step *step);
void any_resize(struct maker *m, struct step *step);
void any_filter(struct maker *m, struct step *step);
void any_refill(struct maker *m, struct step *step);

#endif /* DIFFERENTIAL_GENERATE_H */
