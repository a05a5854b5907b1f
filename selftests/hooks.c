// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks of security modules and of audit: each opcode calls those that
 * io_uring calls for it, as often.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"
#include "hooks.h"
#include "hooks_scenes.h"

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
	"security_inode_init_security_anon",
	"__audit_uring_entry",
	"__audit_uring_exit",
};

#define NR_HOOKS	(ARRAY_SIZE(hooks))

/* What is before the name of who called one in its record, and before what audit is told. */
#define NAME_FIELD	" name=\""
#define TOLD_FIELD	" told="

/* How often each was called, and what audit was told, in order: opcodes, whether it is done, and the result. */
struct counts {
	unsigned int calls[NR_HOOKS];
	char told[256];
};

/* Open all the time, so that a switch costs one hook: that of the write that ends it. */
static int tracing_on;

static unsigned int switched_off;

void count(bool on)
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

/*
 * By the test's thread, or by one that works for it: not by that of SQPOLL, which
 * for io_uring gets ready to be audited, and submits nothing itself for ruring.
 * The name is the one that each record has of its own: what the tracer has learnt of
 * others' names may be nothing, or of a task before.
 */
static bool is_ours(const char *line)
{
	static const char * const names[] = { "hooks\"", "ruring-wrk\"", "iou-wrk-" };
	const char *name = strstr(line, NAME_FIELD);
	unsigned int i;

	if (!name)
		return false;
	name += strlen(NAME_FIELD);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static void note_told(struct counts *counts, char *line)
{
	char *told = strstr(line, TOLD_FIELD);
	size_t len = strlen(counts->told);

	if (!told)
		return;
	told[strcspn(told, "\n")] = 0;
	snprintf(counts->told + len, sizeof(counts->told) - len, "%s", told + strlen(TOLD_FIELD) - 1);
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
		if (!is_ours(line))
			continue;
		for (i = 0; i < NR_HOOKS; i++) {
			snprintf(name, sizeof(name), " %s: (", hooks[i]);
			if (strstr(line, name))
				counts->calls[i]++;
		}
		note_told(counts, line);
	}
	if (f)
		fclose(f);
	for (i = 0; i < NR_HOOKS; i++) {
		if (!strcmp(hooks[i], "security_file_permission"))
			counts->calls[i] -= switched_off;
	}
}

/* What a call says besides its name. */
static const char *told_by(const char *hook)
{
	if (!strcmp(hook, "__audit_uring_entry"))
		return TOLD_FIELD "%di:u8";
	if (!strcmp(hook, "__audit_uring_exit"))
		return TOLD_FIELD "%di:s32 code=%si:s64";
	return "";
}

static bool probe_hooks(void)
{
	unsigned int i, missing = 0;
	char line[128];

	for (i = 0; i < NR_HOOKS; i++) {
		snprintf(line, sizeof(line), "p:hooks/%s %s name=$comm%s", hooks[i], hooks[i],
			 told_by(hooks[i]));
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

/* Results that a scene may have besides those that are not negative. */
static bool is_result(const char *name, int res)
{
	return res >= 0 || (res == -ENOENT && (strstr(name, "REMOVE") || strstr(name, "CANCEL"))) ||
	       (res == -ECANCELED && !strcmp(name, "LINK_TIMEOUT")) ||
	       (res == -ETIME && !strcmp(name, "TIMEOUT"));
}

/* The opcodes that some scene has had a request of. */
static bool played[IORING_OP_LAST];

static void note_opcodes(const struct ring *r, unsigned int first)
{
	unsigned int i;

	for (i = first; i != r->prepared; i++)
		played[r->sqes[i & (r->params.sq_entries - 1)].opcode] = true;
}

/* How many there are that no scene has: those of entries of 128 bytes are the same as those of 64. */
static unsigned int not_played(struct ring *r)
{
	unsigned int op, nr = 0;

	for (op = 0; op < IORING_OP_LAST; op++) {
		if (played[op] || op == IORING_OP_NOP128 || op == IORING_OP_URING_CMD128 ||
		    !ring_op_supported(r, op))
			continue;
		printf("# no scene has opcode %u\n", op);
		nr++;
	}
	return nr;
}

/* Do it once; false if that went wrong. */
static bool play(struct world *w, const struct scene *scene, struct counts *counts)
{
	struct io_uring_cqe cqe = {};
	unsigned int first;
	bool well;

	if (!prepare(w, scene))
		return false;
	begin_counting();
	first = w->ring->prepared;
	scene->prep(w);
	note_opcodes(w->ring, first);
	well = ring_submit(w->ring) >= 0 && !ring_take(w->ring, &cqe) &&
	       is_result(scene->name, cqe.res) && w->waited;
	end_counting(counts);
	if (!well)
		printf("# %s: %d\n", scene->name, cqe.res);
	/* What else a request has to say, as the end of a notification. */
	while (ring_run(w->ring) >= 0 && ring_drain(w->ring))
		;
	end_scene(w);
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
	if (to == stdout)
		fprintf(to, " (audit:%s)", counts->told);
	fprintf(to, "\n");
}

/* Whether ruring called what io_uring called, as often. */
static bool is_as_often(const struct counts *ours, const struct counts *theirs)
{
	unsigned int i;

	for (i = 0; i < NR_HOOKS; i++) {
		if (ours->calls[i] != theirs->calls[i])
			return false;
	}
	return !strcmp(ours->told, theirs->told);
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
		if (is_as_often(&counts[0], &counts[1]))
			continue;
		differ++;
		print_counts("# ruring", &counts[0], stdout);
		printf("# ");
		print_counts(scenes[i].name, &counts[1], stdout);
		fflush(stdout);
	}
	return differ + not_played(&rings[0]);
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
