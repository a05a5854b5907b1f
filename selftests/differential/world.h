/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What requests work on, made anew for each run of a program.
 */
#ifndef DIFFERENTIAL_WORLD_H
#define DIFFERENTIAL_WORLD_H

#include "../ring.h"
#include "program.h"

/* Map the memory at PLACE; once, before there are children. */
int map_place(void);
/* Have nothing but the programs' own in the network. */
int own_network(void);

/* Make the objects of @p; 0 or a negative errno. */
int make_world(const struct program *p);
/* Leave @left descriptors to the program's requests. */
void limit_descriptors(unsigned int left);
/* As many as there can be, for somebody else, and no more than are left again. */
void lift_limit(void);
void impose_limit(void);
/* Make the program's directory as it is at first, and change to it; 0 or a negative errno. */
int make_directory(void);
/* Of the names, kinds and sizes of all that is there. */
__u32 sum_of_directory(void);
/* Write what the SQE of request @i points to. */
void write_structs(const struct program *p, unsigned int i);
/* Make what depends on the run of an address the same in all of them. */
void scrub_address(void *addr, size_t size);
/* A sum of bytes that is likely to tell them from others. */
__u32 sum_of(const void *from, size_t len);
/* The same of bytes that follow others, in however many parts they come. */
__u32 sum_on(__u32 sum, const void *from, size_t len);

/* What a PEER step does with one call; what that returns. */
long peer_step(const struct program *p, const struct step *step);
/* Write that from @offset of SOURCE on, as far as it is taken at once; how much that was, or a negative errno. */
long peer_write(int fd, unsigned int len, unsigned int offset);
/* Write as much as there is room for, up to a limit; how much that was, or a negative errno. */
long peer_fill(int fd, long limit);
/* Read all that there is; how much that was. Its bytes are added to *@bytes. */
long peer_drain(int fd, __u32 *bytes);

#endif /* DIFFERENTIAL_WORLD_H */
