/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which parts of the module programs reach, where it says so.
 */
#ifndef DIFFERENTIAL_COVER_H
#define DIFFERENTIAL_COVER_H

#include <stdbool.h>

/* Whether there is anything to be seen; else the rest does nothing. */
bool cover_init(void);
/* How many blocks were reached since the last call that nobody has reached before. */
unsigned int cover_count(void);
/* Write the blocks that were reached into the file of that name; returns how many. */
unsigned int cover_write(const char *path);

#endif /* DIFFERENTIAL_COVER_H */
