/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hooks of security modules and of audit that io_uring's path calls and that the functions which are
 * exported to modules do not: see lsm.c. This is all of them. The others are called by what ruring calls:
 * sock_sendmsg(), sock_recvmsg(), sock_create(), do_sock_getsockopt(), rw_verify_area(), filp_open(). That of
 * receives is here for those that see that there is nothing, and call no sock_recvmsg().
 */
#ifndef _RURING_LSM_H
#define _RURING_LSM_H

#include <linux/audit.h>
#include <linux/security.h>

struct io_uring_cmd;

/* Each: what it is called, the types of its parameters, their names. */
#ifdef CONFIG_SECURITY_NETWORK
#define RURING_SOCKET_HOOKS(hook)						\
	hook(security_socket_accept,						\
	     (struct socket *sock, struct socket *newsock), (sock, newsock))	\
	hook(security_socket_bind,						\
	     (struct socket *sock, struct sockaddr *addr, int len), (sock, addr, len)) \
	hook(security_socket_connect,						\
	     (struct socket *sock, struct sockaddr *addr, int len), (sock, addr, len)) \
	hook(security_socket_listen, (struct socket *sock, int backlog), (sock, backlog)) \
	hook(security_socket_shutdown, (struct socket *sock, int how), (sock, how)) \
	hook(security_socket_recvmsg,						\
	     (struct socket *sock, struct msghdr *msg, int size, int flags),	\
	     (sock, msg, size, flags))						\
	hook(security_socket_getsockname, (struct socket *sock), (sock))	\
	hook(security_socket_getpeername, (struct socket *sock), (sock))
#else
#define RURING_SOCKET_HOOKS(hook)
#endif

#if defined(CONFIG_SECURITY) && defined(CONFIG_IO_URING)
#define RURING_URING_HOOKS(hook)						\
	hook(security_uring_allowed, (void), ())				\
	hook(security_uring_sqpoll, (void), ())					\
	hook(security_uring_override_creds, (const struct cred *cred), (cred))	\
	hook(security_uring_cmd, (struct io_uring_cmd *cmd), (cmd))
#else
#define RURING_URING_HOOKS(hook)
#endif

/* Those that return nothing. */
#ifdef CONFIG_AUDITSYSCALL
#define RURING_AUDIT_HOOKS(hook)						\
	hook(__audit_uring_entry, (u8 op), (op))				\
	hook(__audit_uring_exit, (int success, long code), (success, code))
#else
#define RURING_AUDIT_HOOKS(hook)
#endif

#define RURING_SECURITY_HOOKS(hook) RURING_SOCKET_HOOKS(hook) RURING_URING_HOOKS(hook)

/* What is called for each. */
#define RURING_DECLARE(name, types, names) int ruring_call_##name types;
RURING_SECURITY_HOOKS(RURING_DECLARE)
#undef RURING_DECLARE
#define RURING_DECLARE(name, types, names) void ruring_call_##name types;
RURING_AUDIT_HOOKS(RURING_DECLARE)
#undef RURING_DECLARE

/* Which hooks are missed: a bit for each, whether the kernel has it or not. */
enum ruring_hook {
	RURING_HOOK_ACCEPT = 1 << 0,
	RURING_HOOK_BIND = 1 << 1,
	RURING_HOOK_CONNECT = 1 << 2,
	RURING_HOOK_LISTEN = 1 << 3,
	RURING_HOOK_SHUTDOWN = 1 << 4,
	RURING_HOOK_GETNAME = 1 << 5,
	RURING_HOOK_SQPOLL = 1 << 6,
	RURING_HOOK_CREDS = 1 << 7,
	RURING_HOOK_CMD = 1 << 8,
	RURING_HOOK_AUDIT = 1 << 9,
	RURING_HOOK_RECVMSG = 1 << 10,
};

/*
 * Finds the hooks, once, when the module is loaded. Returns those that the kernel has and that cannot be
 * called, unless the administrator does without them.
 */
unsigned int ruring_find_hooks(void);

#endif /* _RURING_LSM_H */
