/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Want of memory, and memory of the user's that cannot be reached, at every place where a call
 * asks for it: each fails once. This takes a kernel with fault injection, as the debug kernel is.
 *
 * Places that are not ruring's own fail too: of the network stack, and of the debug kernel's
 * means, as kmemleak, which makes do. A call that succeeds nevertheless is as good as one that does
 * not.
 */
#ifndef SELFTESTS_FAILNTH_H
#define SELFTESTS_FAILNTH_H

#include <dirent.h>
#include <linux/kcov.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "rsrc.h"
#include "system.h"

/* A case has up to 200 places, and the kernel writes a trace of each to its log. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 500

/* More places than any call has. */
#define MANY	2000
#define GROUP	3

static int nth_fd = -1;

static inline bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

/* Have what waits for memory fail too, and quietly. */
static inline bool can_fail(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return nth_fd >= 0 &&
	       put_text("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") &&
	       put_text("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N") &&
	       put_text("/sys/kernel/debug/fail_page_alloc/min-order", "0") &&
	       put_text("/sys/kernel/debug/failslab/verbose", "0") &&
	       put_text("/sys/kernel/debug/fail_page_alloc/verbose", "0") &&
	       put_text("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

/* The @n-th place from here on fails. */
static inline bool arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(nth_fd, text, len, 0) == len;
}

/* No more. Whether it has come to that. */
static inline bool disarm(void)
{
	char text[16] = {};
	/* These two calls have such places themselves. */
	bool left = pread(nth_fd, text, sizeof(text) - 1, 0) < 0 || atoi(text) > 0;

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	return !left;
}

/*
 * kmemleak says once, with a lock of its own held that the console needs in other places, that it cannot
 * note what is in a stack. Have it said where nobody prints it: no report of that is ruring's.
 */
__attribute__((constructor)) static void have_kmemleak_say_it(void)
{
	int kcov[120];
	unsigned int i;

	if (!can_fail())
		return;
	put_text("/proc/sys/kernel/printk", "1");
	put_text("/sys/module/printk/parameters/ignore_loglevel", "N");
	/*
	 * It is said of areas of vmalloc(), of which KCOV takes one when it is asked to. The areas are kept until
	 * the end, and are of many sizes, so that none is one that there was.
	 */
	for (i = 0; i < ARRAY_SIZE(kcov); i++) {
		kcov[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		arm(i % 20 + 1);
		ioctl(kcov[i], KCOV_INIT_TRACE, 256UL * (i + 1));
		disarm();
	}
	for (i = 0; i < ARRAY_SIZE(kcov); i++)
		close(kcov[i]);
	put_text("/sys/module/printk/parameters/ignore_loglevel", "Y");
	close(nth_fd);
}

static inline unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

struct before {
	unsigned int files;
	long long pins;
	long long refs;
};

static inline bool is_as_before(void *arg)
{
	struct before *b = arg;

	return open_files() == b->files && pinned_pages() <= b->pins && module_users() <= b->refs;
}

/* Nothing has stayed behind of what was there @before. */
#define ASSERT_AS_BEFORE(before)							\
	ASSERT_TRUE(wait_until(is_as_before, &(before))) {				\
		TH_LOG("%u of %u files, %lld of %lld pins, %lld of %lld references",	\
		       open_files(), (before).files, pinned_pages(), (before).pins,	\
		       module_users(), (before).refs);					\
	}

#endif /* SELFTESTS_FAILNTH_H */
