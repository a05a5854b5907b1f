// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions that stand for io_uring_enter() and io_uring_register(): see stub.c.
 *
 * In a process (libruring.so) they are executed where they are, and debuggers find
 * the caller; the runner has them as data. They differ in what they do with an
 * error that may be about the descriptor.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "stub.h"

#ifdef IN_PROCESS

#define SECTION		".text.stub, \"ax\", @progbits"
#define CFI(what)	".cfi_" what "\n"
/* calls.c makes the call once more, and looks. */
#define JUDGE							\
	"	mov	%c[back](%%rsp), %%rcx\n"		\
	"	lea	%c[size](%%rsp), %%rsp\n"		\
	"	mov	%[enter], %%eax\n"			\
	"stub_judge:\n"						\
	"	jmp	process_entry\n"
/* calls.c makes those. */
#define REGISTRATION

#else

#define SECTION		".rodata"
#define CFI(what)	".if 0\n.cfi_" what "\n.endif\n"
/*
 * While the thread is traced it does not come back from the call. Afterwards the first jump is not there: the
 * kernel says what it has to of a descriptor that is not ruring's, other errors are what they are.
 */
#define JUDGE							\
	"	jmp	2f\n"					\
	"	lea	%c[enotty](%%rax), %%rcx\n"		\
	"	jrcxz	2f\n"					\
	"	jmp	stub_back\n"				\
	"2:	mov	%[enter], %%eax\n"			\
	"	syscall\n"					\
	"stub_judge:\n"						\
	"	jmp	stub_back\n"
/*
 * io_uring_register(), with the call's return address in rcx. What is about rings that have an index is the tracer's:
 * that they get one or lose it is told by the opcode, and of one with IORING_REGISTER_USE_REGISTERED_RING the
 * ioctl says -EINVAL.
 */
#define REGISTRATION						\
	".globl stub_registration, stub_registration_kept\n"	\
	".globl stub_registration_called, stub_registration_over\n" \
	".globl stub_registration_doubtful, stub_registration_judge\n" \
	".hidden stub_registration, stub_registration_kept\n"	\
	".hidden stub_registration_called, stub_registration_over\n" \
	".hidden stub_registration_doubtful, stub_registration_judge\n" \
	"stub_registration:\n"					\
	"	lea	-%c[size](%%rsp), %%rsp\n"		\
	"	mov	%%rcx, %c[back](%%rsp)\n"		\
	"	mov	%%rdi, %c[rdi](%%rsp)\n"		\
	"	mov	%%rsi, %c[rsi](%%rsp)\n"		\
	"	mov	%%rdx, %c[rdx](%%rsp)\n"		\
	"stub_registration_kept:\n"				\
	"	mov	%%rdx, %c[registered_arg](%%rsp)\n"	\
	"	mov	%%esi, %c[opcode](%%rsp)\n"		\
	"	mov	%%r10d, %c[nr_args](%%rsp)\n"		\
	"	lea	-%c[ring_fds](%%rsi), %%ecx\n"		\
	"	jrcxz	4f\n"					\
	"	lea	-%c[no_ring_fds](%%rsi), %%ecx\n"	\
	"	jrcxz	4f\n"					\
	"	mov	%[register_command], %%esi\n"		\
	"	mov	%%rsp, %%rdx\n"			\
	"	mov	%[ioctl], %%eax\n"			\
	"	syscall\n"					\
	"stub_registration_called:\n"				\
	"	mov	%c[rdi](%%rsp), %%rdi\n"		\
	"	mov	%c[rsi](%%rsp), %%rsi\n"		\
	"	mov	%c[rdx](%%rsp), %%rdx\n"		\
	"	lea	%c[enotty](%%rax), %%rcx\n"		\
	"	jrcxz	stub_registration_doubtful\n"		\
	"	lea	%c[ebadf](%%rax), %%rcx\n"		\
	"	jrcxz	stub_registration_doubtful\n"		\
	"	lea	%c[einval](%%rax), %%rcx\n"		\
	"	jrcxz	stub_registration_doubtful\n"		\
	"3:	mov	%c[back](%%rsp), %%rcx\n"		\
	"	lea	%c[size](%%rsp), %%rsp\n"		\
	"stub_registration_over:\n"				\
	"	jmp	*%%rcx\n"				\
	"stub_registration_doubtful:\n"			\
	"	jmp	4f\n"					\
	"	lea	%c[enotty](%%rax), %%rcx\n"		\
	"	jrcxz	4f\n"					\
	"	jmp	3b\n"					\
	"4:	mov	%[registration], %%eax\n"			\
	"	syscall\n"					\
	"stub_registration_judge:\n"				\
	"	jmp	3b\n"

#endif

/*
 * Starts with the call's return address in rcx, the rest as the call has it; and
 * with the ring's descriptor in r11 if the call has an index. Errors that may be
 * about the descriptor, or about a flag that says it is an index, are not
 * returned: the call is made again, in a way that has it judged.
 */
void stub_instructions(void)
{
	asm volatile(".pushsection " SECTION "\n"
		     ".globl stub_begin, stub_registered, stub_plain\n"
		     ".globl stub_kept, stub_called, stub_over\n"
		     ".globl stub_doubtful, stub_judge, stub_end\n"
		     ".hidden stub_begin, stub_registered, stub_plain\n"
		     ".hidden stub_kept, stub_called, stub_over\n"
		     ".hidden stub_doubtful, stub_judge, stub_end\n"
		     "stub_begin:\n"
		     CFI("startproc simple")
		     CFI("def_cfa rsp, 0")
		     CFI("register rip, rcx")
		     "stub_registered:\n"
		     "	lea	-%c[size](%%rsp), %%rsp\n"
		     CFI("def_cfa_offset %c[size]")
		     "	mov	%%rcx, %c[back](%%rsp)\n"
		     CFI("offset rip, %c[back] - %c[size]")
		     "	mov	%%rdi, %c[rdi](%%rsp)\n"
		     CFI("offset rdi, %c[rdi] - %c[size]")
		     "	mov	%%r11d, %%edi\n"
		     "	lea	-%c[registered](%%r10), %%ecx\n"
		     "	jmp	1f\n"
		     "stub_plain:\n"
		     CFI("def_cfa rsp, 0")
		     CFI("register rip, rcx")
		     CFI("same_value rdi")
		     "	lea	-%c[size](%%rsp), %%rsp\n"
		     CFI("def_cfa_offset %c[size]")
		     "	mov	%%rcx, %c[back](%%rsp)\n"
		     CFI("offset rip, %c[back] - %c[size]")
		     "	mov	%%rdi, %c[rdi](%%rsp)\n"
		     CFI("offset rdi, %c[rdi] - %c[size]")
		     "	mov	%%r10d, %%ecx\n"
		     "1:	mov	%%rsi, %c[rsi](%%rsp)\n"
		     "	mov	%%rdx, %c[rdx](%%rsp)\n"
		     "stub_kept:\n"
		     "	mov	%%r8, %c[arg](%%rsp)\n"
		     "	mov	%%r9, %c[argsz](%%rsp)\n"
		     "	mov	%%esi, %c[to_submit](%%rsp)\n"
		     "	mov	%%edx, %c[min_complete](%%rsp)\n"
		     "	mov	%%ecx, %c[flags](%%rsp)\n"
		     "	movl	$0, %c[index](%%rsp)\n"
		     "	mov	%[command], %%esi\n"
		     "	mov	%%rsp, %%rdx\n"
		     "	mov	%[ioctl], %%eax\n"
		     "	syscall\n"
		     "stub_called:\n"
		     "	mov	%c[rdi](%%rsp), %%rdi\n"
		     "	mov	%c[rsi](%%rsp), %%rsi\n"
		     "	mov	%c[rdx](%%rsp), %%rdx\n"
		     "	lea	%c[enotty](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	lea	%c[ebadf](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "	lea	%c[einval](%%rax), %%rcx\n"
		     "	jrcxz	stub_doubtful\n"
		     "stub_back:\n"
		     "	mov	%c[back](%%rsp), %%rcx\n"
		     CFI("remember_state")
		     CFI("register rip, rcx")
		     "	lea	%c[size](%%rsp), %%rsp\n"
		     CFI("def_cfa_offset 0")
		     "stub_over:\n"
		     "	jmp	*%%rcx\n"
		     "stub_doubtful:\n"
		     CFI("restore_state")
		     JUDGE
		     REGISTRATION
		     "stub_end:\n"
		     CFI("endproc")
		     ".popsection\n"
		     : :
		     [size] "i" (STUB_FRAME_SIZE),
		     [back] "i" (offsetof(struct kept, back)),
		     [rdi] "i" (offsetof(struct kept, rdi)),
		     [rsi] "i" (offsetof(struct kept, rsi)),
		     [rdx] "i" (offsetof(struct kept, rdx)),
		     [arg] "i" (offsetof(struct kept, enter.arg)),
		     [argsz] "i" (offsetof(struct kept, enter.argsz)),
		     [to_submit] "i" (offsetof(struct kept, enter.to_submit)),
		     [min_complete] "i" (offsetof(struct kept,
						  enter.min_complete)),
		     [flags] "i" (offsetof(struct kept, enter.flags)),
		     [index] "i" (offsetof(struct kept, enter.index)),
		     [registered_arg] "i" (offsetof(struct kept, registration.arg)),
		     [opcode] "i" (offsetof(struct kept, registration.opcode)),
		     [nr_args] "i" (offsetof(struct kept, registration.nr_args)),
		     [ring_fds] "i" (IORING_REGISTER_RING_FDS),
		     [no_ring_fds] "i" (IORING_UNREGISTER_RING_FDS),
		     [register_command] "i" ((int)RURING_IOC_REGISTER),
		     [registration] "i" (__NR_io_uring_register),
		     [registered] "i" (IORING_ENTER_REGISTERED_RING),
		     [command] "i" ((int)RURING_IOC_ENTER),
		     [ioctl] "i" (__NR_ioctl),
		     [enter] "i" (__NR_io_uring_enter),
		     [enotty] "i" (ENOTTY),
		     [ebadf] "i" (EBADF),
		     [einval] "i" (EINVAL));
}
