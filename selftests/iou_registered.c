// SPDX-License-Identifier: GPL-2.0
/* iou_program: rings that go by an index. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "iou_program.h"

int change_rings(int fd, unsigned int opcode, unsigned int offset,
			__u64 data)
{
	struct io_uring_rsrc_update update = {
		.offset = offset,
		.data = data,
	};

	if (syscall(__NR_io_uring_register, fd, opcode, &update, 1) != 1)
		return -1;
	return update.offset;
}

static void *use_index(void *arg)
{
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == -1);
	CHECK(change_rings(*(int *)arg, IORING_REGISTER_RING_FDS, 0,
			   *(int *)arg) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	return NULL;
}

void registered_rings(void)
{
	struct io_uring_params params = {};
	int fd = make_ring(0), other = make_ring(0), status;
	pthread_t id;

	status = syscall(__NR_io_uring_setup, 8, &params);
	CHECK(status >= 0 && params.features & IORING_FEAT_REG_REG_RING);
	close(status);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EBADF);
	CHECK(enter(99, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EINVAL);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, ~0U, fd) == 0);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, 0, fd) == -1 &&
	      errno == EBUSY);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, 16, fd) == -1 &&
	      errno == EINVAL);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, ~0U, 0) == -1 &&
	      errno == EOPNOTSUPP);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, ~0U, 999) == -1 &&
	      errno == EBADF);
	/* The ring stays without its descriptor. */
	close(fd);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	CHECK(change_rings(0, IORING_REGISTER_RING_FDS |
			   IORING_REGISTER_USE_REGISTERED_RING, 7, other) == 7);
	CHECK(enter(7, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	/* It is this thread's: neither another's nor a child's. */
	CHECK(!pthread_create(&id, NULL, use_index, &other));
	pthread_join(id, NULL);
	if (!fork())
		_exit(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	wait(&status);
	CHECK(!status);
	CHECK(change_rings(other, IORING_UNREGISTER_RING_FDS, 0, 0) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EBADF);
}

/* A ring that has an index from the start, and never a descriptor. */
void registered_only(void)
{
	unsigned int before = open_fds(), i;
	struct io_uring_params params = {
		.flags = IORING_SETUP_REGISTERED_FD_ONLY,
	};
	int indices[2];
	char *memory;

	CHECK(syscall(__NR_io_uring_setup, 8, &params) == -1 &&
	      errno == EINVAL);
	for (i = 0; i < 2; i++) {
		memory = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(memory != MAP_FAILED);
		memset(&params, 0, sizeof(params));
		params.flags = IORING_SETUP_NO_MMAP |
			IORING_SETUP_REGISTERED_FD_ONLY;
		params.cq_off.user_addr = (unsigned long)memory;
		params.sq_off.user_addr = (unsigned long)memory + 4096;
		indices[i] = syscall(__NR_io_uring_setup, 8, &params);
		CHECK(indices[i] == (int)i);
		CHECK(params.flags & IORING_SETUP_REGISTERED_FD_ONLY);
		CHECK(params.sq_entries == 8);
		/* A NOP. */
		*(unsigned int *)(memory + params.sq_off.array) = 0;
		*(unsigned int *)(memory + params.sq_off.tail) = 1;
		CHECK(enter(indices[i], 1, 1, IORING_ENTER_GETEVENTS |
			    IORING_ENTER_REGISTERED_RING) == 1);
		CHECK(*(unsigned int *)(memory + params.cq_off.tail) == 1);
	}
	CHECK(change_rings(0, IORING_UNREGISTER_RING_FDS |
			   IORING_REGISTER_USE_REGISTERED_RING, 1, 0) == 1);
	CHECK(enter(1, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EBADF);
	/* Below those that the runner uses for it there is none. */
	CHECK(open_fds() == before);
}

/* A ring that ruring lacks, by its index. */
void registered_hybrid(void)
{
	int fd = make_ring(IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL);

	CHECK(fd >= 0);
	CHECK(change_rings(fd, IORING_REGISTER_RING_FDS, ~0U, fd) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == 0);
	CHECK(enter(1, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EBADF);
	CHECK(change_rings(0, IORING_UNREGISTER_RING_FDS |
			   IORING_REGISTER_USE_REGISTERED_RING, 0, 0) == 0);
	CHECK(enter(0, 0, 0, IORING_ENTER_REGISTERED_RING) == -1 &&
	      errno == EBADF);
}
