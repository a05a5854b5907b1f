// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of the kernel that it does not export to modules.
 *
 * io_uring is part of the kernel and calls them. They do what a system call does, with all checks and security
 * hooks, and there is nothing exported that would. (skb_has_tx_timestamp() and skb_get_tx_timestamp() say of what is in
 * a socket's error queue what recvmsg() would say of it, to the same socket.) Each is looked up by its name, see symbols.c.
 * An opcode whose functions are not found is not there.
 *
 * Those that no public header declares are only looked for in the versions of the kernel whose
 * declarations these are.
 */
#include <linux/cpuset.h>
#include <linux/errqueue.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/file_ref.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/openat2.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/splice.h>
#include <linux/static_call.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <net/sock.h>
#include <uapi/linux/eventpoll.h>

#include "symbols.h"
#include "unexported.h"

#define KNOWN_VERSION (LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0) &&		\
		       LINUX_VERSION_CODE < KERNEL_VERSION(7, 4, 0))

/* As fs/internal.h of these versions has it. */
struct open_flags {
	int open_flag;
	umode_t mode;
	int acc_mode;
	int intent;
	int lookup_flags;
};

int build_open_flags(const struct open_how *how, struct open_flags *op);
struct file *do_file_open(int dfd, struct filename *name, const struct open_flags *op);
int do_statx(int dfd, struct filename *name, unsigned int flags, unsigned int mask,
	     struct statx __user *buffer);
int do_ftruncate(struct file *file, loff_t length, unsigned int flags);
int filename_mkdirat(int dfd, struct filename *name, umode_t mode);
int filename_unlinkat(int dfd, struct filename *name);
int filename_rmdir(int dfd, struct filename *name);
int filename_renameat2(int olddfd, struct filename *oldname, int newdfd,
		       struct filename *newname, unsigned int flags);
int filename_linkat(int olddfd, struct filename *old, int newdfd, struct filename *new,
		    int flags);
int do_epoll_ctl(int epfd, int op, int fd, struct epoll_event *epds, bool nonblock);
int filename_symlinkat(struct filename *from, int newdfd, struct filename *to);

/* Each: its name, its bit, whether to look for it. */
#define FUNCTIONS(f)								\
	f(build_open_flags, RURING_HAS_BUILD_OPEN_FLAGS, KNOWN_VERSION)		\
	f(do_file_open, RURING_HAS_DO_FILE_OPEN, KNOWN_VERSION)			\
	f(do_statx, RURING_HAS_DO_STATX, KNOWN_VERSION)				\
	f(do_ftruncate, RURING_HAS_DO_FTRUNCATE, KNOWN_VERSION)			\
	f(filename_mkdirat, RURING_HAS_FILENAME_MKDIRAT, KNOWN_VERSION)		\
	f(filename_unlinkat, RURING_HAS_FILENAME_UNLINKAT, KNOWN_VERSION)	\
	f(filename_rmdir, RURING_HAS_FILENAME_RMDIR, KNOWN_VERSION)		\
	f(filename_renameat2, RURING_HAS_FILENAME_RENAMEAT2, KNOWN_VERSION)	\
	f(filename_linkat, RURING_HAS_FILENAME_LINKAT, KNOWN_VERSION)		\
	f(filename_symlinkat, RURING_HAS_FILENAME_SYMLINKAT, KNOWN_VERSION)	\
	f(sync_file_range, RURING_HAS_SYNC_FILE_RANGE, true)			\
	f(do_madvise, RURING_HAS_DO_MADVISE, true)				\
	f(do_splice, RURING_HAS_DO_SPLICE, true)				\
	f(do_tee, RURING_HAS_DO_TEE, true)					\
	f(do_epoll_ctl, RURING_HAS_DO_EPOLL_CTL, true)				\
	f(epoll_sendevents, RURING_HAS_EPOLL_SENDEVENTS, true)			\
	f(create_pipe_files, RURING_HAS_CREATE_PIPE_FILES, true)		\
	f(task_work_run, RURING_HAS_TASK_WORK_RUN, true)			\
	f(skb_has_tx_timestamp, RURING_HAS_SKB_HAS_TX_TIMESTAMP, true)		\
	f(skb_get_tx_timestamp, RURING_HAS_SKB_GET_TX_TIMESTAMP, true)		\
	f(cpuset_cpus_allowed, RURING_HAS_CPUSET_CPUS_ALLOWED, IS_ENABLED(CONFIG_CPUSETS))

/* What a call is until there is something to call: never made. */
#define DEFINE_CALL(name, bit, known) DEFINE_STATIC_CALL_NULL(known_##name, name);
FUNCTIONS(DEFINE_CALL)

static unsigned int found;

#define FUNCTION_INDEX(name, bit, known) INDEX_##name,
enum { FUNCTIONS(FUNCTION_INDEX) NR_FUNCTIONS };

#define FUNCTION_SYMBOL(function, bit, known) { .name = (known) ? #function : NULL },

unsigned int ruring_find_functions(void)
{
	struct ruring_symbol symbols[] = { FUNCTIONS(FUNCTION_SYMBOL) };

	ruring_find_symbols(symbols, NR_FUNCTIONS);
#define FUNCTION_UPDATE(name, bit, known)					\
	if (symbols[INDEX_##name].addr) {					\
		static_call_update(known_##name,				\
				   (typeof(&name))symbols[INDEX_##name].addr);	\
		found |= bit;							\
	}
	FUNCTIONS(FUNCTION_UPDATE)
	return found;
}

#define HAS(bits) ((found & (bits)) == (bits))

int ruring_read_open_how(struct open_how *how, u64 from, size_t size)
{
	return copy_struct_from_user(how, sizeof(*how), u64_to_user_ptr(from), size);
}

/* Unless it is to be strict, as openat2(2) is, what openat(2) ignores is left out: the kernel's function for that is not exported. */
struct file *ruring_openat(int dir, const char *name, const struct open_how *how, bool strict)
{
	struct open_how all = *how;
	struct open_flags flags;
	int ret;

	if (!HAS(RURING_HAS_BUILD_OPEN_FLAGS | RURING_HAS_DO_FILE_OPEN))
		return ERR_PTR(-EOPNOTSUPP);
	if (!strict) {
		all.flags &= VALID_OPEN_FLAGS;
		if (all.flags & O_PATH)
			all.flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC | O_EMPTYPATH;
		all.mode = all.flags & (O_CREAT | __O_TMPFILE) ? all.mode & S_IALLUGO : 0;
	}
	ret = static_call(known_build_open_flags)(&all, &flags);
	if (ret)
		return ERR_PTR(ret);

	CLASS(filename_kernel, filename)(name);
	if (IS_ERR(filename))
		return ERR_CAST(filename);
	return static_call(known_do_file_open)(dir, filename, &flags);
}

int ruring_statx(int dir, const char *name, unsigned int flags, unsigned int mask, u64 to)
{
	if (!HAS(RURING_HAS_DO_STATX))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, filename)(name);
	if (IS_ERR(filename))
		return PTR_ERR(filename);
	return static_call(known_do_statx)(dir, filename, flags, mask, u64_to_user_ptr(to));
}

int ruring_mkdirat(int dir, const char *name, umode_t mode)
{
	if (!HAS(RURING_HAS_FILENAME_MKDIRAT))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, filename)(name);
	if (IS_ERR(filename))
		return PTR_ERR(filename);
	return static_call(known_filename_mkdirat)(dir, filename, mode);
}

int ruring_unlinkat(int dir, const char *name, bool is_dir)
{
	if (!HAS(RURING_HAS_FILENAME_UNLINKAT | RURING_HAS_FILENAME_RMDIR))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, filename)(name);
	if (IS_ERR(filename))
		return PTR_ERR(filename);
	if (is_dir)
		return static_call(known_filename_rmdir)(dir, filename);
	return static_call(known_filename_unlinkat)(dir, filename);
}

int ruring_renameat(int old_dir, const char *old, int new_dir, const char *new,
		    unsigned int flags)
{
	if (!HAS(RURING_HAS_FILENAME_RENAMEAT2))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, from)(old);
	if (IS_ERR(from))
		return PTR_ERR(from);
	CLASS(filename_kernel, to)(new);
	if (IS_ERR(to))
		return PTR_ERR(to);
	return static_call(known_filename_renameat2)(old_dir, from, new_dir, to, flags);
}

int ruring_linkat(int old_dir, const char *old, int new_dir, const char *new, int flags)
{
	if (!HAS(RURING_HAS_FILENAME_LINKAT))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, from)(old);
	if (IS_ERR(from))
		return PTR_ERR(from);
	CLASS(filename_kernel, to)(new);
	if (IS_ERR(to))
		return PTR_ERR(to);
	return static_call(known_filename_linkat)(old_dir, from, new_dir, to, flags);
}

int ruring_symlinkat(const char *old, int new_dir, const char *new)
{
	if (!HAS(RURING_HAS_FILENAME_SYMLINKAT))
		return -EOPNOTSUPP;
	CLASS(filename_kernel, from)(old);
	if (IS_ERR(from))
		return PTR_ERR(from);
	CLASS(filename_kernel, to)(new);
	if (IS_ERR(to))
		return PTR_ERR(to);
	return static_call(known_filename_symlinkat)(from, new_dir, to);
}

int ruring_ftruncate(struct file *file, loff_t len)
{
	if (!HAS(RURING_HAS_DO_FTRUNCATE))
		return -EOPNOTSUPP;
	return static_call(known_do_ftruncate)(file, len, 0);
}

int ruring_sync_file_range(struct file *file, loff_t start, loff_t len, unsigned int flags)
{
	if (!HAS(RURING_HAS_SYNC_FILE_RANGE))
		return -EOPNOTSUPP;
	return static_call(known_sync_file_range)(file, start, len, flags);
}

int ruring_madvise(u64 start, u64 len, int advice)
{
	if (!HAS(RURING_HAS_DO_MADVISE))
		return -EOPNOTSUPP;
	if (!current->mm)
		return -ECANCELED;
	return static_call(known_do_madvise)(current->mm, start, len, advice);
}

ssize_t ruring_splice(struct file *in, const loff_t *from, struct file *out, const loff_t *to,
		      size_t len, unsigned int flags)
{
	loff_t off_in = from ? *from : 0, off_out = to ? *to : 0;

	if (!HAS(RURING_HAS_DO_SPLICE))
		return -EOPNOTSUPP;
	return static_call(known_do_splice)(in, from ? &off_in : NULL, out,
					    to ? &off_out : NULL, len, flags);
}

ssize_t ruring_tee(struct file *in, struct file *out, size_t len, unsigned int flags)
{
	if (!HAS(RURING_HAS_DO_TEE))
		return -EOPNOTSUPP;
	return static_call(known_do_tee)(in, out, len, flags);
}

int ruring_epoll_ctl(int epfd, int op, int fd, const struct epoll_event *event)
{
	struct epoll_event all = *event;

	if (!HAS(RURING_HAS_DO_EPOLL_CTL))
		return -EOPNOTSUPP;
	return static_call(known_do_epoll_ctl)(epfd, op, fd, &all, false);
}

int ruring_epoll_sendevents(struct file *file, u64 events, int most)
{
	if (!HAS(RURING_HAS_EPOLL_SENDEVENTS))
		return -EOPNOTSUPP;
	return static_call(known_epoll_sendevents)(file, u64_to_user_ptr(events), most);
}

int ruring_create_pipe(struct file *files[2], int flags)
{
	if (!HAS(RURING_HAS_CREATE_PIPE_FILES))
		return -EOPNOTSUPP;
	return static_call(known_create_pipe_files)(files, flags);
}

/* The first packet in the error queue, which is locked, that has no more to say than when something was sent. */
static struct sk_buff *find_tx_timestamp(struct sock *sk)
{
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_error_queue, skb) {
		if (!skb->len && static_call(known_skb_has_tx_timestamp)(skb, sk))
			return skb;
	}
	return NULL;
}

bool ruring_has_tx_timestamp(struct socket *sock)
{
	struct sk_buff_head *queue = &sock->sk->sk_error_queue;

	if (!HAS(RURING_HAS_SKB_HAS_TX_TIMESTAMP) || skb_queue_empty_lockless(queue))
		return false;
	guard(spinlock_irq)(&queue->lock);
	return find_tx_timestamp(sock->sk);
}

struct ruring_tx_timestamp ruring_take_tx_timestamp(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct sk_buff_head *queue = &sk->sk_error_queue;
	struct ruring_tx_timestamp time = {};
	struct timespec64 at;
	struct sk_buff *skb;

	if (!HAS(RURING_HAS_SKB_HAS_TX_TIMESTAMP | RURING_HAS_SKB_GET_TX_TIMESTAMP))
		return time;
	scoped_guard(spinlock_irq, &queue->lock) {
		skb = find_tx_timestamp(sk);
		if (skb)
			__skb_unlink(skb, queue);
	}
	if (!skb)
		return time;
	time.source = static_call(known_skb_get_tx_timestamp)(skb, sk, &at);
	if (time.source < 0) {
		/* It has none after all, and stays for who asks otherwise. */
		skb_queue_head(queue, skb);
		return time;
	}
	time.sec = at.tv_sec;
	time.nsec = at.tv_nsec;
	time.key = SKB_EXT_ERR(skb)->ee.ee_data;
	time.type = SKB_EXT_ERR(skb)->ee.ee_info;
	consume_skb(skb);
	return time;
}

/*
 * A wait in a system call is interrupted by task work of anybody. What a call has submitted cannot be submitted
 * again, so that it cannot be restarted as others are: the work is done in the middle of the wait.
 *
 * The work may close the call's own file, of which the call need not have a reference, and whose release is task work
 * itself.
 */
bool ruring_run_task_work(void)
{
	if (!HAS(RURING_HAS_TASK_WORK_RUN))
		return false;
	clear_notify_signal();
	if (task_work_pending(current))
		static_call(known_task_work_run)();
	return true;
}

/* What the current task's cpuset has, or a part of it. */
static void read_cpuset(struct cpumask *mask)
{
	if (!IS_ENABLED(CONFIG_CPUSETS)) {
		cpumask_copy(mask, cpu_possible_mask);
	} else if (HAS(RURING_HAS_CPUSET_CPUS_ALLOWED)) {
		static_call(known_cpuset_cpus_allowed)(current, mask);
	} else {
		/* What else the cpuset has is not known. */
		guard(raw_spinlock_irqsave)(&current->pi_lock);
		cpumask_copy(mask, current->cpus_ptr);
	}
}

bool ruring_cpu_allowed(unsigned int cpu)
{
	struct ruring_cpus cpus = { };

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return false;
	cpumask_set_cpu(cpu, to_cpumask(cpus.bits));
	return ruring_cpus_allowed(cpus);
}

bool ruring_cpus_allowed(struct ruring_cpus cpus)
{
	cpumask_var_t cpuset;
	bool allowed;

	if (!alloc_cpumask_var(&cpuset, GFP_KERNEL_ACCOUNT))
		return false;
	read_cpuset(cpuset);
	allowed = cpumask_subset(to_cpumask(cpus.bits), cpuset);
	free_cpumask_var(cpuset);
	return allowed;
}

void ruring_place_current(struct ruring_cpus cpus)
{
	struct cpumask *mask = to_cpumask(cpus.bits);
	cpumask_var_t cpuset;

	if (!alloc_cpumask_var(&cpuset, GFP_KERNEL_ACCOUNT))
		return;
	do {
		read_cpuset(cpuset);
		if (!cpumask_and(mask, mask, cpuset))
			cpumask_copy(mask, cpuset);
		if (set_cpus_allowed_ptr(current, mask))
			break;
		/* The cpuset may have changed, and told this thread so, before it was put there. */
		read_cpuset(cpuset);
	} while (!cpumask_subset(mask, cpuset));
	free_cpumask_var(cpuset);
}

struct file *ruring_get_live_file(struct file *file)
{
	return file_ref_get(&file->f_ref) ? file : NULL;
}
