// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks of security modules and of audit, which the kernel does not export to modules.
 *
 * They are plain functions of the kernel. One that is exported after all is called by its name. The others are
 * looked up by their names, see symbols.c. Until its hook is found, or if it cannot be, a static call refuses.
 *
 * It is done for these because a module that does what they guard, as this one does with what is exported,
 * would otherwise be a way past them. For the other functions that are found so see unexported.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/static_call.h>

#include "lsm.h"
#include "symbols.h"

/* What is called as long as a hook is not found: what it guards is refused. And if that is not to be. */
#define DEFINE_REFUSED(name, types, names)					\
	static int refused_##name types { return -EOPNOTSUPP; }			\
	static int ignored_##name types { return 0; }
#define DEFINE_NOTHING(name, types, names)					\
	static void refused_##name types { }
RURING_SECURITY_HOOKS(DEFINE_REFUSED)
RURING_AUDIT_HOOKS(DEFINE_NOTHING)

#define DEFINE_CALL(name, types, names)						\
	extern typeof(name) name __weak;					\
	DEFINE_STATIC_CALL(hook_##name, refused_##name);
RURING_SECURITY_HOOKS(DEFINE_CALL)
RURING_AUDIT_HOOKS(DEFINE_CALL)

#define DEFINE_INT(name, types, names)						\
	int ruring_call_##name types						\
	{									\
		return static_call(hook_##name)names;				\
	}
#define DEFINE_VOID(name, types, names)						\
	void ruring_call_##name types						\
	{									\
		static_call(hook_##name)names;					\
	}
RURING_SECURITY_HOOKS(DEFINE_INT)
RURING_AUDIT_HOOKS(DEFINE_VOID)

/* How the administrator wants it, and how it is. */
enum policy { REQUIRE, EXPORTED, IGNORE };
static const char * const policies[] = { "require", "exported", "ignore" };
static unsigned int policy = REQUIRE;

enum origin { MISSING, BY_EXPORT, BY_NAME };
static const char * const origins[] = { "missing", "exported", "found" };

struct hook {
	const char *name;
	void *exported;
	enum origin origin;
};

#define HOOK_ENTRY(name, types, names) { #name, (void *)name, MISSING },
static struct hook hooks[] = {
	RURING_SECURITY_HOOKS(HOOK_ENTRY)
	RURING_AUDIT_HOOKS(HOOK_ENTRY)
	{ }
};

#define NR_HOOKS (ARRAY_SIZE(hooks) - 1)

#define HOOK_INDEX(name, types, names) INDEX_##name,
enum { RURING_SECURITY_HOOKS(HOOK_INDEX) RURING_AUDIT_HOOKS(HOOK_INDEX) };

/* What is missed with a hook. */
static unsigned int missed_with(unsigned int index)
{
	switch (index) {
#ifdef CONFIG_SECURITY_NETWORK
	case INDEX_security_socket_accept:
		return RURING_HOOK_ACCEPT;
	case INDEX_security_socket_bind:
		return RURING_HOOK_BIND;
	case INDEX_security_socket_connect:
		return RURING_HOOK_CONNECT;
	case INDEX_security_socket_listen:
		return RURING_HOOK_LISTEN;
	case INDEX_security_socket_shutdown:
		return RURING_HOOK_SHUTDOWN;
	case INDEX_security_socket_recvmsg:
		/* Nothing is refused: who cannot ask makes an attempt, which does. */
		return RURING_HOOK_RECVMSG;
	case INDEX_security_socket_getsockname:
	case INDEX_security_socket_getpeername:
		return RURING_HOOK_GETNAME;
#endif
#if defined(CONFIG_SECURITY) && defined(CONFIG_IO_URING)
	case INDEX_security_uring_sqpoll:
		return RURING_HOOK_SQPOLL;
	case INDEX_security_uring_override_creds:
		return RURING_HOOK_CREDS;
	case INDEX_security_uring_cmd:
		return RURING_HOOK_CMD;
#endif
#ifdef CONFIG_AUDITSYSCALL
	case INDEX___audit_uring_entry:
	case INDEX___audit_uring_exit:
		return RURING_HOOK_AUDIT;
#endif
	default:
		/* security_uring_allowed(): then it is the device's own permissions that say who may. */
		return 0;
	}
}

unsigned int ruring_find_hooks(void)
{
	struct ruring_symbol found[ARRAY_SIZE(hooks)] = {};
	unsigned int i, missing = 0, nr_missing = 0;

	for (i = 0; i < NR_HOOKS; i++) {
		found[i].name = hooks[i].name;
		found[i].addr = hooks[i].exported;
	}
	if (policy != EXPORTED)
		ruring_find_symbols(found, NR_HOOKS);
	for (i = 0; i < NR_HOOKS; i++) {
		if (found[i].addr) {
			hooks[i].origin = hooks[i].exported ? BY_EXPORT : BY_NAME;
			continue;
		}
		nr_missing++;
		missing |= missed_with(i);
	}

#define UPDATE(name, types, names)						\
	if (found[INDEX_##name].addr)						\
		static_call_update(hook_##name, (typeof(&name))found[INDEX_##name].addr); \
	else if (policy == IGNORE || !missed_with(INDEX_##name))		\
		static_call_update(hook_##name, ignored_##name);
	RURING_SECURITY_HOOKS(UPDATE)
#undef UPDATE
#define UPDATE(name, types, names)						\
	if (found[INDEX_##name].addr)						\
		static_call_update(hook_##name, (typeof(&name))found[INDEX_##name].addr);
	RURING_AUDIT_HOOKS(UPDATE)
#undef UPDATE

	if (!nr_missing)
		return 0;
	if (policy == IGNORE) {
		pr_warn("%u security hooks are missing and not called, as lsm=ignore says\n",
			nr_missing);
		return 0;
	}
	pr_warn("%u security hooks are missing: what they guard is refused (parameter lsm)\n",
		nr_missing);
	return missing;
}

static int set_policy(const char *value, const struct kernel_param *param)
{
	int found = sysfs_match_string(policies, value);

	if (found < 0)
		return found;
	policy = found;
	return 0;
}

static int get_policy(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", policies[policy]);
}

static const struct kernel_param_ops policy_ops = {
	.set = set_policy,
	.get = get_policy,
};
module_param_cb(lsm, &policy_ops, NULL, 0444);
MODULE_PARM_DESC(lsm, "security hooks that cannot be called: \"require\" refuses what they guard (default), \"ignore\" does not; \"exported\" also does not look for those that the kernel does not export");

static int get_hooks(char *buffer, const struct kernel_param *param)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < NR_HOOKS; i++)
		len += sysfs_emit_at(buffer, len, "%s %s\n", hooks[i].name,
				     origins[hooks[i].origin]);
	return len;
}

static const struct kernel_param_ops hooks_ops = {
	.get = get_hooks,
};
module_param_cb(hooks, &hooks_ops, NULL, 0444);
MODULE_PARM_DESC(hooks, "the security hooks that the kernel has, and whether each is called (read only)");
