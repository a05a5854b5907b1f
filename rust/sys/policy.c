// SPDX-License-Identifier: GPL-2.0
/* Parameters of the module: what the administrator lets rings have. See policy.rs. */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "policy.h"

static char ops[1024] = "all";

static int set_ops(const char *value, const struct kernel_param *param)
{
	size_t len = strlen(value);
	int ret;

	if (len >= sizeof(ops))
		return -EINVAL;
	ret = ruring_set_ops(value);
	if (!ret) {
		strscpy(ops, value);
		strim(ops);
	}
	return ret;
}

static int get_ops(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", ops);
}

static const struct kernel_param_ops ops_ops = {
	.set = set_ops,
	.get = get_ops,
};
module_param_cb(ops, &ops_ops, NULL, 0644);
MODULE_PARM_DESC(ops, "what new rings may have: opcodes and groups (base, rw, net, poll, timer, file, msg, sqpoll, all), with commas; - takes away");

static unsigned int max_entries = U32_MAX;
module_param(max_entries, uint, 0644);
MODULE_PARM_DESC(max_entries, "the most entries that a new ring's SQ ring may have");

unsigned int ruring_max_entries(void)
{
	return READ_ONCE(max_entries);
}

static bool enabled = true;

static int set_enabled(const char *value, const struct kernel_param *param)
{
	int ret = param_set_bool(value, param);

	if (!ret)
		ruring_set_enabled(enabled);
	return ret;
}

static const struct kernel_param_ops enabled_ops = {
	.set = set_enabled,
	.get = param_get_bool,
};
module_param_cb(enabled, &enabled_ops, &enabled, 0644);
MODULE_PARM_DESC(enabled, "whether there may be rings; N ends all that there are");
