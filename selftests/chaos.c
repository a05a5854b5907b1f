// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests and registrations by several threads and processes at once,
 * while memory and descriptors come and go, what is shared with the kernel is
 * scribbled over, and the processes end in all ways there are. The processes
 * may crash; the kernel may not, nor keep anything or anybody.
 *
 * CHAOS_SEED and CHAOS_ROUNDS in the environment: the first seed, and how many
 * there are. With one round a seed is repeated as far as time allows.
 */
#include "chaos.h"

static void submit(struct ring *r)
{
	unsigned int nr = 1 + below(8), tail = *r->sq_tail, i;
	unsigned int flags = rnd() & (IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG |
				      IORING_ENTER_ABS_TIMER);
	struct __kernel_timespec ts = { .tv_nsec = 200000 };
	struct io_uring_getevents_arg arg = {
		.min_wait_usec = below(4) ? 0 : below(200),
		.ts = below(8) ? (uintptr_t)&ts : any_address(&world),
	};

	for (i = 0; i < nr; i++, tail++) {
		unsigned int mask = r->params.sq_entries - 1;
		/* so that one page has those of some requests */
		struct scratch *s = (void *)(world.mem + PAGE + below(12) * sizeof(*s));

		if (below(4))
			any_request(&world, &r->sqes[tail & mask], s, 1000 + tail);
		else
			any_other_request(&world, &r->sqes[tail & mask], s, 1000 + tail, RINGS);
		/* not counted here, where anything may happen */
		if (!below(16))
			r->sqes[tail & mask].flags |= IOSQE_CQE_SKIP_SUCCESS;
	}
	__atomic_store_n(r->sq_tail, tail, __ATOMIC_RELEASE);
	if (r->params.flags & IORING_SETUP_SQPOLL)
		flags |= below(4) ? IORING_ENTER_SQ_WAKEUP : below(2) ? IORING_ENTER_SQ_WAIT : 0;
	if (below(16) == 0)
		flags = rnd();
	backend_enter(r->backend, r->fd, below(16) ? nr : rnd(), below(4) ? 0 : below(5), flags,
		      flags & IORING_ENTER_EXT_ARG ? &arg : NULL,
		      flags & IORING_ENTER_EXT_ARG ? sizeof(arg) : 8);
	if (below(3))
		__atomic_store_n(r->cq_head, *r->cq_tail, __ATOMIC_RELEASE);
}

/* Entries that can be used, if the memory is there. */
static void any_ring_of_buffers(__u64 addr)
{
	struct io_uring_buf_ring *br = (void *)(uintptr_t)addr;
	unsigned int i;

	if (!addr)
		return;
	for (i = 0; i < BUFFER_PAGES; i++)
		br->bufs[i] = (struct io_uring_buf) {
			.addr = (uintptr_t)world.mem + (BUFFERS + i) * PAGE,
			.len = 1 + below(500),
			.bid = i,
		};
	__atomic_store_n(&br->tail, below(64), __ATOMIC_RELEASE);
}

/* Memory that can be registered, if it is there. */
static void any_buffers(struct scratch *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s->iov); i++) {
		s->iov[i].iov_base = world.mem + (BUFFERS + below(BUFFER_PAGES)) * PAGE + below(100);
		s->iov[i].iov_len = 1 + below(3 * PAGE);
		s->ints[i] = world.fds[below(world.nr_fds)];
	}
}

static void any_registration(struct ring *r)
{
	static const unsigned int flags[] = { 0, 0, IOU_PBUF_RING_MMAP, IOU_PBUF_RING_INC };
	struct scratch *s = (void *)(world.mem + PAGE);
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)world.mem + 8 * PAGE,
		.ring_entries = below(8) ? 1u << below(10) : rnd(),
		.bgid = below(4),
		.flags = pick(flags),
	};
	struct io_uring_rsrc_register rsrc = {
		.nr = 1 + below(6),
		.flags = below(2),
	};
	struct io_uring_rsrc_update2 update = {
		.offset = below(5),
		.nr = below(5),
	};
	struct io_uring_sync_cancel_reg cancel = {
		.addr = 1000 + below(300),
		.fd = any_fd(&world),
		.flags = below(64),
		.timeout = { below(2) ? 0 : -1, below(2) ? below(300000) : -1 },
		.opcode = pick(random_ops),
	};
	static const unsigned int opcodes[] = {
		IORING_REGISTER_PBUF_RING, IORING_REGISTER_PBUF_RING,
		IORING_UNREGISTER_PBUF_RING, IORING_REGISTER_PBUF_STATUS,
		IORING_REGISTER_BUFFERS, IORING_REGISTER_BUFFERS2,
		IORING_REGISTER_BUFFERS_UPDATE, IORING_REGISTER_BUFFERS_UPDATE,
		IORING_REGISTER_BUFFERS_UPDATE, IORING_UNREGISTER_BUFFERS,
		IORING_REGISTER_FILES, IORING_REGISTER_FILES2,
		IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_FILES_UPDATE2,
		IORING_REGISTER_FILES_UPDATE2, IORING_UNREGISTER_FILES,
		IORING_REGISTER_EVENTFD, IORING_REGISTER_EVENTFD_ASYNC,
		IORING_UNREGISTER_EVENTFD, IORING_REGISTER_ENABLE_RINGS,
		IORING_REGISTER_FILE_ALLOC_RANGE, IORING_REGISTER_SYNC_CANCEL,
		IORING_REGISTER_SYNC_CANCEL,
	};
	unsigned int opcode = below(20) ? pick(opcodes) : rnd(), nr = below(5);
	const void *arg = below(8) ? s : (void *)any_address(&world);

	any_scratch(&world, s);
	if (below(4))
		any_buffers(s);
	if (!(rsrc.flags & IORING_RSRC_REGISTER_SPARSE) || !below(8))
		rsrc.data = below(2) ? (uintptr_t)s->iov : (uintptr_t)s->ints;
	rsrc.tags = below(2) ? 0 : (uintptr_t)&s->addr;
	update.data = below(2) ? (uintptr_t)s->iov : (uintptr_t)s->ints;
	update.tags = rsrc.tags;
	if (reg.flags & IOU_PBUF_RING_MMAP)
		reg.ring_addr = 0;
	switch (opcode) {
	case IORING_REGISTER_PBUF_RING:
	case IORING_UNREGISTER_PBUF_RING:
	case IORING_REGISTER_PBUF_STATUS:
		if (opcode == IORING_UNREGISTER_PBUF_RING)
			reg = (struct io_uring_buf_reg) { .bgid = reg.bgid };
		if (opcode == IORING_REGISTER_PBUF_RING && below(2))
			any_ring_of_buffers(reg.ring_addr);
		arg = &reg;
		nr = 1;
		break;
	case IORING_REGISTER_BUFFERS2:
	case IORING_REGISTER_FILES2:
		arg = &rsrc;
		nr = sizeof(rsrc);
		break;
	case IORING_REGISTER_BUFFERS_UPDATE:
	case IORING_REGISTER_FILES_UPDATE2:
		arg = &update;
		nr = sizeof(update);
		break;
	case IORING_REGISTER_BUFFERS:
		arg = s->iov;
		break;
	case IORING_REGISTER_FILES:
		arg = s->ints;
		break;
	case IORING_REGISTER_FILES_UPDATE:
		update.nr = 0;
		arg = &update;
		break;
	case IORING_REGISTER_SYNC_CANCEL:
		arg = &cancel;
		nr = 1;
		break;
	case IORING_REGISTER_EVENTFD:
	case IORING_REGISTER_EVENTFD_ASYNC:
		s->ints[0] = any_fd(&world);
		arg = s->ints;
		nr = 1;
		break;
	case IORING_REGISTER_ENABLE_RINGS:
	case IORING_UNREGISTER_EVENTFD:
	case IORING_UNREGISTER_FILES:
	case IORING_UNREGISTER_BUFFERS:
		arg = NULL;
		nr = 0;
		break;
	}
	ring_register(r, opcode, arg, nr);
}

static void any_mapping(struct ring *r)
{
	static const __u64 offsets[] = {
		IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES, IORING_OFF_PBUF_RING,
	};
	__u64 offset = pick(offsets);
	char *p;

	if (offset == IORING_OFF_PBUF_RING)
		offset |= (__u64)below(4) << IORING_OFF_PBUF_SHIFT;
	p = mmap(NULL, below(8) ? (1 + below(4)) * PAGE : rnd() >> 36,
		 PROT_READ | (below(4) ? PROT_WRITE : 0), below(4) ? MAP_SHARED : MAP_PRIVATE,
		 r->fd, offset);
	if (p == MAP_FAILED)
		return;
	p[below(PAGE)] = rnd();
	mprotect(p, PAGE, PROT_READ);
	if (below(8))
		munmap(p, PAGE);
}

static void any_event(struct ring *r)
{
	char buf[256];
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN | (below(2) ? EPOLLET : 0) };
	unsigned int index = below(world.nr_fds);
	int fd = world.fds[index], other;

	switch (below(10)) {
	case 0 ... 3:
		if (write(fd, world.mem + 4 * PAGE, below(200)) < 0)
			recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case 4:
		recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case 5:
		poll(&pfd, 1, 0);
		break;
	case 6:
		/* another gets in its place, and is closed thereby */
		other = world.fds[below(16) ? index ^ 1 : below(world.nr_fds)];
		if (index < FD_LAST && fd != other)
			dup2(other, fd);
		break;
	case 7:
		epoll_ctl(world.fds[0], below(2) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
			  world.fds[below(world.nr_fds)], &event);
		break;
	case 8:
		snprintf(buf, sizeof(buf), "/proc/self/fdinfo/%d", r->fd);
		proc_value(buf, "CqTail:");
		break;
	default:
		sched_yield();
	}
}

static void act(void)
{
	struct ring *r = &rings[below(RINGS)];

	switch (below(20)) {
	case 0:
		any_memory();
		break;
	case 1 ... 2:
		scribble(r);
		break;
	case 3 ... 4:
		any_registration(r);
		break;
	case 5:
		any_other_registration(&world, r, &rings[below(RINGS)]);
		break;
	case 6:
		any_mapping(r);
		break;
	case 7 ... 10:
		any_event(r);
		break;
	default:
		submit(r);
	}
}

/*
 * Have the calls of this thread interrupted again and again. A timer of the
 * process would interrupt another one.
 */
static void tick(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
		._sigev_un._tid = gettid(),
	};
	struct itimerspec often = {
		{ .tv_nsec = TICK_MS * 1000000 }, { .tv_nsec = TICK_MS * 1000000 },
	};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &often, NULL))
		_exit(79);
}

/* So many actions, whatever happens in them. */
static void run(void)
{
	sigjmp_buf here;

	tick();
	left = ACTIONS;
	while (left-- > 0) {
		if (!sigsetjmp(here, 1)) {
			back = &here;
			act();
		}
		back = NULL;
	}
}

struct thread {
	__u64 seed;
	unsigned int stream;
};

static void *run_thread(void *arg)
{
	struct thread *t = arg;

	rnd_seed(t->seed, t->stream);
	run();
	return NULL;
}

static int any_ring(struct ring *r)
{
	static const unsigned int flags[] = {
		0, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, IORING_SETUP_SQE_MIXED | IORING_SETUP_CQE_MIXED,
		0, DEFER_FLAGS, DEFER_FLAGS, DEFER_FLAGS | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SQPOLL, IORING_SETUP_SQPOLL | IORING_SETUP_SINGLE_ISSUER,
	};
	struct io_uring_params p = {
		.flags = pick(flags) | IORING_SETUP_CQSIZE,
		.sq_thread_idle = 1 + below(20),
	};

	if (!below(16))
		p.flags |= IORING_SETUP_IOPOLL;
	if (!below(4))
		p.flags |= IORING_SETUP_R_DISABLED;
	if (!below(4))
		p.flags |= IORING_SETUP_NO_SQARRAY;
	if (!below(4))
		p.flags |= IORING_SETUP_NO_MMAP;
	if (p.flags & IORING_SETUP_SQPOLL && !below(2) && r > rings) {
		/* one thread for both, if the other has one */
		p.flags |= IORING_SETUP_ATTACH_WQ;
		p.wq_fd = rings[0].fd;
		if (!ring_init_params(r, RURING, 16, &p))
			return 0;
		p.flags &= ~IORING_SETUP_ATTACH_WQ;
	}
	if (below(2))
		p.flags |= IORING_SETUP_SUBMIT_ALL;
	p.cq_entries = 16u << below(4);
	return ring_init_params(r, RURING, 16, &p);
}

/* What most requests need that use something registered. */
static void any_tables(struct ring *r)
{
	struct scratch *s = (void *)(world.mem + PAGE);
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)world.mem + 8 * PAGE,
		.ring_entries = 32,
		.bgid = below(4),
		.flags = below(3) ? 0 : IOU_PBUF_RING_INC,
	};

	any_buffers(s);
	ring_register(r, IORING_REGISTER_FILES, s->ints, 4);
	buffers_register(r, s->iov, 4);
	any_ring_of_buffers(reg.ring_addr);
	ring_register(r, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int any_world(void)
{
	struct sockaddr_in addr;
	int sv[2], i, *fds = world.fds;
	char *mem;

	mem = mmap(PLACE, PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	world.mem = mem;
	world.size = PAGES * PAGE;
	*fds++ = epoll_create1(0);
	*fds++ = eventfd(0, EFD_NONBLOCK);
	*fds++ = memfd_create("file", 0);
	*fds++ = tcp_listen(&addr);
	*fds++ = udp_socket(&addr);
	if (inet_pair(AF_INET, SOCK_STREAM, sv))
		return -EIO;
	*fds++ = sv[0];
	*fds++ = sv[1];
	if (unix_pair(SOCK_STREAM, sv))
		return -EIO;
	*fds++ = sv[0];
	*fds++ = sv[1];
	if (unix_pair(SOCK_SEQPACKET, sv))
		return -EIO;
	*fds++ = sv[0];
	*fds++ = sv[1];
	if (pipe2(fds, O_NONBLOCK))
		return -errno;
	fds += 2;
	for (i = 0; i < RINGS; i++) {
		int ret = any_ring(&rings[i]);

		if (ret)
			return ret;
		*fds++ = rings[i].fd;
	}
	world.nr_fds = fds - world.fds;
	for (i = 0; i < RINGS; i++)
		any_tables(&rings[i]);
	return 0;
}

static void any_end(void)
{
	unsigned int i;

	switch (below(5)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		for (i = 0; i < RINGS; i++)
			fcntl(rings[i].fd, F_SETFD, 0);
		execl("/bin/true", "true", NULL);
		break;
	case 2:
		for (i = 0; i < RINGS; i++)
			ring_exit(&rings[i]);
		break;
	case 3:
		for (i = 0; i < world.nr_fds; i++)
			close(world.fds[i]);
		break;
	}
	_exit(0);
}

/* A process that does what @seed says. */
static void live(__u64 seed)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction alarm = { .sa_handler = on_alarm };
	struct thread threads[THREADS];
	pthread_t ids[THREADS];
	unsigned int i;
	bool joins;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rnd_seed(seed, 0);
	if (any_world())
		_exit(77);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	/* another process with the same rings, half of the time */
	if (below(2) && !fork())
		rnd_seed(seed, 100);
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread) { seed, 1 + i + below(1000) };
		if (pthread_create(&ids[i], NULL, run_thread, &threads[i]))
			_exit(78);
	}
	run();
	joins = below(2);
	for (i = 0; joins && i < THREADS; i++)
		pthread_join(ids[i], NULL);
	any_end();
}

static bool module_is_idle(void *unused)
{
	(void)unused;
	return proc_value("/sys/module/ruring/refcnt", "") <= 0;
}

/* All that are left of a round; they end, or can be ended. */
static bool all_are_gone(void *arg)
{
	pid_t group = *(pid_t *)arg;

	while (waitpid(-group, NULL, WNOHANG) > 0)
		;
	return kill(-group, 0) && errno == ESRCH;
}

TEST(nothing_breaks_and_nothing_stays)
{
	__u64 seed = number_from("CHAOS_SEED", 1), end;
	long long pinned = pinned_pages();

	end = seed + number_from("CHAOS_ROUNDS", 5);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	mkdir(NAMES, 0700);
	mkfifo(NAMES "/fifo", 0600);
	for (; seed != end; seed++) {
		long long deadline = now_ms() + LIFE_MS;
		int status;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			setpgid(0, 0);
			live(seed);
		}
		setpgid(pid, pid);
		while (!waitpid(pid, &status, WNOHANG) && now_ms() < deadline)
			usleep(1000);
		EXPECT_GT(deadline, now_ms())
			TH_LOG("CHAOS_SEED=%llu: somebody waits for ever", seed);
		kill(-pid, SIGKILL);
		ASSERT_TRUE(wait_until(all_are_gone, &pid))
			TH_LOG("CHAOS_SEED=%llu: somebody cannot be killed", seed);
		device_close();
		ASSERT_TRUE(wait_until(module_is_idle, NULL))
			TH_LOG("CHAOS_SEED=%llu: something stays", seed);
		ASSERT_TRUE(wait_pinned(pinned))
			TH_LOG("CHAOS_SEED=%llu: pages stay pinned", seed);
	}
}

TEST_HARNESS_MAIN
