/* SPDX-License-Identifier: GPL-2.0 */
/*
 * process_entry has the call's number in rax, where it returns to in rcx, and its
 * arguments where the system call has them. Only rax, rcx and r11 change, as by
 * the call itself.
 *
 * dlsym() depends on who calls it, so that ours goes on to the C library's by a jump.
 */
	.text
	.globl	process_entry
	.hidden process_entry
	.type process_entry, @function
process_entry:
	.cfi_startproc simple
	.cfi_def_cfa rsp, 0
	.cfi_register rip, rcx
	endbr64
	lea	-128(%rsp), %rsp
	.cfi_def_cfa_offset 128
	pushq	%rcx
	.cfi_def_cfa_offset 136
	.cfi_offset rip, -136
	pushq	%rbp
	.cfi_def_cfa_offset 144
	.cfi_offset rbp, -144
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	pushfq
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rax
	mov	%rsp, %rdi
	and	$-16, %rsp
	cld
	call	call_made
	lea	-56(%rbp), %rsp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popfq
	popq	%rbp
	.cfi_def_cfa rsp, 136
	.cfi_same_value rbp
	popq	%rcx
	.cfi_def_cfa_offset 128
	.cfi_register rip, rcx
	lea	128(%rsp), %rsp
	.cfi_def_cfa_offset 0
	jmp	*%rcx
	.cfi_endproc
	.size process_entry, . - process_entry

	.globl dlsym
	.type dlsym, @function
dlsym:
	.cfi_startproc
	endbr64
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	sub	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	asked_for_symbol
	add	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	jmp	*next_dlsym(%rip)
	.cfi_endproc
	.size dlsym, . - dlsym

	.section .note.GNU-stack, "", @progbits
