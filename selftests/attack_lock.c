// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait in an open, a write or a close (attack_held.h).
 */
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "attack_held.h"

/*
 * What an attacker's request waits for: a partner, room, somebody who has locked the pipe or the socket and
 * waits for a page of his, a file server, that is to close a file or to say what it is ready for, or who loads
 * the module of a family of sockets, or one that a message to the kernel names, by whatever it is sent; a file server
 * that is asked of the file whose name a message is for; the value of an option, on a page that is missing; or
 * somebody who has locked all networks and waits for a page of his, when a list of these is received.
 */
enum {
	FIFO, TERMINAL, PIPE, SOCKET, SERVER, POLLED, MODULE, MESSAGE, HEADER, WRITTEN, NAME, OPTION,
	LIST, LIST_SHOTS, LIST_HEADER, LIST_READ,
};

FIXTURE_VARIANT_ADD(attack, ruring_fifo) { .backend = RURING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, io_uring_fifo) { .backend = IO_URING, .kind = FIFO };
FIXTURE_VARIANT_ADD(attack, ruring_terminal) { .backend = RURING, .kind = TERMINAL };
FIXTURE_VARIANT_ADD(attack, io_uring_terminal) { .backend = IO_URING, .kind = TERMINAL };
FIXTURE_VARIANT_ADD(attack, ruring_pipe) { .backend = RURING, .kind = PIPE };
FIXTURE_VARIANT_ADD(attack, io_uring_pipe) { .backend = IO_URING, .kind = PIPE };
FIXTURE_VARIANT_ADD(attack, ruring_socket) { .backend = RURING, .kind = SOCKET };
FIXTURE_VARIANT_ADD(attack, io_uring_socket) { .backend = IO_URING, .kind = SOCKET };
FIXTURE_VARIANT_ADD(attack, ruring_server) { .backend = RURING, .kind = SERVER };
FIXTURE_VARIANT_ADD(attack, io_uring_server) { .backend = IO_URING, .kind = SERVER };
FIXTURE_VARIANT_ADD(attack, ruring_polled) { .backend = RURING, .kind = POLLED };
FIXTURE_VARIANT_ADD(attack, io_uring_polled) { .backend = IO_URING, .kind = POLLED };
FIXTURE_VARIANT_ADD(attack, ruring_module) { .backend = RURING, .kind = MODULE };
FIXTURE_VARIANT_ADD(attack, io_uring_module) { .backend = IO_URING, .kind = MODULE };
FIXTURE_VARIANT_ADD(attack, ruring_message) { .backend = RURING, .kind = MESSAGE };
FIXTURE_VARIANT_ADD(attack, io_uring_message) { .backend = IO_URING, .kind = MESSAGE };
FIXTURE_VARIANT_ADD(attack, ruring_header) { .backend = RURING, .kind = HEADER };
FIXTURE_VARIANT_ADD(attack, io_uring_header) { .backend = IO_URING, .kind = HEADER };
FIXTURE_VARIANT_ADD(attack, ruring_written) { .backend = RURING, .kind = WRITTEN };
FIXTURE_VARIANT_ADD(attack, io_uring_written) { .backend = IO_URING, .kind = WRITTEN };
FIXTURE_VARIANT_ADD(attack, ruring_name) { .backend = RURING, .kind = NAME };
FIXTURE_VARIANT_ADD(attack, io_uring_name) { .backend = IO_URING, .kind = NAME };
FIXTURE_VARIANT_ADD(attack, ruring_option) { .backend = RURING, .kind = OPTION };
FIXTURE_VARIANT_ADD(attack, io_uring_option) { .backend = IO_URING, .kind = OPTION };
FIXTURE_VARIANT_ADD(attack, ruring_list) { .backend = RURING, .kind = LIST };
FIXTURE_VARIANT_ADD(attack, io_uring_list) { .backend = IO_URING, .kind = LIST };
FIXTURE_VARIANT_ADD(attack, ruring_list_shots) { .backend = RURING, .kind = LIST_SHOTS };
FIXTURE_VARIANT_ADD(attack, io_uring_list_shots) { .backend = IO_URING, .kind = LIST_SHOTS };
FIXTURE_VARIANT_ADD(attack, ruring_list_header) { .backend = RURING, .kind = LIST_HEADER };
FIXTURE_VARIANT_ADD(attack, io_uring_list_header) { .backend = IO_URING, .kind = LIST_HEADER };
FIXTURE_VARIANT_ADD(attack, ruring_list_read) { .backend = RURING, .kind = LIST_READ };
FIXTURE_VARIANT_ADD(attack, io_uring_list_read) { .backend = IO_URING, .kind = LIST_READ };

static char output[1 << 20];

/* What the request is about, and whoever holds it up. */
static struct holdup {
	int fds[2];
	pid_t pid;
	char path[64];
} holdup;

#define LOADER	"/proc/sys/kernel/modprobe"

/* What loads modules, as it was before. */
static char loader[128];

/* In its place is a program that waits for a FIFO. */
static bool hold_loader(void)
{
	char program[80], text[128];
	int fd;

	snprintf(holdup.path, sizeof(holdup.path), "%s/module", attack_dir);
	snprintf(program, sizeof(program), "%s/loader", attack_dir);
	snprintf(text, sizeof(text), "#!/bin/sh\nread line <%s\n", holdup.path);
	fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) || mkfifo(holdup.path, 0600))
		return false;
	proc_text(loader, sizeof(loader), LOADER);
	return loader[0] && !put("/proc/sys/kernel", "modprobe", program);
}

static bool let_loader_go(void)
{
	int fd;

	if (put("/proc/sys/kernel", "modprobe", loader))
		return false;
	fd = open(holdup.path, O_RDWR | O_CLOEXEC);
	return fd >= 0 && !close(fd);
}

static bool lists(int kind)
{
	return kind >= LIST;
}

/* The next page is one that nobody gives him, when the kernel tells him what a device can do with all networks locked. */
static void lock_networks(void)
{
	char *page = missing_pages(2);
	struct ethtool_gstrings *strings = (void *)(page + 4096 - sizeof(*strings));
	struct ifreq request = { .ifr_name = "lo", .ifr_data = (void *)strings };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	*strings = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES };
	ioctl(fd, SIOCETHTOOL, &request);
	_exit(0);
}

/* All addresses were asked for, of which some can be received; the kernel goes on with the list then, and locks all networks. */
static bool begin_list(void)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
	} question = {
		.header = {
			.nlmsg_len = sizeof(question),
			.nlmsg_type = RTM_GETADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};

	holdup.fds[0] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return holdup.fds[0] >= 0 && send(holdup.fds[0], &question, sizeof(question), 0) == sizeof(question);
}

static bool loads_module(int kind)
{
	return kind == MODULE || kind == MESSAGE || kind == HEADER || kind == WRITTEN;
}

/* What a file server is not to answer, if there is one. */
static unsigned int served(int kind)
{
	switch (kind) {
	case SERVER:
		return FUSE_FLUSH;
	case POLLED:
		return FUSE_POLL;
	case NAME:
		return FUSE_GETATTR;
	default:
		return 0;
	}
}

static bool hold(const char *group, int kind)
{
	bool ready = true;

	if (loads_module(kind))
		return hold_loader();
	if (kind == OPTION || lists(kind))
		ready = !put("/proc/sys/vm", "unprivileged_userfaultfd", "1");
	if (kind == OPTION)
		return ready;
	if (served(kind)) {
		snprintf(holdup.path, sizeof(holdup.path), "%s/served", attack_dir);
		holdup.pid = hold_server(group, holdup.path, served(kind));
		return holdup.pid > 0;
	}
	if (kind == PIPE)
		ready = !pipe(holdup.fds);
	else if (kind == SOCKET)
		ready = !tcp_pair(holdup.fds);
	else if (lists(kind))
		ready = ready && begin_list();
	if (!ready || kind == FIFO || kind == TERMINAL)
		return ready;
	holdup.pid = spawn(group, 0);
	if (!holdup.pid) {
		void *page = missing_page();

		join(group, "attackers");
		become(ATTACKER);
		if (lists(kind))
			lock_networks();
		MUST(write(holdup.fds[1], page, 4096) == 4096);
		_exit(0);
	}
	return holdup.pid > 0 && sleep_in(holdup.pid, "handle_userfault", 1);
}

static bool let_go(int kind)
{
	bool dead = !holdup.pid || child_dies(holdup.pid, "who holds it up");

	if (loads_module(kind))
		return let_loader_go();
	if (served(kind))
		fuse_unmount(holdup.path);
	return dead;
}

/* It asks for a family that there is not, whose module is looked for. */
static void prep_message(struct ring *r, int kind)
{
	static struct {
		struct nlmsghdr header;
		struct genlmsghdr generic;
		struct nlattr attr;
		char name[12];
	} message = {
		.header = {
			.nlmsg_len = sizeof(message),
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_len = sizeof(struct nlattr) + 12, .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = "nowhere",
	};
	static struct iovec iov = { &message, sizeof(message) };
	static struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	MUST(fd >= 0);
	if (kind == HEADER)
		prep(r, IORING_OP_SENDMSG, fd, &header, 1, 1);
	else if (kind == WRITTEN)
		prep(r, IORING_OP_WRITE, fd, &message, sizeof(message), 1);
	else
		prep_send(r, fd, &message, sizeof(message), 1);
}

static void prep_to_name(struct ring *r)
{
	static struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe *sqe;

	MUST(fd >= 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", holdup.path);
	sqe = prep_send(r, fd, output, 1, 1);
	sqe->addr2 = (uintptr_t)&name;
	sqe->addr_len = sizeof(name);
}

static void prep_option(struct ring *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe *sqe;

	MUST(fd >= 0);
	sqe = prep(r, IORING_OP_URING_CMD, fd, NULL, 0, 1);
	sqe->cmd_op = SOCKET_URING_OP_SETSOCKOPT;
	sqe->level = IPPROTO_IP;
	sqe->optname = IP_TTL;
	sqe->optlen = sizeof(int);
	sqe->optval = (uintptr_t)missing_page();
}

static void prep_list(struct ring *r, int kind)
{
	static struct iovec iov = { output, sizeof(output) };
	static struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	static struct pbuf pb;

	switch (kind) {
	case LIST:
		prep_recv(r, holdup.fds[0], output, sizeof(output), 1);
		break;
	case LIST_SHOTS:
		MUST(!pbuf_init(&pb, r, 1, 4, 32768));
		pbuf_fill(&pb);
		prep_recv_multi(r, holdup.fds[0], 1, 1);
		break;
	case LIST_HEADER:
		prep(r, IORING_OP_RECVMSG, holdup.fds[0], &header, 1, 1);
		break;
	case LIST_READ:
		prep(r, IORING_OP_READ, holdup.fds[0], output, sizeof(output), 1);
		break;
	}
}

static void prep_what_waits(struct ring *r, int kind)
{
	int fd;

	switch (kind) {
	case FIFO:
		prep_fifo(r, 1);
		break;
	case TERMINAL:
		prep(r, IORING_OP_WRITE, terminal(), output, sizeof(output), 1);
		break;
	case PIPE:
		prep(r, IORING_OP_WRITE, holdup.fds[1], output, 1, 1);
		break;
	case SOCKET:
		prep(r, IORING_OP_SEND, holdup.fds[1], output, 1, 1);
		break;
	case SERVER:
		fd = open(holdup.path, O_RDWR);
		MUST(fd >= 0);
		prep(r, IORING_OP_CLOSE, fd, NULL, 0, 1);
		break;
	case POLLED:
		fd = open(holdup.path, O_RDWR);
		MUST(fd >= 0);
		prep_poll(r, fd, POLLIN, 1);
		break;
	case MODULE:
		prep(r, IORING_OP_SOCKET, AF_ROSE, NULL, 0, 1)->off = SOCK_SEQPACKET;
		break;
	case MESSAGE:
	case HEADER:
	case WRITTEN:
		prep_message(r, kind);
		break;
	case NAME:
		prep_to_name(r);
		break;
	case OPTION:
		prep_option(r);
		break;
	default:
		prep_list(r, kind);
	}
}

static const char *where(int kind)
{
	static const char *const places[] = {
		[FIFO] = AT_FIFO,
		[TERMINAL] = "wait_woken",
		[PIPE] = "anon_pipe_write",
		[SOCKET] = "__lock_sock",
		[SERVER] = "fuse_chan_send",
		[POLLED] = "fuse_chan_send",
		[MODULE] = "call_usermodehelper_exec",
		[MESSAGE] = "call_usermodehelper_exec",
		[HEADER] = "call_usermodehelper_exec",
		[WRITTEN] = "call_usermodehelper_exec",
		[NAME] = "fuse_chan_send",
		[OPTION] = "handle_userfault",
		[LIST] = "rtnl",
		[LIST_SHOTS] = "rtnl",
		[LIST_HEADER] = "rtnl",
		[LIST_READ] = "rtnl",
	};

	return places[kind];
}

/*
 * Who waits for a pipe or a socket that is locked, as any write(2) would, and in io_uring for a terminal, a module or a
 * name, or the networks, has io_uring's lock: what takes that waits with him.
 */
static bool waits_in_io_uring(int kind, unsigned int i)
{
	return kind != FIFO && kind != SERVER && !acts[i].returns;
}

static bool is_unlocked(int kind)
{
	return kind != PIPE && kind != SOCKET && kind != POLLED;
}

TEST_HARNESS_MAIN
