// SPDX-License-Identifier: GPL-2.0
/* Tasks: who they are, what they may, their signals and clocks. */

__helper struct task_struct *ruring_current(void)
{
	return current;
}

__helper struct mm_struct *ruring_current_mm(void)
{
	return current->mm;
}

/* By what it has until its last reference is gone: numbers come back. */
__helper const void *ruring_task_process(struct task_struct *task)
{
	return task->signal;
}

__helper bool ruring_task_exiting(struct task_struct *task)
{
	return READ_ONCE(task->flags) & PF_EXITING;
}

/* Only to compare: of another task it may be gone by now. */
__helper struct mm_struct *ruring_task_mm(struct task_struct *task)
{
	return READ_ONCE(task->mm);
}

__helper unsigned int ruring_task_cpu(struct task_struct *task)
{
	return task_cpu(task);
}

__helper pid_t ruring_task_pid_vnr(struct task_struct *task)
{
	return task_pid_vnr(task);
}

__helper u64 ruring_task_runtime(struct task_struct *task)
{
	return READ_ONCE(task->se.sum_exec_runtime);
}

#ifdef CONFIG_VHOST_TASK
__helper struct vhost_task *ruring_vhost_task_create(bool (*step)(void *), void (*end)(void *),
						     void *data, const char *name)
{
	struct vhost_task *thread;
	sigset_t all, old;

	/*
	 * A thread cannot be made while a signal is pending that is to be handled. Nor by a task that is killed: another thread
	 * may be executing a program, which no new thread of the old one must outlive.
	 */
	siginitsetinv(&all, sigmask(SIGKILL));
	sigprocmask(SIG_SETMASK, &all, &old);
	thread = vhost_task_create(step, end, data, name);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return thread;
}

__helper void ruring_kill_current_thread(void)
{
	/* As zap_other_threads(): of a user worker this ends the thread alone. */
	guard(spinlock_irq)(&current->sighand->siglock);
	sigaddset(&current->pending.signal, SIGKILL);
	set_thread_flag(TIF_SIGPENDING);
}

/*
 * A user worker never gets to where other tasks do the work that is to be done before they return to user space, such as to be
 * throttled and to release files. Where it handles its signals it does all task work.
 */
__helper bool ruring_has_resume_work(void)
{
	return test_thread_flag(TIF_NOTIFY_RESUME);
}

__helper void ruring_signal_resume_work(void)
{
	clear_thread_flag(TIF_NOTIFY_RESUME);
	set_thread_flag(TIF_NOTIFY_SIGNAL);
}
#endif

__helper void ruring_bind_current(unsigned int cpu)
{
	/*
	 * Gone meanwhile: then it runs where it can, as with io_uring. Others may move it: a thread that cannot be moved would keep its
	 * process in its cpuset.
	 */
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

__helper void ruring_relax(void)
{
	cpu_relax();
	cond_resched();
}

__helper bool ruring_single_task_running(void)
{
	return single_task_running();
}

__helper bool ruring_current_exiting(void)
{
	return current->flags & (PF_EXITING | PF_KTHREAD);
}

/* Whether it has all that a task in a system call has. */
__helper bool ruring_current_is_complete(void)
{
	return !(current->flags & (PF_EXITING | PF_KTHREAD | PF_USER_WORKER)) &&
	       current->files && current->fs && current->nsproxy;
}

__helper bool ruring_current_has_files(void)
{
	return current->files;
}

__helper bool ruring_current_has_fs(void)
{
	return current->fs;
}

__helper bool ruring_current_killed(void)
{
	return fatal_signal_pending(current);
}

__helper bool ruring_current_sigpending(void)
{
	return task_sigpending(current);
}

__helper bool ruring_current_notified(void)
{
	return test_thread_flag(TIF_NOTIFY_SIGNAL);
}

__helper void ruring_mute_task_work(void)
{
	clear_notify_signal();
}

/* What is sent behind this comes with the flag. */
__helper void ruring_unmute_task_work(void)
{
	if (task_work_pending(current))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
}

__helper bool ruring_current_is_kthread(void)
{
	return current->flags & PF_KTHREAD;
}

__helper const struct cred *ruring_get_current_cred(void)
{
	return get_current_cred();
}

__helper bool ruring_current_has_other_creds(void)
{
	return current_cred() != current_real_cred();
}

__helper const struct cred *ruring_override_creds(const struct cred *cred)
{
	return override_creds(cred);
}

__helper void ruring_revert_creds(const struct cred *cred)
{
	revert_creds(cred);
}

/* Only to compare, with those of a task that has them. */
__helper const void *ruring_current_fs(void)
{
	return current->fs;
}

__helper struct net *ruring_get_current_net(void)
{
	return get_net(current->nsproxy->net_ns);
}

__helper void ruring_put_net(struct net *net)
{
	put_net(net);
}

__helper unsigned int ruring_num_online_cpus(void)
{
	return num_online_cpus();
}

__helper void ruring_set_current_iowait(bool iowait)
{
	current->in_iowait = iowait;
}

__helper void ruring_set_current_interruptible(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
}

__helper void ruring_set_current_running(void)
{
	__set_current_state(TASK_RUNNING);
}

/* As set_user_sigmask(), which modules lack. */
__helper int ruring_set_user_sigmask(const void __user *mask, size_t size)
{
	sigset_t set;

	if (!mask)
		return 0;
	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	set_restore_sigmask();
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	return sigprocmask(SIG_SETMASK, &set, NULL);
}

__helper void ruring_restore_sigmask(bool interrupted)
{
	/* As restore_saved_sigmask_unless(), whose set_current_blocked() modules lack. */
	if (!interrupted && test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
}

__helper s64 ruring_ktime_get(void)
{
	return ktime_get();
}

__helper s64 ruring_ktime_get_boottime(void)
{
	return ktime_get_boottime();
}

__helper s64 ruring_ktime_to_host(int clock, s64 time)
{
#ifdef CONFIG_TIME_NS
	/* An exiting task has no namespaces any more. */
	if (!current->nsproxy)
		return time;
	/* As timens_ktime_to_host(), whose init_time_ns modules lack. */
	return do_timens_ktime_to_host(clock, time, &current->nsproxy->time_ns->offsets);
#else
	return time;
#endif
}
