/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What numbers are called.
 */
#ifndef DIFFERENTIAL_NAMES_H
#define DIFFERENTIAL_NAMES_H

#include <stddef.h>

#include "program.h"

const char *opcode_name(unsigned int opcode);
const char *register_name(unsigned int opcode);
const char *kind_name(unsigned int kind);
const char *peer_name(unsigned int op);
const char *watch_name(unsigned int op);
/* Bits of @value by name, joined by '|'; what has none is a number. */
int name_setup_flags(char *to, size_t size, unsigned int value);
int name_sqe_flags(char *to, size_t size, unsigned int value);
int name_enter_flags(char *to, size_t size, unsigned int value);
/* A letter each: B with its buffer's number, M, S, N, P. */
int name_cqe_flags(char *to, size_t size, unsigned int value);
/* What an event of a step is about; returns its length. */
size_t name_subject(char *to, size_t size, const struct program *p, unsigned int step,
		    unsigned int kind, __u64 key);

#endif /* DIFFERENTIAL_NAMES_H */
