/* SPDX-License-Identifier: GPL-2.0 */
/* What rust/sys/ calls in the kernel; bindgen turns it into Rust declarations. */
#ifndef _RURING_BINDINGS_H
#define _RURING_BINDINGS_H

#include <asm/ioctls.h>
#include <linux/anon_inodes.h>
#include <linux/backing-dev.h>
#include <linux/cred.h>
#include <linux/bvec.h>
#include <linux/eventfd.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/hrtimer.h>
#include <linux/io_uring/cmd.h>
#include <linux/ioprio.h>
#include <linux/irq_work.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/sched/vhost_task.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/sockios.h>
#include <linux/splice.h>
#include <uapi/linux/io_uring.h>
#include <uapi/linux/io_uring/bpf_filter.h>
#include <uapi/linux/io_uring/query.h>
#include <uapi/linux/openat2.h>
#include <linux/task_work.h>
#include <linux/time_namespace.h>
#include <linux/tracepoint.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "../../include/uapi/linux/ruring.h"
#include "helpers.h"
#include "lsm.h"
#include "napi.h"
#include "policy.h"
#include "ruring_events.h"
#include "unexported.h"

/* Numbers that bindgen does not see, because they are of an enum without a name, or have a cast or another macro in them. */
enum ruring_number {
	RURING_EPOLLIN = (__force __u32)EPOLLIN,
	RURING_EPOLLPRI = (__force __u32)EPOLLPRI,
	RURING_EPOLLOUT = (__force __u32)EPOLLOUT,
	RURING_EPOLLERR = (__force __u32)EPOLLERR,
	RURING_EPOLLHUP = (__force __u32)EPOLLHUP,
	RURING_EPOLLNVAL = (__force __u32)EPOLLNVAL,
	RURING_EPOLLRDNORM = (__force __u32)EPOLLRDNORM,
	RURING_EPOLLWRNORM = (__force __u32)EPOLLWRNORM,
	RURING_EPOLLRDHUP = (__force __u32)EPOLLRDHUP,
	RURING_EPOLL_URING_WAKE = (__force __u32)EPOLL_URING_WAKE,
	RURING_EPOLLEXCLUSIVE = (__force __u32)EPOLLEXCLUSIVE,
	RURING_EPOLLONESHOT = (__force __u32)EPOLLONESHOT,
	RURING_EPOLLET = (__force __u32)EPOLLET,
	RURING_POLLFREE = (__force __u32)POLLFREE,
	RURING_SOCK_STREAM = SOCK_STREAM,
	RURING_SOCK_DGRAM = SOCK_DGRAM,
	RURING_SOCK_SEQPACKET = SOCK_SEQPACKET,
	RURING_IPPROTO_TCP = IPPROTO_TCP,
	RURING_IPPROTO_UDP = IPPROTO_UDP,
	RURING_SOF_TX_HARDWARE = SOF_TIMESTAMPING_TX_HARDWARE,
	RURING_RWF_HIPRI = (__force __u32)RWF_HIPRI,
	RURING_RWF_NOWAIT = (__force __u32)RWF_NOWAIT,
	RURING_RWF_NOSIGNAL = (__force __u32)RWF_NOSIGNAL,
	RURING_MSG_INTERNAL_SENDMSG = MSG_INTERNAL_SENDMSG_FLAGS,
};

#endif /* _RURING_BINDINGS_H */
