/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what is to be as in io_uring.
 */
#ifndef SELFTESTS_ALIKE_H
#define SELFTESTS_ALIKE_H

#define RING_MODES
#include "fixture.h"

/* The completion of @user_data, of the @nr that there are to come; they may come in any order. */
static inline int result_of(struct ring *r, unsigned int nr, __u64 user_data)
{
	struct io_uring_cqe cqe;
	int res = -1000;

	while (nr--) {
		if (ring_take(r, &cqe))
			return -1000;
		if (cqe.user_data == user_data)
			res = cqe.res;
	}
	return res;
}

#endif /* SELFTESTS_ALIKE_H */
