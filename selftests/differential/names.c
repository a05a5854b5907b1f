// SPDX-License-Identifier: GPL-2.0
/*
 * What numbers are called.
 */
#include <stdio.h>

#include "names.h"
#include "trace.h"

struct name {
	unsigned int value;
	const char *name;
};

#define NAME(prefix, name)	{ prefix##name, #name }

static const struct name opcodes[] = {
	NAME(IORING_OP_, NOP), NAME(IORING_OP_, READV), NAME(IORING_OP_, WRITEV),
	NAME(IORING_OP_, FSYNC), NAME(IORING_OP_, READ_FIXED), NAME(IORING_OP_, WRITE_FIXED),
	NAME(IORING_OP_, POLL_ADD), NAME(IORING_OP_, POLL_REMOVE), NAME(IORING_OP_, SENDMSG),
	NAME(IORING_OP_, RECVMSG), NAME(IORING_OP_, TIMEOUT), NAME(IORING_OP_, TIMEOUT_REMOVE),
	NAME(IORING_OP_, ACCEPT), NAME(IORING_OP_, ASYNC_CANCEL), NAME(IORING_OP_, LINK_TIMEOUT),
	NAME(IORING_OP_, CONNECT), NAME(IORING_OP_, FALLOCATE), NAME(IORING_OP_, OPENAT),
	NAME(IORING_OP_, CLOSE), NAME(IORING_OP_, FILES_UPDATE), NAME(IORING_OP_, READ),
	NAME(IORING_OP_, WRITE), NAME(IORING_OP_, SEND), NAME(IORING_OP_, RECV),
	NAME(IORING_OP_, PROVIDE_BUFFERS), NAME(IORING_OP_, REMOVE_BUFFERS),
	NAME(IORING_OP_, SHUTDOWN), NAME(IORING_OP_, MSG_RING), NAME(IORING_OP_, SOCKET),
	NAME(IORING_OP_, URING_CMD), NAME(IORING_OP_, SEND_ZC), NAME(IORING_OP_, SENDMSG_ZC),
	NAME(IORING_OP_, READ_MULTISHOT), NAME(IORING_OP_, FIXED_FD_INSTALL),
	NAME(IORING_OP_, BIND), NAME(IORING_OP_, LISTEN), NAME(IORING_OP_, READV_FIXED),
	NAME(IORING_OP_, WRITEV_FIXED), NAME(IORING_OP_, SYNC_FILE_RANGE), NAME(IORING_OP_, STATX),
	NAME(IORING_OP_, FADVISE), NAME(IORING_OP_, MADVISE), NAME(IORING_OP_, OPENAT2),
	NAME(IORING_OP_, SPLICE), NAME(IORING_OP_, TEE), NAME(IORING_OP_, RENAMEAT),
	NAME(IORING_OP_, UNLINKAT), NAME(IORING_OP_, MKDIRAT), NAME(IORING_OP_, SYMLINKAT),
	NAME(IORING_OP_, LINKAT), NAME(IORING_OP_, FTRUNCATE), NAME(IORING_OP_, NOP128),
	NAME(IORING_OP_, EPOLL_CTL), NAME(IORING_OP_, EPOLL_WAIT), NAME(IORING_OP_, PIPE),
	NAME(IORING_OP_, URING_CMD128),
};

static const struct name registers[] = {
	NAME(IORING_REGISTER_, BUFFERS), NAME(IORING_, UNREGISTER_BUFFERS),
	NAME(IORING_REGISTER_, FILES), NAME(IORING_, UNREGISTER_FILES),
	NAME(IORING_REGISTER_, EVENTFD), NAME(IORING_, UNREGISTER_EVENTFD),
	NAME(IORING_REGISTER_, FILES_UPDATE), NAME(IORING_REGISTER_, EVENTFD_ASYNC),
	NAME(IORING_REGISTER_, PROBE), NAME(IORING_REGISTER_, RESTRICTIONS),
	NAME(IORING_REGISTER_, ENABLE_RINGS), NAME(IORING_REGISTER_, FILES2),
	NAME(IORING_REGISTER_, FILES_UPDATE2), NAME(IORING_REGISTER_, BUFFERS2),
	NAME(IORING_REGISTER_, BUFFERS_UPDATE), NAME(IORING_REGISTER_, IOWQ_MAX_WORKERS),
	NAME(IORING_REGISTER_, PBUF_RING), NAME(IORING_, UNREGISTER_PBUF_RING),
	NAME(IORING_REGISTER_, SYNC_CANCEL), NAME(IORING_REGISTER_, FILE_ALLOC_RANGE),
	NAME(IORING_REGISTER_, PBUF_STATUS), NAME(IORING_REGISTER_, PERSONALITY),
	NAME(IORING_, UNREGISTER_PERSONALITY), NAME(IORING_REGISTER_, IOWQ_AFF),
	NAME(IORING_, UNREGISTER_IOWQ_AFF), NAME(IORING_REGISTER_, NAPI),
	NAME(IORING_, UNREGISTER_NAPI), NAME(IORING_REGISTER_, CLOCK),
	NAME(IORING_REGISTER_, CLONE_BUFFERS), NAME(IORING_REGISTER_, SEND_MSG_RING),
	NAME(IORING_REGISTER_, RESIZE_RINGS), NAME(IORING_REGISTER_, MEM_REGION),
	NAME(IORING_REGISTER_, QUERY), NAME(IORING_REGISTER_, BPF_FILTER),
	NAME(IORING_REGISTER_, RING_FDS), NAME(IORING_, UNREGISTER_RING_FDS),
};

static const char * const kinds[] = {
	[OBJECT_NONE] = "none", [UNIX_STREAM] = "unix-stream", [UNIX_DGRAM] = "unix-dgram",
	[UNIX_SEQPACKET] = "unix-seqpacket", [TCP] = "tcp", [TCP6] = "tcp6", [UDP] = "udp",
	[UDP6] = "udp6", [TCP_LISTENER] = "tcp-listener,unconnected",
	[UNIX_LISTENER] = "unix-listener,unconnected", [UDP_ALONE] = "two udp",
	[UNIX_ALONE] = "two unix-dgram", [PIPE] = "pipe",
	[EVENTFD] = "eventfd,dup", [TIMERFD] = "timerfd,dup", [PTY] = "pty master,slave",
	[REGULAR] = "file,dup", [DIRECTORY] = "directory,dup", [O_PATH_FILE] = "O_PATH,dup",
	[EPOLL] = "epoll,dup", [DEVICE] = "device,dup", [PROC_FILE] = "file of /proc,dup",
	[NETLINK] = "netlink,dup", [SECOND_RING] = "second ring,dup",
};

static const char * const peers[] = {
	[PEER_WRITE] = "write", [PEER_READ] = "read", [PEER_SHUTDOWN] = "shutdown",
	[PEER_CLOSE] = "close", [PEER_RESET] = "reset", [PEER_CONNECT] = "connect to",
	[PEER_ACCEPT] = "accept", [PEER_POLL] = "poll", [PEER_FILL] = "fill",
	[PEER_DRAIN] = "drain", [PEER_URGENT] = "send urgent", [PEER_EXPIRE] = "set timer",
	[PEER_NONBLOCK] = "switch O_NONBLOCK", [PEER_MUTE] = "mute eventfd",
	[PEER_BURST] = "write 40 times", [PEER_SIGNAL] = "signal", [PEER_MAP] = "map ring", [PEER_LOOK] = "read fdinfo",
};

static const char * const watches[] = {
	[WATCH_ENTER] = "thread enters for 1", [WATCH_POLL] = "thread polls ring",
	[WATCH_EPOLL] = "thread epolls ring", [WATCH_EVENTFD] = "thread polls eventfd",
	[WATCH_FULL] = "thread waits for room in the queue",
	[WATCH_PROCESS_ENTER] = "process enters for 1", [WATCH_PROCESS_POLL] = "process polls ring",
};

static const char *number(unsigned int value)
{
	static char text[4][16];
	static unsigned int next;

	next = (next + 1) % ARRAY_SIZE(text);
	snprintf(text[next], sizeof(text[next]), "%u", value);
	return text[next];
}

static const char *find_name(const struct name *names, size_t nr, unsigned int value)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (names[i].value == value)
			return names[i].name;
	return number(value);
}

static const char *name_of(const char * const *names, size_t nr, unsigned int value)
{
	return value < nr && names[value] ? names[value] : number(value);
}

const char *opcode_name(unsigned int opcode)
{
	return find_name(opcodes, ARRAY_SIZE(opcodes), opcode);
}

const char *register_name(unsigned int opcode)
{
	return find_name(registers, ARRAY_SIZE(registers), opcode);
}

const char *kind_name(unsigned int kind)
{
	return name_of(kinds, ARRAY_SIZE(kinds), kind);
}

const char *peer_name(unsigned int op)
{
	return name_of(peers, ARRAY_SIZE(peers), op);
}

const char *watch_name(unsigned int op)
{
	return name_of(watches, ARRAY_SIZE(watches), op);
}

static int name_bits(char *to, size_t size, unsigned int value, const char * const *names, size_t nr)
{
	unsigned int bit;
	int len = 0;

	to[0] = 0;
	for (bit = 0; bit < 32; bit++) {
		if (!(value & 1u << bit) || len >= (int)size - 24)
			continue;
		if (len)
			to[len++] = '|';
		if (bit < nr && names[bit])
			len += snprintf(to + len, size - len, "%s", names[bit]);
		else
			len += snprintf(to + len, size - len, "%#x", 1u << bit);
	}
	return len;
}

int name_setup_flags(char *to, size_t size, unsigned int value)
{
	static const char * const names[] = {
		"IOPOLL", "SQPOLL", "SQ_AFF", "CQSIZE", "CLAMP", "ATTACH_WQ", "R_DISABLED",
		"SUBMIT_ALL", "COOP_TASKRUN", "TASKRUN_FLAG", "SQE128", "CQE32", "SINGLE_ISSUER",
		"DEFER_TASKRUN", "NO_MMAP", "REGISTERED_FD_ONLY", "NO_SQARRAY",
		"HYBRID_IOPOLL", "CQE_MIXED", "SQE_MIXED", "SQ_REWIND",
	};

	return name_bits(to, size, value, names, ARRAY_SIZE(names));
}

int name_sqe_flags(char *to, size_t size, unsigned int value)
{
	static const char * const names[] = {
		"FIXED_FILE", "DRAIN", "LINK", "HARDLINK", "ASYNC", "BUFFER_SELECT", "SKIP",
	};

	return name_bits(to, size, value, names, ARRAY_SIZE(names));
}

int name_enter_flags(char *to, size_t size, unsigned int value)
{
	static const char * const names[] = {
		"GETEVENTS", "SQ_WAKEUP", "SQ_WAIT", "EXT_ARG", "REGISTERED_RING", "ABS_TIMER",
		"EXT_ARG_REG", "NO_IOWAIT",
	};

	return name_bits(to, size, value, names, ARRAY_SIZE(names));
}

int name_cqe_flags(char *to, size_t size, unsigned int value)
{
	static const struct {
		unsigned int bit;
		char letter;
	} names[] = {
		{ IORING_CQE_F_BUFFER, 'B' }, { IORING_CQE_F_MORE, 'M' },
		{ IORING_CQE_F_SOCK_NONEMPTY, 'S' }, { IORING_CQE_F_NOTIF, 'N' },
		{ IORING_CQE_F_BUF_MORE, 'P' },
	};
	unsigned int i;
	int len = 0;

	to[0] = 0;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (value & names[i].bit && len < (int)size - 1) {
			to[len++] = names[i].letter;
			to[len] = 0;
		}
	}
	return len;
}

static size_t name_request(char *to, size_t size, const struct program *p, const char *what, __u64 key)
{
	const char *name = NULL;

	if (key >= USER_DATA && key < USER_DATA + MAX_REQUESTS)
		name = opcode_name(p->requests[key - USER_DATA].sqe.opcode);
	else if (key == 0x4000)
		name = "final cancel";
	else if (key >> 8 == 0x55)
		name = "message";
	else if (key >> 8 == 0x66)
		name = "tag";
	else if (key >> 8 == 0x77)
		name = "notification";
	return snprintf(to, size, "%s %s", what, name ?: "?");
}

static size_t name_step(char *to, size_t size, const struct program *p, unsigned int i)
{
	const struct step *step = &p->steps[i];

	if (i == STEP_END)
		return snprintf(to, size, "end");
	switch (step->kind) {
	case STEP_SUBMIT:
		return snprintf(to, size, step->wait ? "submit and wait" : "submit");
	case STEP_REGISTER:
		return snprintf(to, size, "register %s", register_name(step->reg.opcode));
	case STEP_PEER:
		return snprintf(to, size, "peer's %s", peer_name(step->op));
	case STEP_WATCH:
		return snprintf(to, size, "watch");
	}
	return snprintf(to, size, "set-up");
}

size_t name_subject(char *to, size_t size, const struct program *p, unsigned int step,
		    unsigned int kind, __u64 key)
{
	static const char * const names[NR_EVENT_KINDS] = {
		[EVENT_VISIBLE] = "visible completions", [EVENT_POLL] = "ring's poll",
		[EVENT_EPOLL] = "ring's epoll", [EVENT_EVENTFD] = "eventfd", [EVENT_SIGNAL] = "SIGPIPE",
		[EVENT_GROUP] = "buffer ring", [EVENT_OVERFLOW] = "overflow flag",
		[EVENT_MEMORY] = "memory", [EVENT_FD] = "descriptor", [EVENT_RESTLESS] = "restless",
		[EVENT_HANG] = "hang", [EVENT_DIRECTORY] = "directory",
	};

	switch (kind) {
	case EVENT_RETURN:
		return name_step(to, size, p, step);
	case EVENT_CQE:
		return name_request(to, size, p, "CQE", key);
	case EVENT_STRUCTS:
		return name_request(to, size, p, "structures of", USER_DATA + key);
	case EVENT_DEST:
		return name_request(to, size, p, "memory of", USER_DATA + key);
	case EVENT_WATCH:
		return snprintf(to, size, key == 100 ? "submitter's wait" : "watcher");
	}
	return snprintf(to, size, "%s", names[kind] ?: "?");
}
