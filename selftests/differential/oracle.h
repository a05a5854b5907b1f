/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks both sides the same.
 */
#ifndef DIFFERENTIAL_ORACLE_H
#define DIFFERENTIAL_ORACLE_H

#include "trace.h"

enum verdict {
	VERDICT_SAME,
	VERDICT_DIFFERS,
	/* in a way that is meant to be: see deliberate.h */
	VERDICT_DELIBERATE,
	/* io_uring does not say the same each time, or ruring where time decides */
	VERDICT_UNSTABLE,
};

/* Memory for traces, which are written by other processes; 0 or a negative errno. */
int oracle_init(unsigned int seconds);
/* Run @p once on each side. */
bool differs_once(const struct program *p, struct difference *d);
/* Run @p, as often as it takes to be sure. */
enum verdict ask(const struct program *p, struct difference *d);
/* Whether what comes of @p depends on how soon packets are acknowledged or timers expire. */
bool depends_on_time(const struct program *p);
/* What was seen last on a side. */
const struct trace *last_trace(enum side side);
/* Whether there is a process that could not be killed, so that this machine should run no more. */
bool is_slowed_down(void);
/* Drop what does not matter for @d, which stays the same kind of difference. */
void shrink(struct program *p, struct difference *d);

#endif /* DIFFERENTIAL_ORACLE_H */
