/* SPDX-License-Identifier: GPL-2.0 */
/* What rust/sys/ needs of C, as symbols: see helpers.c. */
#ifndef _RURING_HELPERS_H
#define _RURING_HELPERS_H

#include <linux/types.h>

struct bpf_prog;
struct cred;
struct delayed_work;
struct file;
struct irq_work;
struct iov_iter;
struct kiocb;
struct mm_struct;
struct module;
struct net;
struct mutex;
struct page;
struct poll_table_struct;
struct sk_buff;
struct sockaddr;
struct sock_filter;
struct socket;
struct spinlock;
struct task_struct;
struct tracepoint;
struct ubuf_info;
struct ubuf_info_ops;
struct user_struct;
struct vhost_task;
struct vm_area_struct;
struct vm_operations_struct;
struct wait_queue_entry;
struct wait_queue_head;
struct work_struct;
struct workqueue_struct;

struct task_struct *ruring_current(void);
struct mm_struct *ruring_current_mm(void);
const void *ruring_task_process(struct task_struct *task);
bool ruring_current_is_complete(void);
bool ruring_current_has_files(void);
bool ruring_current_has_fs(void);
bool ruring_task_exiting(struct task_struct *task);
struct mm_struct *ruring_task_mm(struct task_struct *task);
unsigned int ruring_task_cpu(struct task_struct *task);
pid_t ruring_task_pid_vnr(struct task_struct *task);
u64 ruring_task_runtime(struct task_struct *task);
struct vhost_task *ruring_vhost_task_create(bool (*step)(void *), void (*end)(void *),
					    void *data, const char *name);
void ruring_kill_current_thread(void);
bool ruring_has_resume_work(void);
void ruring_signal_resume_work(void);
void ruring_bind_current(unsigned int cpu);
void ruring_relax(void);
bool ruring_single_task_running(void);
bool ruring_current_exiting(void);
bool ruring_current_killed(void);
bool ruring_current_sigpending(void);
bool ruring_current_notified(void);
void ruring_mute_task_work(void);
void ruring_unmute_task_work(void);
bool ruring_current_is_kthread(void);
const struct cred *ruring_get_current_cred(void);
bool ruring_current_has_other_creds(void);
const struct cred *ruring_override_creds(const struct cred *cred);
void ruring_revert_creds(const struct cred *cred);
const void *ruring_current_fs(void);
struct net *ruring_get_current_net(void);
void ruring_put_net(struct net *net);
unsigned int ruring_num_online_cpus(void);
void ruring_mm_add_pinned(struct mm_struct *mm, s64 pages);

void ruring_set_current_iowait(bool iowait);
void ruring_set_current_interruptible(void);
void ruring_set_current_running(void);
int ruring_set_user_sigmask(const void __user *mask, size_t size);
void ruring_restore_sigmask(bool interrupted);
s64 ruring_ktime_get(void);
s64 ruring_ktime_get_boottime(void);

bool ruring_mutex_lock_killable(struct mutex *mutex);
bool ruring_waitqueue_active(struct wait_queue_head *wq);
bool ruring_wq_has_sleeper(struct wait_queue_head *wq);
void ruring_init_waitqueue_head(struct wait_queue_head *wq);
void ruring_wake_up_all(struct wait_queue_head *wq);
void ruring_wake_up_poll(struct wait_queue_head *wq, unsigned int key);
void ruring_poll_wait(struct file *file, struct wait_queue_head *wq,
		      struct poll_table_struct *table);
void ruring_spin_lock_init(struct spinlock *lock);
unsigned long ruring_spin_lock(struct spinlock *lock);
void ruring_spin_unlock(struct spinlock *lock, unsigned long flags);
void ruring_waitqueue_lock_irq(struct wait_queue_head *wq);
void ruring_waitqueue_unlock_irq(struct wait_queue_head *wq);
void ruring_waitqueue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry);
unsigned int ruring_vfs_poll(struct file *file, struct poll_table_struct *table);
unsigned int ruring_file_events(struct file *file, unsigned int wanted);
unsigned long ruring_file_count(struct file *file);
void ruring_get_file(struct file *file);
int ruring_filp_close(struct file *file);
bool ruring_file_may(struct file *file, bool write);
bool ruring_file_can_poll(struct file *file);
bool ruring_file_nonblock(struct file *file);
bool ruring_file_has_nowait(struct file *file);
bool ruring_file_is_stream(struct file *file);
bool ruring_file_is_reg(struct file *file);
bool ruring_file_is_blk(struct file *file);
bool ruring_ops_buffer_writes_nowait(const struct file_operations *ops);
s64 ruring_file_pos(struct file *file);
void ruring_set_file_pos(struct file *file, s64 pos);
void ruring_fsnotify(struct file *file, bool write);
bool ruring_file_needs_no_descriptors(struct file *file, bool write);
struct file *ruring_open(const char *path, int flags, umode_t mode);
ssize_t ruring_sendfile(struct file *in, loff_t from, struct file *out, size_t len);
void ruring_file_may_block(struct file *file);
const void *ruring_file_inode(struct file *file);
int ruring_current_ioprio(void);

void ruring_init_kiocb(struct kiocb *iocb, struct file *file);
int ruring_kiocb_set_rw_flags(struct kiocb *iocb, unsigned int flags, bool write);
bool ruring_kiocb_is_direct(struct kiocb *iocb);
void ruring_kiocb_set_nowait(struct kiocb *iocb, bool nowait);
bool ruring_kiocb_start_write(struct kiocb *iocb, bool nowait);
void ruring_kiocb_end_write(struct kiocb *iocb);
bool ruring_may_have_rt_ioprio(void);

void ruring_init_work(struct work_struct *work, void (*func)(struct work_struct *));
void ruring_init_irq_work(struct irq_work *work, void (*func)(struct irq_work *));
void ruring_init_delayed_work(struct delayed_work *work, void (*func)(struct work_struct *));
unsigned long ruring_msecs_to_jiffies(unsigned int msecs);
void ruring_mb(void);
void ruring_mb_after_atomic(void);
void ruring_visit_tracepoints(void (*fn)(struct tracepoint *tp, void *priv), void *priv);
int ruring_tracepoint_register(struct tracepoint *tp, void *probe);
void ruring_tracepoint_unregister(struct tracepoint *tp, void *probe);
void ruring_tracepoint_synchronize(void);
struct workqueue_struct *ruring_alloc_workqueue(void);
struct workqueue_struct *ruring_alloc_ends_workqueue(void);
void ruring_synchronize_tasks(void);

bool ruring_try_module_get(struct module *owner);
void ruring_get_module(struct module *owner);
void ruring_put_module(struct module *owner);

struct user_struct *ruring_get_current_user(void);
long ruring_charge_locked(struct user_struct *user, unsigned long pages,
			  unsigned long most);
void ruring_get_user(struct user_struct *user);
void ruring_uncharge_locked(struct user_struct *user, unsigned long pages);
unsigned long ruring_page_folio(struct page *page);
unsigned long ruring_page_folio_pages(struct page *page);
unsigned long ruring_page_folio_index(struct page *page);
void ruring_unpin_pages(struct page *first, unsigned long count);
struct page *ruring_alloc_page(void);
struct page *ruring_alloc_block(unsigned int order);
struct page *ruring_nth_page(struct page *block, unsigned int n);
void *ruring_page_address(struct page **pages, unsigned int count);
void ruring_free_page(struct page *page);
void *ruring_vmap(struct page **pages, unsigned int count);
unsigned long ruring_vm_pgoff(struct vm_area_struct *vma);
void ruring_vm_set_ops(struct vm_area_struct *vma, const struct vm_operations_struct *ops,
		       void *private);
void *ruring_vm_private(struct vm_area_struct *vma);
void ruring_file_no_linger(struct file *file);
unsigned int ruring_socket_family(struct socket *sock);
bool ruring_socket_is_tcp(struct socket *sock);
bool ruring_socket_has_data(struct socket *sock);
bool ruring_socket_idle(struct socket *sock);
struct wait_queue_head *ruring_socket_queue(struct file *file);
bool ruring_socket_quiet(struct wait_queue_head *wq);
bool ruring_socket_is_shut(struct socket *sock);
const char *ruring_socket_proto_name(struct socket *sock);
unsigned int ruring_socket_flags(struct socket *sock);
int ruring_socket_somaxconn(struct socket *sock);
int ruring_socket_in_queue(struct socket *sock);
int ruring_socket_out_queue(struct socket *sock);
int ruring_socket_getsockopt(struct socket *sock, int level, int name,
			     void __user *value, int *len);
int ruring_socket_setsockopt(struct socket *sock, int level, int name,
			     void __user *value, int len);
int ruring_socket_error(struct socket *sock);
int ruring_read_words4(u64 *words, const void __user *addr);
struct bio_vec;
struct iov_iter;
struct sk_buff;

void ruring_get_page(struct page *page);
void ruring_iter_init(struct iov_iter *iter, unsigned int direction, const struct bio_vec *pieces,
		      unsigned long nr, size_t offset, size_t count);
void ruring_iter_move(struct iov_iter *iter, unsigned long pieces, size_t offset, size_t count);
const struct bio_vec *ruring_iter_bvec(const struct iov_iter *iter);
size_t ruring_iter_offset(const struct iov_iter *iter);
size_t ruring_iter_count(const struct iov_iter *iter);
unsigned int ruring_skb_frags(struct sk_buff *skb);
bool ruring_skb_is_managed(struct sk_buff *skb);
void ruring_skb_set_managed(struct sk_buff *skb);
void ruring_skb_downgrade(struct sk_buff *skb);
void ruring_skb_fill(struct sk_buff *skb, unsigned int frag, struct page *page,
		     unsigned int offset, unsigned int len);
void ruring_skb_grow(struct sk_buff *skb, unsigned int frags, unsigned int len,
		     unsigned int truesize);
void ruring_change_bits(u32 *word, u32 bits, bool set);
void ruring_iov_iter_ubuf(struct iov_iter *iter, unsigned int direction,
			  void __user *addr, size_t len);
bool ruring_access_ok(const void __user *addr, size_t len);
unsigned long ruring_index_nospec(unsigned long index, unsigned long size);
bool ruring_file_is_io_uring(struct file *file);
unsigned long ruring_rlimit_nproc(void);
unsigned long ruring_rlimit_nofile(void);
s64 ruring_ktime_to_host(int clock, s64 time);

bool ruring_socket_supports_zc(struct socket *sock);
void ruring_ubuf_init(struct ubuf_info *ubuf, const struct ubuf_info_ops *ops, u8 flags);
void ruring_ubuf_get(struct ubuf_info *ubuf);
bool ruring_ubuf_put(struct ubuf_info *ubuf);
bool ruring_ubuf_is_sole(struct ubuf_info *ubuf);
struct ubuf_info *ruring_skb_ubuf(struct sk_buff *skb);
void ruring_skb_carry(struct sk_buff *skb, struct ubuf_info *ubuf);
bool ruring_may_lock(void);
long ruring_account_pages(struct user_struct *user, unsigned long pages,
			  unsigned long most, bool privileged);
unsigned int ruring_current_uid(void);
bool ruring_may_administer(const struct file *file);

int ruring_hook_accept(struct socket *sock, struct socket *newsock);
int ruring_hook_bind(struct socket *sock, struct sockaddr *addr, int len);
int ruring_hook_connect(struct socket *sock, struct sockaddr *addr, int len);
int ruring_hook_listen(struct socket *sock, int backlog);
int ruring_hook_recvmsg(struct socket *sock, int size, unsigned int flags);
int ruring_hook_shutdown(struct socket *sock, int how);
int ruring_hook_getname(struct socket *sock, bool peer);
bool ruring_current_restricted(void);
int ruring_hook_allowed(void);
int ruring_hook_sqpoll(void);
int ruring_hook_override_creds(const struct cred *cred);
int ruring_hook_cmd(struct file *file, unsigned int op);
struct bpf_prog *ruring_bpf_create(u64 from, u16 len,
				   int (*prepare)(struct sock_filter *, unsigned int));
bool ruring_bpf_run(const struct bpf_prog *prog, const void *ctx);
bool ruring_audit_entry(u8 op);
void ruring_audit_exit(long code);

#endif /* _RURING_HELPERS_H */
