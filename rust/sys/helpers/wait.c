// SPDX-License-Identifier: GPL-2.0
/* Waiting, and what runs later: wait queues, work, the module that has to stay. */

__helper bool ruring_mutex_lock_killable(struct mutex *mutex)
{
	return !mutex_lock_killable(mutex);
}

__helper bool ruring_waitqueue_active(struct wait_queue_head *wq)
{
	/* For who has had the barrier: each call says where. */
	return waitqueue_active(wq);
}

__helper bool ruring_wq_has_sleeper(struct wait_queue_head *wq)
{
	return wq_has_sleeper(wq);
}

__helper void ruring_init_waitqueue_head(struct wait_queue_head *wq)
{
	init_waitqueue_head(wq);
}

__helper void ruring_wake_up_all(struct wait_queue_head *wq)
{
	wake_up_all(wq);
}

__helper void ruring_wake_up_poll(struct wait_queue_head *wq, unsigned int key)
{
	__wake_up(wq, TASK_NORMAL, 0, poll_to_key(key));
}

__helper void ruring_poll_wait(struct file *file, struct wait_queue_head *wq,
		      struct poll_table_struct *table)
{
	poll_wait(file, wq, table);
}

__helper void ruring_waitqueue_lock_irq(struct wait_queue_head *wq)
{
	spin_lock_irq(&wq->lock);
}

__helper void ruring_waitqueue_unlock_irq(struct wait_queue_head *wq)
{
	spin_unlock_irq(&wq->lock);
}

/*
 * As add_wait_queue(), for an entry that nobody looks at yet. Interrupts must be on, as they are wherever ->poll() names a
 * queue: select(2) allocates there. (One driver of PowerPC turns them off before.)
 */
__helper void ruring_waitqueue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	lockdep_assert_irqs_enabled();
	entry->flags &= ~WQ_FLAG_EXCLUSIVE;
	spin_lock_irq(&wq->lock);
	__add_wait_queue(wq, entry);
	spin_unlock_irq(&wq->lock);
}

__helper void ruring_spin_lock_init(struct spinlock *lock)
{
	spin_lock_init(lock);
}

__helper unsigned long ruring_spin_lock(struct spinlock *lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}

__helper void ruring_spin_unlock(struct spinlock *lock, unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}

__helper void ruring_init_work(struct work_struct *work, void (*func)(struct work_struct *))
{
	INIT_WORK(work, func);
}

__helper struct workqueue_struct *ruring_alloc_workqueue(void)
{
	return alloc_workqueue("ruring", WQ_UNBOUND, 0);
}

__helper struct workqueue_struct *ruring_alloc_ends_workqueue(void)
{
	return alloc_workqueue("ruring_ends", WQ_UNBOUND, WQ_MAX_ACTIVE);
}

__helper void ruring_synchronize_tasks(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu();
}

__helper bool ruring_try_module_get(struct module *owner)
{
	return try_module_get(owner);
}

__helper void ruring_get_module(struct module *owner)
{
	__module_get(owner);
}

__helper void ruring_put_module(struct module *owner)
{
	module_put(owner);
}

__helper void ruring_init_irq_work(struct irq_work *work, void (*func)(struct irq_work *))
{
	init_irq_work(work, func);
}

__helper void ruring_init_delayed_work(struct delayed_work *work,
				       void (*func)(struct work_struct *))
{
	INIT_DELAYED_WORK(work, func);
}

__helper unsigned long ruring_msecs_to_jiffies(unsigned int msecs)
{
	return msecs_to_jiffies(msecs);
}

__helper void ruring_mb(void)
{
	/* What it is paired with is said where it is called. */
	smp_mb();
}

/* Full ordering after an atomic operation that has less. */
__helper void ruring_mb_after_atomic(void)
{
	/* What it is paired with is said where it is called. */
	smp_mb__after_atomic();
}

__helper void ruring_visit_tracepoints(void (*fn)(struct tracepoint *tp, void *priv), void *priv)
{
#ifdef CONFIG_TRACEPOINTS
	for_each_kernel_tracepoint(fn, priv);
#endif
}

__helper int ruring_tracepoint_register(struct tracepoint *tp, void *probe)
{
#ifdef CONFIG_TRACEPOINTS
	return tracepoint_probe_register(tp, probe, NULL);
#else
	return -ENODEV;
#endif
}

__helper void ruring_tracepoint_unregister(struct tracepoint *tp, void *probe)
{
#ifdef CONFIG_TRACEPOINTS
	tracepoint_probe_unregister(tp, probe, NULL);
#endif
}

__helper void ruring_tracepoint_synchronize(void)
{
	tracepoint_synchronize_unregister();
}
