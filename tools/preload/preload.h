/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libruring.so: io_uring's calls of a program on ruring, for LD_PRELOAD.
 *
 *	main.c		the library's start, its device and its options
 *	text.c		finds call sites in the program's text, and rewrites them
 *	entry.S		where rewritten calls arrive, and dlsym()
 *	symbol.c	what dlsym() does before it is the C library's
 *	calls.c		the calls that are more than an ioctl
 *	ringfd.c	registered ring descriptors
 *	../run/code.c, ../run/stub_code.c	what is shared with ruring-run
 *
 * It does not use the C library: it comes before everything else in the
 * program, must not change errno, and is run on stacks and in threads of whose
 * state nothing is known. It makes system calls by itself, uses no register but
 * the general ones, and allocates nothing.
 *
 * Functions return a negative errno on failure.
 */
#ifndef RURING_PRELOAD_H
#define RURING_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <link.h>
#include <linux/types.h>

#define DEVICE		"/dev/ruring"

/* Descriptors from here on are rarely the lowest free one. */
#define HIGH_FD		960

#define HIDDEN		__attribute__((visibility("hidden")))

/* The arguments of a call, as entry.S leaves them on the stack. */
struct call {
	long nr;
	long args[6];
};

/* main.c */
extern HIDDEN bool fallback;	/* a ring that ruring cannot make is io_uring's */
extern HIDDEN bool has_device;
/* Make a ring: its descriptor. */
HIDDEN long device_setup(const void *setup);
HIDDEN long device_register(const void *reg);
HIDDEN void complain(const char *what);

/* text.c */
/*
 * Rewrite the call sites of all text that has come since it was last called; does
 * nothing if there is no device.
 */
HIDDEN void text_rewrite(void);

/* entry.S */
extern HIDDEN const char process_entry[];

/* symbol.c */
extern HIDDEN void *next_dlsym;	/* the C library's */
HIDDEN void asked_for_symbol(void);
/* Finds the C library's dlsym(), which ours stands before. */
HIDDEN void entry_find_dlsym(void);

/* calls.c */
HIDDEN long call_made(const struct call *call);
/* Is it this kind of anonymous file? */
HIDDEN bool fd_is(int fd, const char *kind);
/* From or to the program's memory. */
HIDDEN long copy(void *to, const void *from, size_t len, bool to_program);

/* ringfd.c */
/* The thread has a ring, and may use indices from now on. */
HIDDEN void ring_fds_begin(void);
HIDDEN long ring_fds_register(long arg, unsigned int nr);
HIDDEN long ring_fds_unregister(long arg, unsigned int nr);
/* Register one ring, wherever there is room: its index. */
HIDDEN long ring_fds_add(int fd);
/* The descriptor of a registered ring. */
HIDDEN long ring_fds_lookup(unsigned int index);

/* Of the C library; there may be none that has them. */
extern void *dlvsym(void *handle, const char *name, const char *version);
extern int __cxa_thread_atexit_impl(void (*function)(void *object), void *object,
				    void *dso);
extern int __register_atfork(void (*prepare)(void), void (*parent)(void),
			     void (*child)(void), void *dso);
#pragma weak dlvsym
#pragma weak dl_iterate_phdr
#pragma weak __cxa_thread_atexit_impl
#pragma weak __register_atfork

static inline long raw_call(long nr, long a, long b, long c, long d, long e,
			    long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b), "d" (c), "r" (r10),
		       "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#endif /* RURING_PRELOAD_H */
