/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers from the command line.
 */
#ifndef RURING_TOOLS_ARGS_H
#define RURING_TOOLS_ARGS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

#endif /* RURING_TOOLS_ARGS_H */
