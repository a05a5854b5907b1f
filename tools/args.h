/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands on the command line.
 */
#ifndef RURING_TOOLS_ARGS_H
#define RURING_TOOLS_ARGS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "ring.h"

/* The decimal number @text, or exit with a message unless min <= it <= max. */
static inline unsigned long arg_number(const char *option, const char *text,
				       unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' ||
	    value < min || value > max) {
		fprintf(stderr, "--%s: '%s' is not a number from %lu to %lu\n",
			option, text, min, max);
		exit(2);
	}
	return value;
}

/* Which kernel interface @text names, or exit with a message. */
static inline enum ring_backend arg_backend(const char *text)
{
	enum ring_backend backend;

	if (!ring_backend_parse(text, &backend)) {
		fprintf(stderr, "--backend: not ruring or io_uring: %s\n", text);
		exit(2);
	}
	return backend;
}

/* For getopt_long(): --help is no error, and all else is one. */
static inline _Noreturn void arg_usage(int option, const char *usage)
{
	fputs(usage, option == 'h' ? stdout : stderr);
	exit(option == 'h' ? 0 : 2);
}

#endif /* RURING_TOOLS_ARGS_H */
