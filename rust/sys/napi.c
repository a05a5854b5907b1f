// SPDX-License-Identifier: GPL-2.0
/* Queues of network devices that are polled by who waits for them. */
#include <linux/net.h>
#include <net/busy_poll.h>
#include <net/sock.h>

#include "napi.h"

struct ruring_napi_key ruring_napi_key = { .key = STATIC_KEY_FALSE_INIT };

/* It stays so: what asks for it once is likely to do it again. */
void ruring_napi_use(void)
{
	static_branch_enable(&ruring_napi_key.key);
}

#ifdef CONFIG_NET_RX_BUSY_POLL
bool ruring_napi_valid(unsigned int id)
{
	return napi_id_valid(id);
}

/* Once: without a condition for its end it does not go on. */
void ruring_napi_poll(unsigned int id, bool prefer)
{
	napi_busy_loop(id, NULL, NULL, prefer, BUSY_POLL_BUDGET);
}

unsigned int ruring_file_napi_id(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	unsigned int id = sock && sock->sk ? READ_ONCE(sock->sk->sk_napi_id) : 0;

	return napi_id_valid(id) ? id : 0;
}
#else
bool ruring_napi_valid(unsigned int id)
{
	return false;
}

void ruring_napi_poll(unsigned int id, bool prefer)
{
}

unsigned int ruring_file_napi_id(struct file *file)
{
	return 0;
}
#endif

bool ruring_need_resched(void)
{
	return need_resched();
}
