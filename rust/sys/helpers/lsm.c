// SPDX-License-Identifier: GPL-2.0
/* Security hooks: see ../lsm.c. Those that the kernel does not have allow everything. */

#ifdef CONFIG_SECURITY_NETWORK
#define call_socket_hook(name, ...) ruring_call_security_socket_##name(__VA_ARGS__)
#else
#define call_socket_hook(name, ...) 0
#endif

#if defined(CONFIG_SECURITY) && defined(CONFIG_IO_URING)
#define call_uring_hook(name, ...) ruring_call_security_uring_##name(__VA_ARGS__)
#else
#define call_uring_hook(name, ...) 0
#endif

__helper int ruring_hook_accept(struct socket *sock, struct socket *newsock)
{
	return call_socket_hook(accept, sock, newsock);
}

__helper int ruring_hook_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	return call_socket_hook(bind, sock, addr, len);
}

__helper int ruring_hook_connect(struct socket *sock, struct sockaddr *addr, int len)
{
	return call_socket_hook(connect, sock, addr, len);
}

__helper int ruring_hook_listen(struct socket *sock, int backlog)
{
	return call_socket_hook(listen, sock, backlog);
}

__helper int ruring_hook_recvmsg(struct socket *sock, int size, unsigned int flags)
{
#ifdef CONFIG_SECURITY_NETWORK
	struct msghdr msg = { .msg_flags = flags };

	return call_socket_hook(recvmsg, sock, &msg, size, flags);
#else
	return 0;
#endif
}

__helper int ruring_hook_shutdown(struct socket *sock, int how)
{
	return call_socket_hook(shutdown, sock, how);
}

__helper int ruring_hook_getname(struct socket *sock, bool peer)
{
	return peer ? call_socket_hook(getpeername, sock) : call_socket_hook(getsockname, sock);
}

__helper bool ruring_current_restricted(void)
{
#ifdef CONFIG_IO_URING
	return current->io_uring_restrict;
#else
	return false;
#endif
}

__helper int ruring_hook_allowed(void)
{
	return call_uring_hook(allowed);
}

__helper int ruring_hook_sqpoll(void)
{
	return call_uring_hook(sqpoll);
}

__helper int ruring_hook_override_creds(const struct cred *cred)
{
	return call_uring_hook(override_creds, cred);
}

/* A command of a socket, which has no driver that would read more of it. */
__helper int ruring_hook_cmd(struct file *file, unsigned int op)
{
#if defined(CONFIG_SECURITY) && defined(CONFIG_IO_URING)
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_URING_CMD,
		.cmd_op = op,
	};
	struct io_uring_cmd cmd = {
		.file = file,
		.sqe = &sqe,
		.cmd_op = op,
	};

	return ruring_call_security_uring_cmd(&cmd);
#else
	return 0;
#endif
}

__helper bool ruring_audit_entry(u8 op)
{
#ifdef CONFIG_AUDITSYSCALL
	if (likely(!audit_context()))
		return false;
	if (audit_enabled)
		ruring_call___audit_uring_entry(op);
	return true;
#else
	return false;
#endif
}

__helper void ruring_audit_exit(long code)
{
#ifdef CONFIG_AUDITSYSCALL
	ruring_call___audit_uring_exit(!code, code);
#endif
}

__helper struct bpf_prog *ruring_bpf_create(u64 from, u16 len,
					    int (*prepare)(struct sock_filter *, unsigned int))
{
	struct sock_fprog all = { .len = len, .filter = u64_to_user_ptr(from) };
	struct bpf_prog *prog;
	int ret = bpf_prog_create_from_user(&prog, &all, prepare, false);

	return ret ? ERR_PTR(ret) : prog;
}

__helper bool ruring_bpf_run(const struct bpf_prog *prog, const void *ctx)
{
	return bpf_prog_run_pin_on_cpu(prog, ctx);
}
