// SPDX-License-Identifier: GPL-2.0

// io_uring's system calls, as bindings for Go make them.
package main

import (
	"syscall"
	"unsafe"
)

// combine is what ruring has and io_uring has not.
var combine func(request *sqe)

func result(ret, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(ret), nil
}

func ioUringSetup(entries uint32, params unsafe.Pointer) (int, error) {
	return result(syscall.Syscall(425, uintptr(entries), uintptr(params), 0))
}

func ioUringEnter(fd int, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (int, error) {
	return result(syscall.Syscall6(426, uintptr(fd), uintptr(toSubmit), uintptr(minComplete), uintptr(flags), uintptr(arg), size))
}

func ioUringRegister(fd int, opcode uint32, arg unsafe.Pointer, nrArgs uint32) (int, error) {
	return result(syscall.Syscall6(427, uintptr(fd), uintptr(opcode), uintptr(arg), uintptr(nrArgs), 0, 0))
}
