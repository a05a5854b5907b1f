// SPDX-License-Identifier: GPL-2.0
/* Sockets and their packets. */
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/af_unix.h>
#include <net/busy_poll.h>

__helper unsigned int ruring_socket_family(struct socket *sock)
{
	return READ_ONCE(sock->sk->sk_family);
}

__helper bool ruring_socket_is_tcp(struct socket *sock)
{
	return sk_is_tcp(sock->sk);
}

/* Whether there is something in a queue that is known: all have the first, only UDP the second. */
__helper bool ruring_socket_has_data(struct socket *sock)
{
	struct sock *sk = sock->sk;

	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       (sk_is_udp(sk) && !skb_queue_empty_lockless(&udp_sk(sk)->reader_queue));
}

/*
 * Whether recvmsg(2) would find nothing in a socket without data: no error and no end. False where that
 * is not known, and where it would do more than look.
 */
__helper bool ruring_socket_idle(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (sk_is_tcp(sk)) {
		if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED || tcp_sk(sk)->repair)
			return false;
	} else if (sk->sk_family == AF_UNIX) {
		if (sk->sk_type != SOCK_DGRAM && READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
			return false;
	} else if (!sk_is_udp(sk)) {
		return false;
	}
	/* Programs of BPF and TLS have queues of their own. */
	return !READ_ONCE(sk->sk_err) && !(READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) &&
	       !READ_ONCE(sk->sk_prot)->sock_is_readable && !sk_can_busy_loop(sk);
}

/*
 * The queue that ->poll() of a socket would wait on, if it is of a kind of which
 * ruring_socket_quiet() knows what that would say.
 */
__helper struct wait_queue_head *ruring_socket_queue(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk;

	if (!sock)
		return NULL;
	sk = sock->sk;
	if (sk->sk_family != AF_UNIX && !sk_is_udp(sk) && !sk_is_tcp(sk))
		return NULL;
	return &sock->wq.wait;
}

/*
 * Whether ->poll() of such a socket would say nothing but that there is room to send. False also
 * where it may have more to say. Pairs with skwq_has_sleeper(): who has put an entry on the queue
 * before is woken up for what is not seen here.
 */
__helper bool ruring_socket_quiet(struct wait_queue_head *wq)
{
	struct sock *sk = container_of(wq, struct socket, wq.wait)->sk;

	/* Between the queue's entry and what is looked at, as said above. */
	smp_mb();
	if (!skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	    !skb_queue_empty_lockless(&sk->sk_error_queue) || READ_ONCE(sk->sk_err) ||
	    READ_ONCE(sk->sk_shutdown) || READ_ONCE(sk->sk_prot)->sock_is_readable)
		return false;
	if (sk_is_udp(sk))
		return skb_queue_empty_lockless(&udp_sk(sk)->reader_queue);
	if (sk->sk_family == AF_UNIX) {
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
		if (READ_ONCE(unix_sk(sk)->oob_skb))
			return false;
#endif
		return sk->sk_type == SOCK_DGRAM || READ_ONCE(sk->sk_state) == TCP_ESTABLISHED;
	}
	return READ_ONCE(sk->sk_state) == TCP_ESTABLISHED && !READ_ONCE(tcp_sk(sk)->urg_data);
}

__helper bool ruring_socket_is_shut(struct socket *sock)
{
	return READ_ONCE(sock->sk->sk_shutdown) & RCV_SHUTDOWN;
}

__helper const char *ruring_socket_proto_name(struct socket *sock)
{
	return sock->sk->sk_prot_creator->name;
}

__helper unsigned int ruring_socket_flags(struct socket *sock)
{
	return sock->file->f_flags;
}

__helper int ruring_socket_somaxconn(struct socket *sock)
{
	return READ_ONCE(sock_net(sock->sk)->core.sysctl_somaxconn);
}

static __always_inline int socket_ioctl(struct socket *sock, int op)
{
	struct proto *prot = READ_ONCE(sock->sk->sk_prot);
	int ret, value = 0;

	if (!prot || !prot->ioctl)
		return -EOPNOTSUPP;
	ret = prot->ioctl(sock->sk, op, &value);
	return ret ? ret : value;
}

__helper int ruring_socket_in_queue(struct socket *sock)
{
	return socket_ioctl(sock, SIOCINQ);
}

__helper int ruring_socket_out_queue(struct socket *sock)
{
	return socket_ioctl(sock, SIOCOUTQ);
}

__helper int ruring_socket_getsockopt(struct socket *sock, int level, int name,
				      void __user *value, int *len)
{
	return do_sock_getsockopt(sock, false, level, name, USER_SOCKPTR(value),
				  KERNEL_SOCKPTR(len));
}

__helper int ruring_socket_setsockopt(struct socket *sock, int level, int name,
				      void __user *value, int len)
{
	return do_sock_setsockopt(sock, false, level, name, USER_SOCKPTR(value),
				  len);
}

__helper int ruring_socket_error(struct socket *sock)
{
	return sock_error(sock->sk);
}

__helper bool ruring_socket_supports_zc(struct socket *sock)
{
	return test_bit(SOCK_SUPPORT_ZC, &sock->flags);
}

__helper void ruring_ubuf_init(struct ubuf_info *ubuf, const struct ubuf_info_ops *ops, u8 flags)
{
	ubuf->ops = ops;
	ubuf->flags = flags;
	refcount_set(&ubuf->refcnt, 1);
}

__helper void ruring_ubuf_get(struct ubuf_info *ubuf)
{
	net_zcopy_get(ubuf);
}

__helper bool ruring_ubuf_put(struct ubuf_info *ubuf)
{
	return refcount_dec_and_test(&ubuf->refcnt);
}

__helper bool ruring_ubuf_is_sole(struct ubuf_info *ubuf)
{
	return atomic_read_acquire(&ubuf->refcnt.refs) == 1;
}

__helper struct ubuf_info *ruring_skb_ubuf(struct sk_buff *skb)
{
	return skb_zcopy(skb);
}

__helper void ruring_skb_carry(struct sk_buff *skb, struct ubuf_info *ubuf)
{
	net_zcopy_get(ubuf);
	skb_zcopy_init(skb, ubuf);
}

__helper unsigned int ruring_skb_frags(struct sk_buff *skb)
{
	return skb_shinfo(skb)->nr_frags;
}

__helper bool ruring_skb_is_managed(struct sk_buff *skb)
{
	return skb_shinfo(skb)->flags & SKBFL_MANAGED_FRAG_REFS;
}

__helper void ruring_skb_set_managed(struct sk_buff *skb)
{
	skb_shinfo(skb)->flags |= SKBFL_MANAGED_FRAG_REFS;
}

__helper void ruring_skb_downgrade(struct sk_buff *skb)
{
	skb_zcopy_downgrade_managed(skb);
}

__helper void ruring_skb_fill(struct sk_buff *skb, unsigned int frag, struct page *page,
			      unsigned int offset, unsigned int len)
{
	__skb_fill_page_desc_noacc(skb_shinfo(skb), frag, page, offset, len);
}

__helper void ruring_skb_grow(struct sk_buff *skb, unsigned int frags, unsigned int len,
			      unsigned int truesize)
{
	skb_shinfo(skb)->nr_frags = frags;
	skb->data_len += len;
	skb->len += len;
	skb->truesize += truesize;
}

__helper void ruring_file_no_linger(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	if (!sock || !sock->sk)
		return;
	lock_sock(sock->sk);
	/* No time at all means that the connection is to be reset. */
	if (sock->sk->sk_lingertime)
		sock_reset_flag(sock->sk, SOCK_LINGER);
	release_sock(sock->sk);
}
