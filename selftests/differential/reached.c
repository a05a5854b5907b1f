// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the module were reached, by whomever: a task, a worker, a
 * thread of SQPOLL or an interrupt. The kernel's own KCOV tells of one task at
 * a time. Only in the module that selftests/differential/coverage builds, and
 * not instrumented itself.
 *
 * /sys/module/ruring/parameters/reached says how many they are. What is written
 * there is the name of a file that they are written to, a line each; the first one
 * is where that function is.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

/* By where in the module's text they call this file's function. */
static u8 reached[4 << 20];
static unsigned int nr_reached;

void __sanitizer_cov_trace_pc(void);

static __always_inline unsigned long text_offset(unsigned long address)
{
	return address - (unsigned long)THIS_MODULE->mem[MOD_TEXT].base;
}

void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long at = text_offset(_RET_IP_);

	if (at >= sizeof(reached) || READ_ONCE(reached[at]))
		return;
	WRITE_ONCE(reached[at], 1);
	nr_reached++;
}

static int tell(char *to, const struct kernel_param *param)
{
	return sprintf(to, "%u\n", nr_reached);
}

static int write_out(const char *name, const struct kernel_param *param)
{
	struct file *file = filp_open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t ret = 0;
	loff_t pos = 0;
	char line[16];
	size_t at = text_offset((unsigned long)__sanitizer_cov_trace_pc);

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = kernel_write(file, line, sprintf(line, "%zx\n", at), &pos);
	for (at = 0; at < sizeof(reached) && ret >= 0; at++)
		if (READ_ONCE(reached[at]))
			ret = kernel_write(file, line, sprintf(line, "%zx\n", at), &pos);
	filp_close(file, NULL);
	return ret < 0 ? ret : 0;
}

static const struct kernel_param_ops ops = { .get = tell, .set = write_out };

module_param_cb(reached, &ops, NULL, 0600);
