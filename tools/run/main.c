// SPDX-License-Identifier: GPL-2.0
/*
 * ruring-run PROGRAM [ARG]...: run an io_uring program on ruring.
 *
 * The program runs in the process that was asked to, so that its parent, its
 * number, its terminal and its exit status are what they would be. It is
 * traced by a process that is no child of it, in a session of its own.
 *
 * A seccomp filter stops each thread at the three io_uring calls. The tracer
 * turns each into the ioctl that stands for it, lets the kernel do it, and puts
 * back the registers that a system call must not change. Where io_uring_enter()
 * is called from again and again it then rewrites the program, so that it makes
 * the ioctl without a stop. Nothing but these calls is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "run.h"

struct options opt;
int device_fd;

static const char usage[] =
"usage: ruring-run [OPTION]... PROGRAM [ARG]...\n"
"  --detach     PROGRAM is traced until the places that it makes calls from are rewritten\n"
"  --fallback   a ring that ruring cannot make is made by the kernel's io_uring\n"
"  --no-rewrite leave PROGRAM's instructions alone: each of its calls stops\n"
"  --preload    libruring.so does it in PROGRAM itself, which is not traced\n"
"  --stats      say at the end what PROGRAM did with its rings\n"
"  --help       say this\n";

_Noreturn static void fail(int status, const char *what)
{
	fprintf(stderr, "ruring-run: %s: %s\n", what, strerror(errno));
	exit(status);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "detach",	no_argument, NULL, 'd' },
		{ "fallback",	no_argument, NULL, 'f' },
		{ "no-rewrite",	no_argument, NULL, 'n' },
		{ "preload",	no_argument, NULL, 'p' },
		{ "stats",	no_argument, NULL, 's' },
		{ "help",	no_argument, NULL, 'h' },
		{ }
	};
	int c;

	/* "+": what follows the program's name is the program's. */
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			opt.detach = true;
			break;
		case 'f':
			opt.fallback = true;
			break;
		case 'n':
			opt.no_rewrite = true;
			break;
		case 'p':
			opt.preload = true;
			break;
		case 's':
			opt.stats = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(EXIT_FAILED);
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		exit(EXIT_FAILED);
	}
	if (opt.detach && (opt.preload || opt.stats || opt.no_rewrite)) {
		fputs("ruring-run: --detach goes with none of --preload, --stats and --no-rewrite\n",
		      stderr);
		exit(EXIT_FAILED);
	}
	if (opt.preload && (opt.stats || opt.no_rewrite)) {
		fputs("ruring-run: --stats and --no-rewrite are for programs that are traced\n",
		      stderr);
		exit(EXIT_FAILED);
	}
}

/* Stop the three calls, see filter.c. */
static int install_filter(void)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog program = { .filter = code };

	program.len = filter_write(code, opt.trap);

	if (!syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 0;
	/* Only who may not gain privileges may filter without having them. */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* Move @fd out of the way of the descriptors that are about to be chosen. */
static int out_of_the_way(int fd)
{
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 5);
	if (fd < 0)
		_exit(EXIT_FAILED);
	return fd;
}

/* Keep no file, terminal or directory of the program's from its owner. */
static void detach_tracer(int *ready)
{
	int null;

	setsid();
	if (chdir("/"))
		_exit(EXIT_FAILED);
	device_fd = out_of_the_way(device_fd);
	*ready = out_of_the_way(*ready);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		_exit(EXIT_FAILED);
	null = out_of_the_way(null);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!opt.stats)
		dup2(null, STDERR_FILENO);
	/* Nothing else stays but the device and the pipe. */
	device_fd = dup2(device_fd, 3);
	*ready = dup2(*ready, 4);
	close_range(5, ~0U, 0);
}

_Noreturn static void run_tracer(pid_t leader, int go, int ready)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
			     PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE;
	int err = 0;
	char c;

	/* The leader has to allow us to trace it, and says when it has. */
	if (read(go, &c, 1) != 1)
		_exit(EXIT_FAILED);
	if (ptrace(PTRACE_SEIZE, leader, NULL, options))
		err = errno;
	detach_tracer(&ready);
	if (write(ready, &err, sizeof(err)) != sizeof(err) || err)
		_exit(EXIT_FAILED);
	close(ready);
	if (opt.stats)
		stats_start();
	trace(leader);
	_exit(0);
}

/* Start a process that is no child of ours, and have it trace us. */
static void start_tracer(void)
{
	pid_t leader = getpid(), child, tracer;
	int go[2], ready[2], err;

	if (pipe2(go, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		fail(EXIT_FAILED, "pipe");
	child = fork();
	if (child < 0)
		fail(EXIT_FAILED, "fork");
	if (!child) {
		/* So that the tracer hears it if we are killed before we tell it to go. */
		close(go[1]);
		close(ready[0]);
		tracer = fork();
		if (!tracer)
			run_tracer(leader, go[0], ready[1]);
		err = write(ready[1], &tracer, sizeof(tracer));
		_exit(err < 0);
	}
	close(ready[1]);
	if (read(ready[0], &tracer, sizeof(tracer)) != sizeof(tracer) ||
	    tracer < 0)
		fail(EXIT_FAILED, "cannot start the tracer");
	waitpid(child, NULL, 0);

	/* Where Yama is in force, only who is named may trace us. */
	prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
	errno = EPIPE;
	if (write(go[1], "", 1) != 1 ||
	    read(ready[0], &err, sizeof(err)) != sizeof(err))
		fail(EXIT_FAILED, "the tracer did not start");
	if (err) {
		errno = err;
		fail(EXIT_FAILED, "cannot trace");
	}
	prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	close(go[0]);
	close(go[1]);
	close(ready[0]);
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);

	device_fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (device_fd < 0) {
		fprintf(stderr, "ruring-run: %s: %s%s\n", DEVICE,
			strerror(errno), errno == ENOENT ?
			" (the ruring module is not loaded)" : "");
		return EXIT_NOT_FOUND;
	}

	if (opt.preload && preload(argv[optind])) {
		close(device_fd);
	} else {
		check_filters();
		start_tracer();
		close(device_fd);
		if (!opt.detach && install_filter())
			fail(EXIT_FAILED, "seccomp");
	}
	execvp(argv[optind], argv + optind);
	fail(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN, argv[optind]);
}
