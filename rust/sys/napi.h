/* SPDX-License-Identifier: GPL-2.0 */
/* Queues of network devices that are polled by who waits for them. */
#ifndef _RURING_NAPI_H
#define _RURING_NAPI_H

#include <linux/jump_label.h>

/* Whether some ring has asked for it. */
struct ruring_napi_key {
	struct static_key_false key;
};

extern struct ruring_napi_key ruring_napi_key;

void ruring_napi_use(void);
bool ruring_napi_valid(unsigned int id);
void ruring_napi_poll(unsigned int id, bool prefer);
unsigned int ruring_file_napi_id(struct file *file);
bool ruring_need_resched(void);

#endif /* _RURING_NAPI_H */
