/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether programs have all that there is.
 */
#ifndef DIFFERENTIAL_CENSUS_H
#define DIFFERENTIAL_CENSUS_H

#include <stdbool.h>

/* Makes programs until all has been in one; false, and says what has not, if that takes too many. */
bool has_everything(void);

#endif /* DIFFERENTIAL_CENSUS_H */
