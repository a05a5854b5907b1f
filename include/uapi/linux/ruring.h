/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ruring: io_uring's networking paths behind /dev/ruring.
 *
 * A ring is made by an ioctl on the device and driven by two ioctls on the
 * ring, or by its index on any of these files. Their arguments, results and errors are those of io_uring_setup(2),
 * io_uring_enter(2) and io_uring_register(2). Every structure that they
 * reach (struct io_uring_params, SQEs, CQEs, ...) is the one of
 * <linux/io_uring.h>, and the ring is mapped at the same IORING_OFF_* offsets.
 */
#ifndef _UAPI_LINUX_RURING_H
#define _UAPI_LINUX_RURING_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct ruring_setup - argument of RURING_IOC_SETUP
 * @params: address of a struct io_uring_params; read, and written back
 * @entries: size of the submission queue, in entries
 * @resv: must be zero
 */
struct ruring_setup {
	__u64 params;
	__u32 entries;
	__u32 resv;
};

/**
 * struct ruring_enter - argument of RURING_IOC_ENTER
 * @arg: address of a sigset_t, or what IORING_ENTER_EXT_ARG says
 * @argsz: size of what @arg points to, in bytes
 * @to_submit: most submission queue entries to consume
 * @min_complete: completions to wait for with IORING_ENTER_GETEVENTS
 * @flags: IORING_ENTER_* flags
 * @index: of the ring with IORING_ENTER_REGISTERED_RING; else must be zero
 */
struct ruring_enter {
	__u64 arg;
	__u64 argsz;
	__u32 to_submit;
	__u32 min_complete;
	__u32 flags;
	__u32 index;
};

/**
 * struct ruring_register - argument of RURING_IOC_REGISTER
 * @arg: address of the opcode's argument
 * @opcode: an IORING_REGISTER_* or IORING_UNREGISTER_* opcode
 * @nr_args: number of elements at @arg
 */
struct ruring_register {
	__u64 arg;
	__u32 opcode;
	__u32 nr_args;
};

/**
 * struct ruring_register_indexed - argument of RURING_IOC_REGISTER_INDEXED
 * @arg: address of the opcode's argument
 * @opcode: as in struct ruring_register, with the bit
 *	IORING_REGISTER_USE_REGISTERED_RING
 * @nr_args: number of elements at @arg
 * @index: of the ring
 * @resv: must be zero
 */
struct ruring_register_indexed {
	__u64 arg;
	__u32 opcode;
	__u32 nr_args;
	__u32 index;
	__u32 resv;
};

#define RURING_IOC_MAGIC	0xB9

/*
 * On /dev/ruring: returns a new ring's file descriptor, close-on-exec, or its
 * index with IORING_SETUP_REGISTERED_FD_ONLY.
 */
#define RURING_IOC_SETUP	_IOWR(RURING_IOC_MAGIC, 0, struct ruring_setup)
/*
 * On a ring: returns the number of entries consumed. With
 * IORING_ENTER_REGISTERED_RING it may be on any ring, or on /dev/ruring.
 */
#define RURING_IOC_ENTER	_IOW(RURING_IOC_MAGIC, 1, struct ruring_enter)
/* On a ring: returns what the opcode returns. */
#define RURING_IOC_REGISTER	_IOW(RURING_IOC_MAGIC, 2, struct ruring_register)
/* The same for the ring of an index, on any ring, or on /dev/ruring. */
#define RURING_IOC_REGISTER_INDEXED \
	_IOW(RURING_IOC_MAGIC, 3, struct ruring_register_indexed)

/*
 * A flag in sqe->ioprio of IORING_OP_SEND_ZC and IORING_OP_SENDMSG_ZC: one
 * completion instead of two. It is posted when the notification would have
 * been, with the result of the send. IORING_CQE_F_NOTIF is set if the buffer
 * may have been used, IORING_CQE_F_MORE never. A request that is linked behind
 * starts then. IOSQE_CQE_SKIP_SUCCESS is allowed. Not together with
 * IORING_SEND_ZC_REPORT_USAGE or sqe->addr3 (-EINVAL).
 */
#define RURING_SEND_ZC_COMBINE_CQE	(1U << 4)

/*
 * A flag in sqe->ioprio of IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND_ZC
 * and IORING_OP_SENDMSG_ZC: the request is tried only after all that have this
 * flag, the same ring and the same open file and were submitted before it are
 * over, and it has MSG_WAITALL. So what is sent to a stream arrives in the order
 * of submission, without links. -EINVAL with MSG_DONTWAIT.
 */
#define RURING_SEND_ORDERED	(1U << 15)

/*
 * A flag in sqe->len of IORING_OP_POLL_ADD, together with IORING_POLL_ADD_MULTI:
 * as long as there is an event it is reported again. The request has one
 * completion in the ring at most. When that has been consumed the next
 * io_uring_enter() looks whether there is an event, and posts another one; if
 * there is none the request waits. It never ends for want of room in the ring.
 */
#define RURING_POLL_ADD_LEVEL	(1U << 30)

/*
 * A flag in sqe->len of IORING_OP_POLL_REMOVE, alone or with
 * IORING_POLL_UPDATE_EVENTS and IORING_POLL_UPDATE_USER_DATA: the poll request
 * reports from now on as these flags say that can stand beside it: once, with
 * IORING_POLL_ADD_MULTI until it is removed, with RURING_POLL_ADD_LEVEL, too,
 * as long as there is an event. -EINVAL if it has IOSQE_CQE_SKIP_SUCCESS and is
 * to report more than once.
 */
#define RURING_POLL_UPDATE_MODE	(1U << 31)

/*
 * A flag in sqe->ioprio of IORING_OP_ACCEPT, single or multishot, together with
 * IOSQE_BUFFER_SELECT: a buffer of the group sqe->buf_group tells who came, in
 * a struct ruring_accept_addr. sqe->addr and sqe->addr2 are 0. A connection for
 * which there is no descriptor (-EMFILE), no free slot (-ENFILE) or no buffer
 * (-ENOBUFS) stays in the backlog; the request ends.
 */
#define RURING_ACCEPT_ADDR	(1U << 14)

/*
 * A flag in sqe->ioprio of multishot IORING_OP_ACCEPT: the request does not end
 * when somebody waits in the backlog for whom there is no descriptor, no free
 * slot or, with RURING_ACCEPT_ADDR, no buffer. It posts one completion with
 * -EMFILE, -ENFILE or -ENOBUFS and IORING_CQE_F_MORE, leaves the connection
 * where it is, and goes on when there is room again. A free slot and a buffer
 * are found by the next io_uring_enter() of anyone on the ring, a descriptor by
 * that of the task whose request it is. -EINVAL without
 * IORING_ACCEPT_MULTISHOT.
 */
#define RURING_ACCEPT_KEEP	(1U << 15)

/**
 * struct ruring_accept_addr - what a buffer of RURING_ACCEPT_ADDR begins with
 * @len: size of the address in bytes, also if not all of it is there
 * @resv: 0
 * @addr: the address, a struct sockaddr, as far as the buffer has room
 */
struct ruring_accept_addr {
	__u32 len;
	__u32 resv;
	__u8 addr[];
};

/*
 * An opcode: sends sqe->len bytes of a file, from sqe->splice_off_in on, to the
 * socket sqe->fd, without a copy in user space. sqe->splice_fd_in is the
 * file's descriptor, or with SPLICE_F_FD_IN_FIXED in sqe->splice_flags the slot
 * of a registered one. One completion, with the number of bytes: fewer at the
 * end of the file, if the request is cancelled, or if the socket is one with
 * O_NONBLOCK that has no more room. The file may be changed as long as what was
 * sent has not arrived, as with sendfile(2).
 */
#define RURING_OP_SENDFILE	128

/*
 * A flag in sqe->ioprio of multishot IORING_OP_RECV and IORING_OP_RECVMSG: the
 * request does not end when there is data but no buffer in its group. It posts
 * one completion with -ENOBUFS and IORING_CQE_F_MORE, and goes on when there
 * are buffers again, which the next io_uring_enter() of anyone on the ring
 * finds. -EINVAL without IORING_RECV_MULTISHOT.
 */
#define RURING_RECV_KEEP	(1U << 15)

/*
 * A flag in sqe->len of IORING_OP_READ_MULTISHOT: the same for that. What is
 * not asked whether it would block is read once, as ever.
 */
#define RURING_READ_KEEP	(1U << 31)

/*
 * A registration: with nr_args 1, a struct ruring_pbuf_low. One completion
 * tells when the buffers of a group have become few. It is posted by the next
 * io_uring_enter() of anyone on the ring, or by what takes the buffers where a
 * task is at work for the ring, and again only after there have been more than
 * that. It is not posted for a group that has so few when it is registered.
 * The mark goes with the group.
 */
#define RURING_REGISTER_PBUF_LOW	128

/**
 * struct ruring_pbuf_low - argument of RURING_REGISTER_PBUF_LOW
 * @user_data: for the completion; its res is how many buffers are left
 * @nr: as many buffers, or fewer, are few; less than the group has room for,
 *	and 0 to take the mark away
 * @bgid: a group of IORING_REGISTER_PBUF_RING
 * @resv: must be zero
 */
struct ruring_pbuf_low {
	__u64 user_data;
	__u32 nr;
	__u16 bgid;
	__u16 resv;
};

#endif /* _UAPI_LINUX_RURING_H */
