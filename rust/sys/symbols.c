// SPDX-License-Identifier: GPL-2.0
/*
 * Where functions are that the kernel does not export to modules.
 *
 * Each is looked up once, when the module is loaded, as the address that a probe of its name would have; the
 * probe is never armed. What is found is called by static calls: direct ones, also where indirect ones are
 * checked or costly. Which functions these are, and why each may be called, is said in lsm.c and unexported.c.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/ibt.h>

#include "symbols.h"

#ifdef CONFIG_KPROBES
/* The beginning of the function that @probe is at, or NULL if that is not what it should be. */
static void *function_at(struct kprobe *probe)
{
	char symbol[KSYM_SYMBOL_LEN];
	void *addr = probe->addr;
	size_t len = strlen(probe->symbol_name);
#ifdef CONFIG_X86_KERNEL_IBT
	u32 insn;

	/* The probe is behind the instruction that indirect branches have to meet. */
	if (!get_kernel_nofault(insn, (u32 *)(addr - 4)) && __is_endbr(insn))
		addr -= 4;
#endif
	sprint_symbol(symbol, (unsigned long)addr);
	if (strncmp(symbol, probe->symbol_name, len) || strncmp(symbol + len, "+0x0/", 5))
		return NULL;
	return addr;
}

void ruring_find_symbols(struct ruring_symbol *symbols, unsigned int nr)
{
	struct kprobe **registered = kcalloc(nr, sizeof(*registered), GFP_KERNEL);
	struct kprobe *probes = kcalloc(nr, sizeof(*probes), GFP_KERNEL);
	unsigned int i, nr_registered = 0;

	if (!registered || !probes)
		goto out;
	for (i = 0; i < nr; i++) {
		if (!symbols[i].name || symbols[i].addr)
			continue;
		probes[i].symbol_name = symbols[i].name;
		probes[i].flags = KPROBE_FLAG_DISABLED;
		if (register_kprobe(&probes[i]))
			continue;
		symbols[i].addr = function_at(&probes[i]);
		registered[nr_registered++] = &probes[i];
	}
	/* Waits until nobody looks at them any more: once for all. */
	if (nr_registered)
		unregister_kprobes(registered, nr_registered);
out:
	kfree(probes);
	kfree(registered);
}
#else
void ruring_find_symbols(struct ruring_symbol *symbols, unsigned int nr)
{
}
#endif
