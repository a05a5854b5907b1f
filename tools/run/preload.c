// SPDX-License-Identifier: GPL-2.0
/*
 * --preload: libruring.so does it, in the program itself.
 *
 * Programs that it does not reach are traced instead: what is linked statically,
 * and what gains privileges, for which the dynamic linker preloads nothing.
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "run.h"

#define LIBRARY		"libruring.so"

/* How many interpreters a script may have, one after the other. */
#define MAX_SCRIPTS	4

/* Where the library is, beside the runner or installed: true if it is there. */
static bool find_library(char path[PATH_MAX])
{
	static const char *const places[] = { "", LIBDIR };
	char self[PATH_MAX] = "", *end;
	unsigned int i;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	end = strrchr(self, '/');
	if (end)
		*end = '\0';
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (snprintf(path, PATH_MAX, "%s/" LIBRARY,
			     *places[i] ? places[i] : self) < PATH_MAX &&
		    !access(path, R_OK))
			return true;
	}
	return false;
}

static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH"), *end;

	if (strchr(name, '/'))
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	for (; dirs; dirs = *end ? end + 1 : NULL) {
		end = strchrnul(dirs, ':');
		if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - dirs),
			     end == dirs ? "." : dirs, name) < PATH_MAX &&
		    !access(path, X_OK))
			return true;
	}
	return false;
}

/* Is there an interpreter among the program headers? */
static bool is_dynamic(int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr segment;
	unsigned int i;

	for (i = 0; i < header->e_phnum; i++) {
		if (pread(fd, &segment, sizeof(segment), header->e_phoff +
			  i * sizeof(segment)) != sizeof(segment))
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* The program that interprets this script, "#!PROGRAM ARGUMENT", goes to @path. */
static bool interpreter(char *line, char path[PATH_MAX])
{
	char *name = line + 2 + strspn(line + 2, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	return *name && snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
}

/* Why the library does not reach the program, or NULL. */
static const char *unreached(char path[PATH_MAX], unsigned int scripts)
{
	union {
		Elf64_Ehdr elf;
		char text[256];
	} head = { };
	const char *why = NULL;
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* What cannot be read is for execve() to judge. */
	if (fd < 0)
		return NULL;
	if (fstat(fd, &stat))
		stat.st_mode = 0;
	if (read(fd, &head, sizeof(head) - 1) < 0)
		head.text[0] = '\0';
	if (stat.st_mode & (S_ISUID | S_ISGID))
		why = "gains privileges";
	else if (!memcmp(head.text, "#!", 2) && scripts &&
		 interpreter(head.text, path))
		why = unreached(path, scripts - 1);
	else if (!memcmp(head.elf.e_ident, ELFMAG, SELFMAG) &&
		 head.elf.e_ident[EI_CLASS] == ELFCLASS64 &&
		 !is_dynamic(fd, &head.elf))
		why = "is linked statically";
	close(fd);
	return why;
}

/* In front of what is to be preloaded anyway. */
static bool put_library(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *value;
	bool done;

	if (asprintf(&value, "%s%s%s", library, others && *others ? ":" : "",
		     others ? others : "") < 0)
		return false;
	done = !setenv("LD_PRELOAD", value, 1);
	free(value);
	return done;
}

bool preload(const char *program)
{
	char library[PATH_MAX], path[PATH_MAX];
	const char *why;

	if (!find_library(library)) {
		fprintf(stderr, "ruring-run: " LIBRARY
			" is not there: %s is traced\n", program);
		return false;
	}
	why = find_program(program, path) ? unreached(path, MAX_SCRIPTS) : NULL;
	if (why) {
		fprintf(stderr, "ruring-run: %s %s, so that nothing can be preloaded: it is traced\n",
			program, why);
		return false;
	}
	if (opt.fallback && setenv("RURING_FALLBACK", "1", 1))
		return false;
	return put_library(library);
}
