/* SPDX-License-Identifier: GPL-2.0 */
/* Where functions are that the kernel does not export to modules: see symbols.c. */
#ifndef _RURING_SYMBOLS_H
#define _RURING_SYMBOLS_H

/* A function that is looked for. */
struct ruring_symbol {
	/* NULL for one that is not to be looked for. */
	const char *name;
	/* Where it is, or NULL if it is not found. */
	void *addr;
};

/* Fills in the addresses of @nr functions that have none yet. Called while the module is loaded. May sleep. */
void ruring_find_symbols(struct ruring_symbol *symbols, unsigned int nr);

#endif /* _RURING_SYMBOLS_H */
