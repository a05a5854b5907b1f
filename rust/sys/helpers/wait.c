// SPDX-License-Identifier: GPL-2.0
/* Waiting, and what runs later: wait queues, work, the module that has to stay. */

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

__helper void ruring_init_work(struct work_struct *work, void (*func)(struct work_struct *))
{
	INIT_WORK(work, func);
}

__helper struct workqueue_struct *ruring_alloc_workqueue(void)
{
	return alloc_workqueue("ruring", WQ_UNBOUND, 0);
}

__helper struct workqueue_struct *ruring_alloc_io_workqueue(void)
{
	return alloc_workqueue("ruring_io", WQ_UNBOUND, WQ_MAX_ACTIVE);
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
