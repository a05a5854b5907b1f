/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which parts of the module programs reach, where it is built for KCOV.
 */
#ifndef DIFFERENTIAL_COVER_H
#define DIFFERENTIAL_COVER_H

#include <stdbool.h>

/* Whether there is anything to be seen; else the rest does nothing. */
bool cover_init(void);
/* In the process that runs a program, by the thread that does. */
void cover_begin(void);
/* After it is gone: how many blocks nobody has reached before. */
unsigned int cover_count(void);
/* Write the blocks that were reached into the file of that name; returns how many. */
unsigned int cover_write(const char *path);

#endif /* DIFFERENTIAL_COVER_H */
