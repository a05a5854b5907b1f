/* SPDX-License-Identifier: GPL-2.0 */
/* What the parameters of the module are made of: see policy.c and policy.rs. */
#ifndef _RURING_POLICY_H
#define _RURING_POLICY_H

#include <linux/types.h>

/* What there may be at most. */
struct ruring_limits {
	unsigned int entries, rings, workers;
	unsigned long pinned;
};

struct ruring_limits ruring_limits(void);

#ifndef __BINDGEN__
/* In Rust. */
int ruring_set_ops(const char *list);
int ruring_set_registers(const char *list);
int ruring_set_families(const char *list);
void ruring_set_enabled(bool enabled);
#endif

#endif /* _RURING_POLICY_H */
