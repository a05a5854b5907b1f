// SPDX-License-Identifier: GPL-2.0
/*
 * What AppArmor denies: each request of hooks_scenes.h under profiles that allow less and less, on
 * ruring and on io_uring, with the same answers. It has to be switched on when the machine is booted, for
 * which selftests/run gives this program a machine of its own, and its policy is compiled by its own parser,
 * from the directory that RURING_OTHERS names.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "check.h"
#include "hooks_scenes.h"
#include "system.h"

/* Each scene makes rings on the kernel that is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 280

#define SECURITYFS	"/sys/kernel/security"

/*
 * Each allows all that the others take away. Who is confined may always go back: what a scene
 * needs is got ready by somebody who is not.
 */
#define PROFILE(name, rules)						\
	"profile " name " {\n"						\
	"  capability,\n  unix,\n  signal,\n"				\
	"  change_profile -> *,\n"					\
	rules								\
	"}\n"

#define FILES		"  file,\n"
#define NET		"  network,\n"
#define RINGS		"  io_uring,\n"

static const char policy[] =
	PROFILE("ruring-all", FILES NET RINGS)
	PROFILE("ruring-no-rings", FILES NET)
	PROFILE("ruring-no-files", "  /proc/** rw,\n" NET RINGS)
	PROFILE("ruring-no-names", FILES RINGS "  network (send, receive),\n")
	PROFILE("ruring-no-data", FILES RINGS
		"  network (create, bind, listen, connect, accept, shutdown, getattr, setattr, getopt, setopt),\n");

/* The profiles, and for each what it has to deny at least: names of scenes. */
static const struct {
	const char *profile;
	const char *denied[14];
} confinements[] = {
	{ "ruring-all", {} },
	{ "ruring-no-rings", { "set-up with SQPOLL", "NOP with a personality" } },
	{ "ruring-no-files", { "OPENAT of a new file", "OPENAT of one that there is", "OPENAT2", "MKDIRAT",
			       "RENAMEAT", "UNLINKAT", "UNLINKAT of a directory", "SYMLINKAT", "LINKAT",
			       "BIND of UNIX" } },
	{ "ruring-no-names", { "SOCKET", "BIND of TCP", "LISTEN", "CONNECT of TCP", "ACCEPT", "ACCEPT that waits",
			       "SHUTDOWN", "URING_CMD GETSOCKOPT", "URING_CMD SETSOCKOPT",
			       "URING_CMD GETSOCKNAME", "URING_CMD GETSOCKNAME of the peer" } },
	{ "ruring-no-data", { "RECV", "RECV that waits", "multishot RECV that waits", "RECVMSG", "RECVMSG that waits",
			      "multishot RECVMSG that waits", "SEND", "SENDMSG", "SEND_ZC", "SENDMSG_ZC",
			      "READ of a socket", "READ of a socket that waits", "WRITE to a socket" } },
};

static const char *confined_by;

static void confine(const char *profile)
{
	char line[64];

	snprintf(line, sizeof(line), "changeprofile %s", profile);
	if (write_to("/proc/self/attr/apparmor", "current", line))
		printf("# cannot become %s: %s\n", profile, strerror(errno));
}

void count(bool on)
{
	confine(on ? confined_by : "unconfined");
}

/* The parser is of a newer distribution than the machine may be: with its own linker and libraries. */
static int load_policy(const char *root)
{
	char parser[512], linker[512], libraries[512];
	int ends[2], status;
	pid_t pid;

	snprintf(parser, sizeof(parser), "%s/usr/sbin/apparmor_parser", root);
	snprintf(linker, sizeof(linker), "%s/usr/lib64/ld-linux-x86-64.so.2", root);
	snprintf(libraries, sizeof(libraries), "%s/usr/lib/x86_64-linux-gnu", root);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		execl(linker, linker, "--library-path", libraries, parser, "--config-file", "/dev/null",
		      "--policy-features", SECURITYFS "/apparmor/features",
		      "--replace", "--skip-cache", NULL);
		_exit(127);
	}
	close(ends[0]);
	if (write(ends[1], policy, strlen(policy)) != (ssize_t)strlen(policy))
		printf("# not all of the policy was read\n");
	close(ends[1]);
	waitpid(pid, &status, 0);
	return status;
}

/* What a scene's request ends with under @profile, in a world of its own. */
static int result_under(const char *profile, const struct scene *scene, enum backend backend)
{
	struct io_uring_cqe cqe = { .res = -ENOTRECOVERABLE };
	struct ring ring;
	struct world w;
	int backlog = -1;

	if (!make_world(&w, backend, &ring) || !prepare(&w, scene))
		return -ENOTRECOVERABLE;
	if (!strcmp(scene->name, "ACCEPT"))
		backlog = tcp_connect(&w.addr);
	confined_by = profile;
	count(true);
	scene->prep(&w);
	if (ring_submit(&ring) < 0 || ring_take(&ring, &cqe))
		printf("# %s: there is no answer\n", scene->name);
	count(false);
	while (ring_run(&ring) >= 0 && ring_drain(&ring))
		;
	end_scene(&w);
	end_world(&w);
	close(backlog);
	return cqe.res;
}

static bool is_to_be_denied(const char * const denied[], const char *name)
{
	unsigned int i;

	for (i = 0; denied[i]; i++) {
		if (!strcmp(denied[i], name))
			return true;
	}
	return false;
}

/* How many scenes end otherwise than they have to. */
static unsigned int play_under(const char *profile, const char * const denied[])
{
	unsigned int i, wrong = 0;

	for (i = 0; i < NR_SCENES; i++) {
		const struct scene *scene = &scenes[i];
		int ours = result_under(profile, scene, RURING);
		int theirs = result_under(profile, scene, IO_URING);

		if ((ours < 0 || theirs < 0 ? ours == theirs : true) &&
		    is_to_be_denied(denied, scene->name) == (ours == -EACCES))
			continue;
		printf("# %s, %s: %d, io_uring %d\n", profile, scene->name, ours, theirs);
		wrong++;
	}
	fflush(stdout);
	return wrong;
}

FIXTURE(apparmor) {
};

FIXTURE_VARIANT(apparmor) {
	unsigned int confinement;
};

FIXTURE_VARIANT_ADD(apparmor, everything) { .confinement = 0 };
FIXTURE_VARIANT_ADD(apparmor, no_rings) { .confinement = 1 };
FIXTURE_VARIANT_ADD(apparmor, no_files) { .confinement = 2 };
FIXTURE_VARIANT_ADD(apparmor, no_names) { .confinement = 3 };
FIXTURE_VARIANT_ADD(apparmor, no_data) { .confinement = 4 };

FIXTURE_SETUP(apparmor)
{
	const char *root = getenv("RURING_OTHERS");

	if (access(SECURITYFS "/apparmor", F_OK))
		mount("securityfs", SECURITYFS, "securityfs", 0, NULL);
	if (access(SECURITYFS "/apparmor", F_OK))
		SKIP(return, "AppArmor is not switched on");
	if (!root)
		SKIP(return, "RURING_OTHERS does not say where AppArmor's parser is");
	ASSERT_EQ(0, load_policy(root));
}

FIXTURE_TEARDOWN(apparmor)
{
}

TEST_F(apparmor, each_opcode_is_denied_what_io_uring_is)
{
	const char * const *denied = confinements[variant->confinement].denied;

	EXPECT_EQ(0, play_under(confinements[variant->confinement].profile, denied));
}

TEST_HARNESS_MAIN
