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

#endif /* DIFFERENTIAL_DELIBERATE_H */
