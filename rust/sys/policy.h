/* SPDX-License-Identifier: GPL-2.0 */
/* What the parameters of the module are made of: see policy.c and policy.rs. */
#ifndef _RURING_POLICY_H
#define _RURING_POLICY_H

#include <linux/types.h>

unsigned int ruring_max_entries(void);

#ifndef __BINDGEN__
/* In Rust. */
int ruring_set_ops(const char *list);
void ruring_set_enabled(bool enabled);
#endif

#endif /* _RURING_POLICY_H */
