// SPDX-License-Identifier: GPL-2.0
/* Parameters of the module: what the administrator lets rings have. See policy.rs. */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "policy.h"

/* Lists: what was written last, and what reads them. */
struct list {
	char text[1024];
	int (*set)(const char *value);
};

static int set_list(const char *value, const struct kernel_param *param)
{
	struct list *list = param->arg;
	size_t len = strlen(value);
	int ret;

	if (len >= sizeof(list->text))
		return -EINVAL;
	ret = list->set(value);
	if (!ret) {
		strscpy(list->text, value);
		strim(list->text);
	}
	return ret;
}

static int get_list(char *buffer, const struct kernel_param *param)
{
	const struct list *list = param->arg;

	return sysfs_emit(buffer, "%s\n", list->text);
}

static const struct kernel_param_ops list_ops = {
	.set = set_list,
	.get = get_list,
};

static struct list ops = { "all", ruring_set_ops };
module_param_cb(ops, &list_ops, &ops, 0644);
MODULE_PARM_DESC(ops, "what new rings may have: opcodes and groups (base, rw, net, poll, timer, file, msg, sqpoll, all), with commas; - takes away");

static struct list registers = { "all", ruring_set_registers };
module_param_cb(registers, &list_ops, &registers, 0644);
MODULE_PARM_DESC(registers, "what may be registered with new rings: names and groups (base, files, buffers, pbuf, eventfd, personality, msg, all), with commas; - takes away");

static struct list families = { "all", ruring_set_families };
module_param_cb(families, &list_ops, &families, 0644);
MODULE_PARM_DESC(families, "address families of the sockets that new rings may use: AF_UNIX, AF_INET, and others, by names or numbers, or all; - takes away");

/* Limits: none at first. */
static unsigned int max_entries = U32_MAX;
module_param(max_entries, uint, 0644);
MODULE_PARM_DESC(max_entries, "the most entries that a new ring's SQ ring may have");

static unsigned int max_rings = U32_MAX;
module_param(max_rings, uint, 0644);
MODULE_PARM_DESC(max_rings, "the most rings that a user may have when he makes one more");

static unsigned int max_workers = U32_MAX;
module_param(max_workers, uint, 0644);
MODULE_PARM_DESC(max_workers, "the most workers that a new ring may have");

static unsigned long max_pinned = ULONG_MAX;
module_param(max_pinned, ulong, 0644);
MODULE_PARM_DESC(max_pinned, "the most pages that a user may have locked if a new ring is to pin more");

struct ruring_limits ruring_limits(void)
{
	return (struct ruring_limits) {
		.entries = READ_ONCE(max_entries),
		.rings = READ_ONCE(max_rings),
		.workers = READ_ONCE(max_workers),
		.pinned = READ_ONCE(max_pinned),
	};
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
