// SPDX-License-Identifier: GPL-2.0

// A program of Go's on a ring: bytes that a goroutine writes while the ring is waited for, and a
// datagram by SEND_ZC. It is built twice: with the three system calls, and with what
// Documentation/porting.rst makes of them and of ruring's own flag.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	entries     = 8
	opRead      = 22
	opSendZC    = 47
	getEvents   = 1
	probe       = 8
	sqesOffset  = 0x10000000
	notif       = 1 << 3
	more        = 1 << 1
	singleMmap  = 1 << 0
	paramsWords = 30
)

type sqe struct {
	opcode, flags uint8
	ioprio        uint16
	fd            int32
	off, addr     uint64
	length        uint32
	opFlags       uint32
	userData      uint64
	rest          [3]uint64
}

type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

type ring struct {
	fd             int
	queues, sqes   []byte
	sqTail, sqMask uint32
	sqArray        uint32
	cqHead, cqTail uint32
	cqMask, cqes   uint32
}

func (r *ring) word(offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.queues[offset]))
}

func must(err error) {
	if err != nil {
		fmt.Println("go:", err)
		os.Exit(1)
	}
}

func expect(what string, is, shall int) {
	if is != shall {
		must(fmt.Errorf("%s is %d and not %d", what, is, shall))
	}
}

func newRing() *ring {
	var params [paramsWords]uint32
	fd, err := ioUringSetup(entries, unsafe.Pointer(&params))
	must(err)
	// The offsets of the submission queue are behind ten words, those of the completion queue ten further.
	sq, cq := params[10:20], params[20:30]
	expect("IORING_FEAT_SINGLE_MMAP", int(params[5]&singleMmap), singleMmap)
	size := max(sq[6]+params[0]*4, cq[5]+params[1]*16)
	access, shared := syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_POPULATE
	queues, err := syscall.Mmap(fd, 0, int(size), access, shared)
	must(err)
	sqes, err := syscall.Mmap(fd, sqesOffset, int(params[0]*64), access, shared)
	must(err)
	r := &ring{fd: fd, queues: queues, sqes: sqes, sqTail: sq[1], sqArray: sq[6],
		cqHead: cq[0], cqTail: cq[1], cqes: cq[5]}
	r.sqMask, r.cqMask = *r.word(sq[2]), *r.word(cq[2])
	return r
}

// submit puts one request in.
func (r *ring) submit(entry sqe) {
	tail := *r.word(r.sqTail)
	slot := tail & r.sqMask
	*(*sqe)(unsafe.Pointer(&r.sqes[slot*64])) = entry
	*r.word(r.sqArray + slot*4) = slot
	atomic.StoreUint32(r.word(r.sqTail), tail+1)
	done, err := ioUringEnter(r.fd, 1, 0, 0, nil, 0)
	must(err)
	expect("what is submitted", done, 1)
}

// wait gives the next completion.
func (r *ring) wait() cqe {
	head := *r.word(r.cqHead)
	for head == atomic.LoadUint32(r.word(r.cqTail)) {
		if _, err := ioUringEnter(r.fd, 0, 1, getEvents, nil, 0); err != syscall.EINTR {
			must(err)
		}
	}
	done := *(*cqe)(unsafe.Pointer(&r.queues[r.cqes+(head&r.cqMask)*16]))
	atomic.StoreUint32(r.word(r.cqHead), head+1)
	return done
}

// reads has the ring waited for with nothing there: whoever shall write can only run meanwhile.
func (r *ring) reads() {
	var pipe [2]int
	must(syscall.Pipe(pipe[:]))
	buf := make([]byte, 64)
	for turn := 0; turn < 100; turn++ {
		r.submit(sqe{opcode: opRead, fd: int32(pipe[0]), off: ^uint64(0), length: 64, userData: uint64(turn),
			addr: uint64(uintptr(unsafe.Pointer(&buf[0])))})
		go syscall.Write(pipe[1], []byte(fmt.Sprint("turn ", turn)))
		done := r.wait()
		expect("user_data", int(done.userData), turn)
		if said := string(buf[:done.res]); said != fmt.Sprint("turn ", turn) {
			must(fmt.Errorf("%q was read in turn %d", said, turn))
		}
	}
	runtime.KeepAlive(buf)
}

// datagram sends one without a copy, and sees it come.
func (r *ring) datagram(prepare func(fd int, data []byte) sqe, completions int) {
	receiver, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(err)
	must(syscall.Bind(receiver, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(receiver)
	must(err)
	sender, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(err)
	must(syscall.Connect(sender, name))
	data, came := []byte("a datagram of Go's"), make([]byte, 64)
	r.submit(prepare(sender, data))
	number, _, err := syscall.Recvfrom(receiver, came, 0)
	must(err)
	if string(came[:number]) != string(data) {
		must(fmt.Errorf("%q came", came[:number]))
	}
	for left := completions; left > 0; left-- {
		done := r.wait()
		if completions == 1 || done.flags&notif == 0 {
			expect("what was sent", int(done.res), len(data))
			expect("whether there is more", int(done.flags&more)/more, completions-1)
		}
	}
	expect("further completions", int(*r.word(r.cqTail)-*r.word(r.cqHead)), 0)
	runtime.KeepAlive(data)
}

func main() {
	runtime.GOMAXPROCS(1)
	r := newRing()
	operations := make([]byte, 16+256*8)
	_, err := ioUringRegister(r.fd, probe, unsafe.Pointer(&operations[0]), 256)
	must(err)
	expect("SEND_ZC in the probe", int(operations[16+opSendZC*8+2]), 1)
	r.reads()
	r.datagram(sendZC, 2)
	if combine != nil {
		r.datagram(func(fd int, data []byte) sqe {
			request := sendZC(fd, data)
			combine(&request)
			return request
		}, 1)
	}
	fmt.Println("go: all is well")
}

func sendZC(fd int, data []byte) sqe {
	return sqe{opcode: opSendZC, fd: int32(fd), length: uint32(len(data)),
		addr: uint64(uintptr(unsafe.Pointer(&data[0])))}
}
