// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks of security modules and of audit: each opcode calls those that
 * io_uring calls for it, as often.
 */
#include <linux/openat2.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"
#include "hooks.h"

/* The kernel that has hooks is the slow one. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 280

static const char * const hooks[] = {
	"security_socket_create",
	"security_socket_post_create",
	"security_socket_bind",
	"security_socket_connect",
	"security_socket_listen",
	"security_socket_accept",
	"security_socket_sendmsg",
	"security_socket_recvmsg",
	"security_socket_getsockname",
	"security_socket_getpeername",
	"security_socket_getsockopt",
	"security_socket_setsockopt",
	"security_socket_shutdown",
	"security_unix_stream_connect",
	"security_unix_may_send",
	"security_unix_find",
	"security_file_permission",
	"security_file_open",
	"security_file_receive",
	"security_file_truncate",
	"security_path_truncate",
	"security_path_mknod",
	"security_path_mkdir",
	"security_path_rmdir",
	"security_path_unlink",
	"security_path_symlink",
	"security_path_link",
	"security_path_rename",
	"security_inode_mkdir",
	"security_inode_rmdir",
	"security_inode_unlink",
	"security_inode_symlink",
	"security_inode_link",
	"security_inode_rename",
	"security_inode_getattr",
	"security_inode_setattr",
	"security_inode_create",
	"security_inode_permission",
	"security_uring_allowed",
	"security_uring_sqpoll",
	"security_uring_override_creds",
	"security_uring_cmd",
	"__audit_uring_entry",
	"__audit_uring_exit",
};

#define NR_HOOKS	(sizeof(hooks) / sizeof(hooks[0]))

/* How often each was called. */
struct counts {
	unsigned int calls[NR_HOOKS];
};

/* Open all the time, so that a switch costs one hook: that of the write that ends it. */
static int tracing_on;

static unsigned int switched_off;

static void count(bool on)
{
	switched_off += !on;
	if (write(tracing_on, on ? "1" : "0", 1) != 1)
		perror("tracing_on");
}

/* Between these two what is called is counted. */
static void begin_counting(void)
{
	trace_write("trace", "");
	switched_off = 0;
	count(true);
}

/* By the test's thread, or by one that works for it. */
static bool is_ours(const char *line)
{
	static const char * const names[] = { "hooks-", "ruring-wrk-", "ruring-sqp-", "iou-wrk-",
					      "iou-sqp-", "<...>-" };
	unsigned int i;

	line += strspn(line, " ");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(line, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static void end_counting(struct counts *counts)
{
	char line[512], name[64];
	unsigned int i;
	FILE *f;

	count(false);
	memset(counts, 0, sizeof(*counts));
	f = fopen(TRACEFS "trace", "r");
	while (f && fgets(line, sizeof(line), f)) {
		for (i = 0; i < NR_HOOKS; i++) {
			snprintf(name, sizeof(name), " %s: (", hooks[i]);
			if (is_ours(line) && strstr(line, name))
				counts->calls[i]++;
		}
	}
	if (f)
		fclose(f);
	for (i = 0; i < NR_HOOKS; i++) {
		if (!strcmp(hooks[i], "security_file_permission"))
			counts->calls[i] -= switched_off;
	}
}

static bool probe_hooks(void)
{
	unsigned int i, missing = 0;
	char line[128];

	for (i = 0; i < NR_HOOKS; i++) {
		snprintf(line, sizeof(line), "p:hooks/%s %s", hooks[i], hooks[i]);
		if (trace_append("kprobe_events", line))
			missing++;
	}
	trace_write("tracing_on", "0");
	tracing_on = open(TRACEFS "tracing_on", O_WRONLY | O_CLOEXEC);
	return missing < NR_HOOKS / 4 && !trace_write("events/hooks/enable", "1");
}

static void unprobe_hooks(void)
{
	trace_write("events/hooks/enable", "0");
	trace_write("kprobe_events", "");
	trace_write("tracing_on", "1");
	close(tracing_on);
}

/* What there is to work on: made anew for each request. */
struct world {
	struct ring *ring;
	int listener, tcp[2], udp[2], pipe[2], file, named;
	/* new each time */
	int free, unnamed, again;
	struct sockaddr_in addr;
	struct sockaddr_un path;
	char buf[64];
	struct iovec iov;
	struct msghdr msg;
	struct __kernel_timespec ts;
	int fds[1];
	socklen_t len;
	struct sockaddr_storage name;
	struct ring other;
};

#define SOCK_FILE	"build/hooks.sock"
#define NEW_FILE	"build/hooks.new"

static struct io_uring_sqe *prep_at(struct world *w, unsigned int op, int fd)
{
	return prep(w->ring, op, fd, w->buf, sizeof(w->buf), 1);
}

static void nop(struct world *w)
{
	prep_nop(w->ring, 1);
}

#define PREP_RW(name, op, fd)						\
	static void name(struct world *w)				\
	{								\
		prep_at(w, IORING_OP_##op, w->fd)->off = 0;		\
	}

PREP_RW(read_file, READ, file)
PREP_RW(write_file, WRITE, file)
PREP_RW(read_socket, READ, tcp[0])
PREP_RW(write_socket, WRITE, tcp[0])
PREP_RW(read_pipe, READ, pipe[0])
PREP_RW(write_pipe, WRITE, pipe[1])
PREP_RW(recv_tcp, RECV, tcp[0])
PREP_RW(send_tcp, SEND, tcp[0])
PREP_RW(send_zc, SEND_ZC, udp[0])
PREP_RW(read_fixed, READ_FIXED, file)
PREP_RW(write_fixed, WRITE_FIXED, file)

#define PREP_VECTOR(name, op, fd)					\
	static void name(struct world *w)				\
	{								\
		prep(w->ring, IORING_OP_##op, w->fd, &w->iov, 1, 1);	\
	}

PREP_VECTOR(readv, READV, file)
PREP_VECTOR(writev, WRITEV, file)
PREP_VECTOR(readv_fixed, READV_FIXED, file)
PREP_VECTOR(writev_fixed, WRITEV_FIXED, file)

#define PREP_MSG(name, op, fd)						\
	static void name(struct world *w)				\
	{								\
		prep(w->ring, IORING_OP_##op, w->fd, &w->msg, 1, 1);	\
	}

PREP_MSG(sendmsg_tcp, SENDMSG, tcp[0])
PREP_MSG(recvmsg_tcp, RECVMSG, tcp[0])
PREP_MSG(sendmsg_zc, SENDMSG_ZC, udp[0])

static void recv_wait(struct world *w)
{
	prep_at(w, IORING_OP_RECV, w->tcp[1]);
	ring_submit(w->ring);
	count(false);
	if (write(w->tcp[0], "x", 1) != 1)
		perror("write");
	count(true);
}

static void fsync_file(struct world *w)
{
	prep(w->ring, IORING_OP_FSYNC, w->file, NULL, 0, 1);
}

static void fallocate_file(struct world *w)
{
	prep(w->ring, IORING_OP_FALLOCATE, w->file, (void *)4096, 0, 1);
}

static void openat_new(struct world *w)
{
	prep(w->ring, IORING_OP_OPENAT, AT_FDCWD, NEW_FILE, 0600, 1)->open_flags =
		O_CREAT | O_EXCL | O_RDWR;
}

static void openat_old(struct world *w)
{
	prep(w->ring, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0, 1)->open_flags = O_RDWR;
}

static void close_file(struct world *w)
{
	prep(w->ring, IORING_OP_CLOSE, w->again, NULL, 0, 1);
}

static void socket_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_SOCKET, AF_INET, NULL, 0, 1)->off = SOCK_STREAM;
}

static void bind_tcp(struct world *w)
{
	static const struct sockaddr_in any = { .sin_family = AF_INET };

	prep(w->ring, IORING_OP_BIND, w->free, &any, 0, 1)->addr2 = sizeof(any);
}

static void bind_unix(struct world *w)
{
	static const struct sockaddr_un name = { AF_UNIX, SOCK_FILE ".2" };

	prep(w->ring, IORING_OP_BIND, w->unnamed, &name, 0, 1)->addr2 = sizeof(w->path);
}

static void listen_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_LISTEN, w->free, NULL, 4, 1);
}

static void connect_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_CONNECT, w->free, &w->addr, 0, 1)->addr2 = sizeof(w->addr);
}

static void connect_unix(struct world *w)
{
	prep(w->ring, IORING_OP_CONNECT, w->unnamed, &w->path, 0, 1)->addr2 = sizeof(w->path);
}

static void accept_tcp(struct world *w)
{
	/* CONNECT has left one in the backlog. */
	prep_accept(w->ring, w->listener, 1);
}

static void accept_wait(struct world *w)
{
	prep_accept(w->ring, w->listener, 1);
	ring_submit(w->ring);
	count(false);
	tcp_connect(&w->addr);
	count(true);
}

static void shutdown_tcp(struct world *w)
{
	prep(w->ring, IORING_OP_SHUTDOWN, w->tcp[0], NULL, SHUT_WR, 1);
}

static struct io_uring_sqe *prep_cmd(struct world *w, unsigned int op)
{
	struct io_uring_sqe *sqe = prep(w->ring, IORING_OP_URING_CMD, w->tcp[0], NULL, 0, 1);

	sqe->cmd_op = op;
	return sqe;
}

static void cmd_inq(struct world *w)
{
	prep_cmd(w, SOCKET_URING_OP_SIOCINQ);
}

static void cmd_option(struct world *w, unsigned int op)
{
	struct io_uring_sqe *sqe = prep_cmd(w, op);

	sqe->level = SOL_SOCKET;
	sqe->optname = SO_REUSEADDR;
	sqe->optval = (unsigned long)w->buf;
	sqe->optlen = sizeof(int);
}

static void cmd_getsockopt(struct world *w)
{
	cmd_option(w, SOCKET_URING_OP_GETSOCKOPT);
}

static void cmd_setsockopt(struct world *w)
{
	cmd_option(w, SOCKET_URING_OP_SETSOCKOPT);
}

static void cmd_name(struct world *w, unsigned int peer)
{
	struct io_uring_sqe *sqe = prep_cmd(w, SOCKET_URING_OP_GETSOCKNAME);

	sqe->addr = (unsigned long)&w->name;
	sqe->addr3 = (unsigned long)&w->len;
	sqe->optlen = peer;
}

static void cmd_getsockname(struct world *w)
{
	cmd_name(w, 0);
}

static void cmd_getpeername(struct world *w)
{
	cmd_name(w, 1);
}

static void poll_add(struct world *w)
{
	prep_poll(w->ring, w->tcp[0], POLLOUT, 1);
}

static void timeout(struct world *w)
{
	prep(w->ring, IORING_OP_TIMEOUT, -1, &w->ts, 1, 1);
}

static void timeout_remove(struct world *w)
{
	prep(w->ring, IORING_OP_TIMEOUT_REMOVE, -1, (void *)77, 0, 1);
}

static void poll_remove(struct world *w)
{
	prep(w->ring, IORING_OP_POLL_REMOVE, -1, (void *)77, 0, 1);
}

static void async_cancel(struct world *w)
{
	prep_cancel(w->ring, 77, 0, 1);
}

static void msg_ring(struct world *w)
{
	prep(w->ring, IORING_OP_MSG_RING, w->other.fd, NULL, 0, 1)->off = 5;
}

static void files_update(struct world *w)
{
	w->fds[0] = w->tcp[1];
	prep(w->ring, IORING_OP_FILES_UPDATE, -1, w->fds, 1, 1)->off = 1;
}

static void fixed_fd_install(struct world *w)
{
	prep(w->ring, IORING_OP_FIXED_FD_INSTALL, 0, NULL, 0, 1)->flags = IOSQE_FIXED_FILE;
}

static void provide_buffers(struct world *w)
{
	struct io_uring_sqe *sqe = prep(w->ring, IORING_OP_PROVIDE_BUFFERS, 1, w->buf, 64, 1);

	sqe->buf_group = 5;
}

static void remove_buffers(struct world *w)
{
	prep(w->ring, IORING_OP_REMOVE_BUFFERS, 1, NULL, 0, 1)->buf_group = 6;
}

static void read_multishot(struct world *w)
{
	struct io_uring_sqe *sqe;

	sqe = prep(w->ring, IORING_OP_PROVIDE_BUFFERS, 1, w->buf, 64, 1);
	sqe->buf_group = 7;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe = prep(w->ring, IORING_OP_READ_MULTISHOT, w->pipe[0], NULL, 0, 1);
	sqe->off = -1;
	sqe->buf_group = 7;
	sqe->flags = IOSQE_BUFFER_SELECT;
}

static void link_timeout(struct world *w)
{
	w->ts.tv_sec = 100;
	prep_nop(w->ring, 1)->flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	prep(w->ring, IORING_OP_LINK_TIMEOUT, -1, &w->ts, 1, 1);
}

static void ftruncate_file(struct world *w)
{
	prep(w->ring, IORING_OP_FTRUNCATE, w->file, NULL, 0, 1)->off = 4096;
}

static void fadvise_file(struct world *w)
{
	prep(w->ring, IORING_OP_FADVISE, w->file, NULL, 4096, 1)->fadvise_advice =
		POSIX_FADV_NORMAL;
}

static void sync_range(struct world *w)
{
	prep(w->ring, IORING_OP_SYNC_FILE_RANGE, w->file, NULL, 4096, 1);
}

static void madvise_memory(struct world *w)
{
	prep(w->ring, IORING_OP_MADVISE, -1, w->other.rings, 4096, 1)->fadvise_advice =
		MADV_NORMAL;
}

static void openat2_old(struct world *w)
{
	static const struct open_how how = { .flags = O_RDWR };

	prep(w->ring, IORING_OP_OPENAT2, AT_FDCWD, "/dev/null", sizeof(how), 1)->off =
		(unsigned long)&how;
}

static void statx_old(struct world *w)
{
	static struct statx stat;

	prep(w->ring, IORING_OP_STATX, AT_FDCWD, "/dev/null", STATX_MODE, 1)->off =
		(unsigned long)&stat;
}

static void mkdirat_new(struct world *w)
{
	prep(w->ring, IORING_OP_MKDIRAT, AT_FDCWD, "/dev/shm/dir", 0700, 1);
}

/* What the one before has made. */
static void renameat_dir(struct world *w)
{
	prep(w->ring, IORING_OP_RENAMEAT, AT_FDCWD, "/dev/shm/dir", AT_FDCWD, 1)->off =
		(unsigned long)"/dev/shm/dir2";
}

static void unlinkat_dir(struct world *w)
{
	prep(w->ring, IORING_OP_UNLINKAT, AT_FDCWD, "/dev/shm/dir2", 0, 1)->unlink_flags =
		AT_REMOVEDIR;
}

static void symlinkat_new(struct world *w)
{
	prep(w->ring, IORING_OP_SYMLINKAT, AT_FDCWD, "nowhere", 0, 1)->off =
		(unsigned long)"/dev/shm/link";
}

static void linkat_new(struct world *w)
{
	prep(w->ring, IORING_OP_LINKAT, AT_FDCWD, "/dev/shm/link", AT_FDCWD, 1)->off =
		(unsigned long)"/dev/shm/link2";
}

static void unlinkat_link(struct world *w)
{
	prep(w->ring, IORING_OP_UNLINKAT, AT_FDCWD, "/dev/shm/link", 0, 1);
}

static void set_up(struct world *w, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	int fd = backend_setup(w->ring->backend, 8, &params);

	if (fd >= 0) {
		close(fd);
		prep_nop(w->ring, 1);
	}
}

static void set_up_plain(struct world *w)
{
	set_up(w, 0);
}

static void set_up_sqpoll(struct world *w)
{
	set_up(w, IORING_SETUP_SQPOLL);
}

static void nop_with_personality(struct world *w)
{
	prep_nop(w->ring, 1)->personality = 1;
}

static const struct scene {
	const char *name;
	void (*prep)(struct world *w);
} scenes[] = {
	{ "set-up", set_up_plain },
	{ "set-up with SQPOLL", set_up_sqpoll },
	{ "NOP", nop },
	{ "NOP with a personality", nop_with_personality },
	{ "READ of a file", read_file },
	{ "WRITE to a file", write_file },
	{ "READ of a socket", read_socket },
	{ "WRITE to a socket", write_socket },
	{ "READ of a pipe", read_pipe },
	{ "WRITE to a pipe", write_pipe },
	{ "READV", readv },
	{ "WRITEV", writev },
	{ "READ_FIXED", read_fixed },
	{ "WRITE_FIXED", write_fixed },
	{ "READV_FIXED", readv_fixed },
	{ "WRITEV_FIXED", writev_fixed },
	{ "READ_MULTISHOT", read_multishot },
	{ "FSYNC", fsync_file },
	{ "FALLOCATE", fallocate_file },
	{ "OPENAT of a new file", openat_new },
	{ "OPENAT of one that there is", openat_old },
	{ "OPENAT2", openat2_old },
	{ "STATX", statx_old },
	{ "FTRUNCATE", ftruncate_file },
	{ "FADVISE", fadvise_file },
	{ "MADVISE", madvise_memory },
	{ "SYNC_FILE_RANGE", sync_range },
	{ "MKDIRAT", mkdirat_new },
	{ "RENAMEAT", renameat_dir },
	{ "UNLINKAT of a directory", unlinkat_dir },
	{ "SYMLINKAT", symlinkat_new },
	{ "LINKAT", linkat_new },
	{ "UNLINKAT", unlinkat_link },
	{ "CLOSE", close_file },
	{ "RECV", recv_tcp },
	{ "RECV that waits", recv_wait },
	{ "RECVMSG", recvmsg_tcp },
	{ "SEND", send_tcp },
	{ "SENDMSG", sendmsg_tcp },
	{ "SEND_ZC", send_zc },
	{ "SENDMSG_ZC", sendmsg_zc },
	{ "SOCKET", socket_tcp },
	{ "BIND of TCP", bind_tcp },
	{ "BIND of UNIX", bind_unix },
	{ "LISTEN", listen_tcp },
	{ "CONNECT of TCP", connect_tcp },
	{ "CONNECT of UNIX", connect_unix },
	{ "ACCEPT", accept_tcp },
	{ "ACCEPT that waits", accept_wait },
	{ "URING_CMD SIOCINQ", cmd_inq },
	{ "URING_CMD GETSOCKOPT", cmd_getsockopt },
	{ "URING_CMD SETSOCKOPT", cmd_setsockopt },
	{ "URING_CMD GETSOCKNAME", cmd_getsockname },
	{ "URING_CMD GETSOCKNAME of the peer", cmd_getpeername },
	{ "POLL_ADD", poll_add },
	{ "POLL_REMOVE", poll_remove },
	{ "TIMEOUT", timeout },
	{ "TIMEOUT_REMOVE", timeout_remove },
	{ "LINK_TIMEOUT", link_timeout },
	{ "ASYNC_CANCEL", async_cancel },
	{ "MSG_RING", msg_ring },
	{ "FILES_UPDATE", files_update },
	{ "FIXED_FD_INSTALL", fixed_fd_install },
	{ "PROVIDE_BUFFERS", provide_buffers },
	{ "REMOVE_BUFFERS", remove_buffers },
	{ "SHUTDOWN", shutdown_tcp },
};

#define NR_SCENES	(sizeof(scenes) / sizeof(scenes[0]))

/* Results that a scene may have besides those that are not negative. */
static bool is_result(const char *name, int res)
{
	return res >= 0 || (res == -ENOENT && (strstr(name, "REMOVE") || strstr(name, "CANCEL"))) ||
	       (res == -ECANCELED && !strcmp(name, "LINK_TIMEOUT")) ||
	       (res == -ETIME && !strcmp(name, "TIMEOUT"));
}

/* What there is to work on, made once for all scenes of a ring. */
static bool make_world(struct world *w, enum backend backend, struct ring *ring)
{
	int files[2] = { -1, -1 };

	memset(w, 0, sizeof(*w));
	w->ring = ring;
	w->ts.tv_nsec = 1000;
	w->len = sizeof(w->name);
	w->iov = (struct iovec){ w->buf, sizeof(w->buf) };
	w->msg = (struct msghdr){ .msg_iov = &w->iov, .msg_iovlen = 1 };
	w->listener = tcp_listen(&w->addr);
	w->file = new_file(false);
	w->path = (struct sockaddr_un){ AF_UNIX, SOCK_FILE };
	unlink(SOCK_FILE);
	w->named = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(w->named, (struct sockaddr *)&w->path, sizeof(w->path)) ||
	    listen(w->named, 4) || tcp_pair(w->tcp) || inet_pair(AF_INET, SOCK_DGRAM, w->udp) ||
	    pipe(w->pipe) || ring_init(ring, backend, 8, DEFER_FLAGS) ||
	    ring_init(&w->other, backend, 8, 0))
		return false;
	files[0] = w->tcp[0];
	return ring_register(ring, IORING_REGISTER_PERSONALITY, NULL, 0) == 1 &&
	       !ring_register(ring, IORING_REGISTER_FILES, files, 2) &&
	       !ring_register(ring, IORING_REGISTER_BUFFERS, &w->iov, 1);
}

/* Do it once; false if that went wrong. */
static bool play(struct world *w, const struct scene *scene, struct counts *counts)
{
	struct io_uring_cqe cqe = {};
	bool well;

	unlink(NEW_FILE);
	unlink("/dev/shm/link2");
	unlink(SOCK_FILE ".2");
	w->free = socket(AF_INET, SOCK_STREAM, 0);
	w->unnamed = socket(AF_UNIX, SOCK_STREAM, 0);
	w->again = dup(w->file);
	if (write(w->pipe[1], w->buf, sizeof(w->buf)) != sizeof(w->buf) ||
	    write(w->tcp[1], w->buf, sizeof(w->buf)) != sizeof(w->buf) ||
	    pwrite(w->file, w->buf, sizeof(w->buf), 0) != sizeof(w->buf))
		return false;
	begin_counting();
	scene->prep(w);
	well = ring_submit(w->ring) >= 0 && !ring_take(w->ring, &cqe) &&
	       is_result(scene->name, cqe.res);
	end_counting(counts);
	if (!well)
		printf("# %s: %d\n", scene->name, cqe.res);
	/* What else a request has to say, as the end of a notification. */
	while (ring_run(w->ring) >= 0 && ring_drain(w->ring))
		;
	close(w->free);
	close(w->unnamed);
	close(w->again);
	return well;
}

static void print_counts(const char *name, const struct counts *counts, FILE *to)
{
	unsigned int i, nr = 0;

	fprintf(to, "%s, ", name);
	for (i = 0; i < NR_HOOKS; i++) {
		if (!counts->calls[i])
			continue;
		fprintf(to, "%s%s", nr++ ? " " : "", hooks[i]);
		if (counts->calls[i] > 1)
			fprintf(to, "×%u", counts->calls[i]);
	}
	fprintf(to, "\n");
}

/* Each scene on both; how many differ. */
static unsigned int play_all(FILE *table)
{
	struct counts counts[2];
	struct world worlds[2];
	struct ring rings[2];
	unsigned int i, differ = 0;

	for (i = 0; i < 2; i++) {
		if (!make_world(&worlds[i], i ? IO_URING : RURING, &rings[i]))
			return 1;
	}
	for (i = 0; i < NR_SCENES; i++) {
		if (!play(&worlds[0], &scenes[i], &counts[0]) ||
		    !play(&worlds[1], &scenes[i], &counts[1])) {
			differ++;
			continue;
		}
		print_counts(scenes[i].name, &counts[0], table);
		if (!memcmp(&counts[0], &counts[1], sizeof(counts[0])))
			continue;
		differ++;
		print_counts("# ruring", &counts[0], stdout);
		printf("# ");
		print_counts(scenes[i].name, &counts[1], stdout);
		fflush(stdout);
	}
	return differ;
}

/* Whether there is the same in both. */
static bool is_same(const char *path, const char *other)
{
	char line[512], wanted[512];
	FILE *f = fopen(path, "r"), *g = fopen(other, "r");
	char *more = NULL;
	bool same = f && g;

	while (same && (more = fgets(line, sizeof(line), f)))
		same = fgets(wanted, sizeof(wanted), g) && !strcmp(line, wanted);
	same = same && !fgets(wanted, sizeof(wanted), g);
	if (!same && more)
		printf("# not in %s: %s", other, line);
	if (f)
		fclose(f);
	if (g)
		fclose(g);
	return same;
}

TEST(each_opcode_calls_what_io_uring_calls)
{
	FILE *table;
	int status;
	pid_t pid;

	if (!trace_mount() || !probe_hooks()) {
		unprobe_hooks();
		SKIP(return, "no hooks on this kernel, or no kprobe events to count them");
	}
	/* Before the fork: a task is audited from its beginning. */
	ASSERT_EQ(0, audit_enable(true));
	table = fopen("build/hooks.csv", "w");
	ASSERT_NE(NULL, table);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "hooks");
		status = play_all(table) != 0;
		fclose(table);
		fflush(stdout);
		_exit(status);
	}
	fclose(table);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	audit_enable(false);
	unprobe_hooks();
	EXPECT_EQ(0, status);
	/* If it is right it goes there: cp build/hooks.csv Documentation/ */
	EXPECT_TRUE(is_same("build/hooks.csv", "Documentation/hooks.csv"));
}

TEST_HARNESS_MAIN
