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

#endif /* _RURING_BINDINGS_H */
