/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is used of the plugin interface of qemu's emulator. Its own header comes
 * with qemu's source only.
 */
#ifndef RURING_BENCH_QEMU_PLUGIN_H
#define RURING_BENCH_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_info;
typedef uint64_t plugin_id;
typedef uint32_t qemu_plugin_meminfo;

/* Which accesses of an instruction are told. */
enum plugin_access {
	PLUGIN_READ	= 1,
	PLUGIN_WRITE	= 2,
};

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t i);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo info,
						  uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *where);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *where);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
		void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
		void (*cb)(unsigned int vcpu, void *data), int flags,
		void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int vcpu, void *data), int flags,
		void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int vcpu, qemu_plugin_meminfo info,
			   uint64_t vaddr, void *data),
		int flags, enum plugin_access access, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id,
		void (*cb)(plugin_id id, void *data), void *data);

/* An instruction's first bytes. */
#if PLUGIN_VERSION >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to,
			     size_t size);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#endif

static inline void plugin_insn_code(const struct qemu_plugin_insn *insn,
				    void *to, size_t size)
{
#if PLUGIN_VERSION >= 3
	qemu_plugin_insn_data(insn, to, size);
#else
	size_t has = qemu_plugin_insn_size(insn);

	memcpy(to, qemu_plugin_insn_data(insn), has < size ? has : size);
#endif
}

/* What qemu looks for in a plugin. */
extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv);

#endif /* RURING_BENCH_QEMU_PLUGIN_H */
