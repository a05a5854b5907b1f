// SPDX-License-Identifier: GPL-2.0
/*
 * dlsym(): what is loaded at run time has its call sites rewritten when the program
 * first asks for one of its symbols.
 */
#include "preload.h"

#define NEXT		((void *)-1L)

void *next_dlsym;

static void *no_symbol(void)
{
	return NULL;
}

void entry_find_dlsym(void)
{
	static const char *const versions[] = {
		"GLIBC_2.34", "GLIBC_2.2.5", NULL
	};
	unsigned int i;

	for (i = 0; dlvsym && versions[i] && !next_dlsym; i++)
		next_dlsym = dlvsym(NEXT, "dlsym", versions[i]);
	if (!next_dlsym)
		next_dlsym = (void *)no_symbol;
}

/* For calls of other constructors, which may come before ours. */
void asked_for_symbol(void)
{
	if (!next_dlsym)
		entry_find_dlsym();
	else
		text_rewrite();
}
