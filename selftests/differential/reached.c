// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the module were reached, by whomever: a task, a worker, a
 * thread of SQPOLL or an interrupt. The kernel's own KCOV tells of one task at
 * a time. Only in the module that selftests/differential/coverage builds, whose
 * blocks count themselves.
 *
 * /sys/module/ruring/parameters/reached says how many have been reached. What is
 * written there is the name of a file that all counters are written to, as a raw
 * profile, which llvm-profdata(1) reads.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#define RAW_MAGIC	0xff6c70726f667281ULL
#define RAW_VERSION	10
/* Of a function's record in the profile. */
#define RECORD_SIZE	64
/* The last kind of values that a profile may have besides. */
#define LAST_KIND	2

/* By reached.lds. */
extern u64 ruring_counters[], ruring_counters_end[];
extern char ruring_records[], ruring_records_end[];
extern char ruring_names[], ruring_names_end[];

static int tell(char *to, const struct kernel_param *param)
{
	unsigned int nr = 0;
	const u64 *counter;

	for (counter = ruring_counters; counter < ruring_counters_end; counter++)
		nr += READ_ONCE(*counter) != 0;
	return sprintf(to, "%u\n", nr);
}

static int write_out(const char *name, const struct kernel_param *param)
{
	const u64 header[] = {
		RAW_MAGIC, RAW_VERSION, 0,
		(ruring_records_end - ruring_records) / RECORD_SIZE, 0,
		ruring_counters_end - ruring_counters, 0, 0, 0,
		ruring_names_end - ruring_names,
		(unsigned long)ruring_counters - (unsigned long)ruring_records, 0,
		(unsigned long)ruring_names, 0, 0, LAST_KIND,
	};
	const struct {
		const void *from;
		size_t size;
	} parts[] = {
		{ header, sizeof(header) },
		{ ruring_records, ruring_records_end - ruring_records },
		{ ruring_counters, (char *)ruring_counters_end - (char *)ruring_counters },
		{ ruring_names, ruring_names_end - ruring_names },
		/* to a multiple of eight */
		{ "\0\0\0\0\0\0\0", -(ruring_names_end - ruring_names) & 7 },
	};
	struct file *file = filp_open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t ret = 0;
	loff_t pos = 0;
	size_t i;

	if (IS_ERR(file))
		return PTR_ERR(file);
	for (i = 0; i < ARRAY_SIZE(parts) && ret >= 0; i++)
		ret = kernel_write(file, parts[i].from, parts[i].size, &pos);
	filp_close(file, NULL);
	return ret < 0 ? ret : 0;
}

static const struct kernel_param_ops ops = { .get = tell, .set = write_out };

module_param_cb(reached, &ops, NULL, 0600);
