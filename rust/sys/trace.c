// SPDX-License-Identifier: GPL-2.0
/* Defines the trace events, and what rust/sys/trace.rs calls for each. */
#include <linux/kernel.h>
#include <linux/module.h>

#include "../../include/uapi/linux/ruring.h"

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "ruring_events.h"

#define NAME(op) [IORING_OP_##op] = #op

/* As the kernel calls them, of which it has another name for one. */
static const char *const names[] = {
	NAME(NOP),
	NAME(READV),
	NAME(WRITEV),
	NAME(FSYNC),
	NAME(READ_FIXED),
	NAME(WRITE_FIXED),
	NAME(POLL_ADD),
	NAME(POLL_REMOVE),
	NAME(SYNC_FILE_RANGE),
	NAME(SENDMSG),
	NAME(RECVMSG),
	NAME(TIMEOUT),
	NAME(TIMEOUT_REMOVE),
	NAME(ACCEPT),
	NAME(ASYNC_CANCEL),
	NAME(LINK_TIMEOUT),
	NAME(CONNECT),
	NAME(FALLOCATE),
	NAME(OPENAT),
	NAME(CLOSE),
	NAME(FILES_UPDATE),
	NAME(STATX),
	NAME(READ),
	NAME(WRITE),
	NAME(FADVISE),
	NAME(MADVISE),
	NAME(SEND),
	NAME(RECV),
	NAME(OPENAT2),
	[IORING_OP_EPOLL_CTL] = "EPOLL",
	NAME(SPLICE),
	NAME(PROVIDE_BUFFERS),
	NAME(REMOVE_BUFFERS),
	NAME(TEE),
	NAME(SHUTDOWN),
	NAME(RENAMEAT),
	NAME(UNLINKAT),
	NAME(MKDIRAT),
	NAME(SYMLINKAT),
	NAME(LINKAT),
	NAME(MSG_RING),
	NAME(FSETXATTR),
	NAME(SETXATTR),
	NAME(FGETXATTR),
	NAME(GETXATTR),
	NAME(SOCKET),
	NAME(URING_CMD),
	NAME(SEND_ZC),
	NAME(SENDMSG_ZC),
	NAME(READ_MULTISHOT),
	NAME(WAITID),
	NAME(FUTEX_WAIT),
	NAME(FUTEX_WAKE),
	NAME(FUTEX_WAITV),
	NAME(FIXED_FD_INSTALL),
	NAME(FTRUNCATE),
	NAME(BIND),
	NAME(LISTEN),
	NAME(RECV_ZC),
	NAME(EPOLL_WAIT),
	NAME(READV_FIXED),
	NAME(WRITEV_FIXED),
	NAME(PIPE),
	NAME(NOP128),
	NAME(URING_CMD128),
	[RURING_OP_SENDFILE] = "SENDFILE",
};

const char *ruring_opcode_name(u8 opcode)
{
	if (opcode < ARRAY_SIZE(names) && names[opcode])
		return names[opcode];
	return "INVALID";
}
