/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guard: what the kernel runs of it.  A worker judges a call, leaves a permit for the thread that waits
 * in it, and lets the kernel continue.  The hooks let through what a permit names, for that call of that
 * thread alone, and refuse all else that a session's tasks would create.
 *
 * A task is a session's if the session's filter is in the chain of its seccomp filters.  The programs that
 * begin with guard_ are run by the daemon and its workers with BPF_PROG_RUN; what they may touch is bounded
 * by the listener that the calling process holds.
 *
 * Must never keep a name in memory that another task's hook can write (the hooks are preemptible), and never
 * trust what a tracing program noted: such programs can be missed. */

#include "guard/requests.bpf.h"
#include "guard/sessions.bpf.h"

#define PIECE_SIZE 64
#define REFUSALS_PER_SECOND 16

/* Is this the call that the permit is for?  Registers cannot change between the answer to the notification
 * and a hook: a tracer's changes come before seccomp (syscall_trace_enter() in kernel/entry/common.c).  What
 * a ring is asked to do runs in a thread of its own, which may have been born in any system call. */
static __always_inline bool is_call_of(struct task_struct *task, const GuardPermit *permit) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs((void *)task);
        bool is_ia32 = BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
        bool same;

        if (BPF_CORE_READ(task, flags) & PF_IO_WORKER || permit->is_ia32 != is_ia32)
                return false;
        same = permit->number == (int32_t)BPF_CORE_READ(regs, orig_ax);
        if (is_ia32) /* the notification has whole registers, too: syscall_get_arguments() */
                return same && permit->arguments[0] == BPF_CORE_READ(regs, bx) &&
                       permit->arguments[1] == BPF_CORE_READ(regs, cx) &&
                       permit->arguments[2] == BPF_CORE_READ(regs, dx) &&
                       permit->arguments[3] == BPF_CORE_READ(regs, si) &&
                       permit->arguments[4] == BPF_CORE_READ(regs, di) &&
                       permit->arguments[5] == BPF_CORE_READ(regs, bp);
        return same && permit->arguments[0] == BPF_CORE_READ(regs, di) &&
               permit->arguments[1] == BPF_CORE_READ(regs, si) &&
               permit->arguments[2] == BPF_CORE_READ(regs, dx) &&
               permit->arguments[3] == BPF_CORE_READ(regs, r10) &&
               permit->arguments[4] == BPF_CORE_READ(regs, r8) &&
               permit->arguments[5] == BPF_CORE_READ(regs, r9);
}

static __always_inline GuardPermit *permit_of(struct task_struct *task, const Chain *chain) {
        GuardPermitKey key = {.filter = (uint64_t)chain->session, .tid = task->pid};
        GuardPermit *permit;

        if (!chain->session || chain->is_orphan)
                return NULL;
        permit = bpf_map_lookup_elem(&permits, &key);
        if (!permit || permit->id == 0 || permit->birth != task->start_boottime)
                return NULL;
        return is_call_of(task, permit) ? permit : NULL;
}

/* ---- what the hooks answer ---- */

static __always_inline bool is_name(struct dentry *dentry, const GuardPlace *place) {
        const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
        uint32_t length = BPF_CORE_READ(dentry, d_name.len);
        uint64_t piece[PIECE_SIZE / sizeof(uint64_t)];
        bool same = length == place->name_length && length < GUARD_NAME_SIZE;

#pragma unroll
        for (uint32_t at = 0; at < GUARD_NAME_SIZE; at += PIECE_SIZE) {
                uint32_t n = length > at ? length - at : 0;

                if (!same || n == 0)
                        break;
                /* The verifier loses the bound where the compiler keeps another copy of it. */
                asm volatile("" : "+r"(n));
                if (n > PIECE_SIZE)
                        n = PIECE_SIZE;
                __builtin_memset(piece, 0, sizeof(piece));
                if (bpf_probe_read_kernel(piece, n, name + at) < 0)
                        return false;
#pragma unroll
                for (uint32_t i = 0; i < PIECE_SIZE / sizeof(uint64_t); i++)
                        same &= piece[i] == ((const uint64_t *)(place->name + at))[i];
        }
        return same;
}

static __always_inline bool is_place(struct inode *dir, struct dentry *dentry, const GuardPlace *place) {
        return place->inode == (uint64_t)dir && place->super_block == (uint64_t)dir->i_sb &&
               place->number == dir->i_ino && place->generation == dir->i_generation &&
               is_name(dentry, place);
}

/* The verifier of Linux 6.12 wants the result of a hook proved to be from -4095 to 0. */
static __always_inline int as_result(int64_t error) {
        asm volatile("" : "+r"(error));
        if (error < -ERRNO_MAX)
                error = -EPERM;
        if (error > 0)
                error = -EPERM;
        asm volatile("" : "+r"(error));
        return error;
}

static __noinline int tell_names(GuardRefusal *refusal, struct dentry *dentry) {
        if (!refusal)
                return 0;
        bpf_probe_read_kernel_str(refusal->name, sizeof(refusal->name), BPF_CORE_READ(dentry, d_name.name));
        for (uint32_t i = 0; i < GUARD_ANCESTORS; i++) {
                struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

                refusal->ancestors[i][0] = 0;
                if (parent == dentry)
                        continue;
                dentry = parent;
                bpf_probe_read_kernel_str(
                        refusal->ancestors[i], GUARD_ANCESTOR_SIZE, BPF_CORE_READ(dentry, d_name.name));
        }
        return 0;
}

static __always_inline void tell_task(GuardRefusal *refusal, struct task_struct *task) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs((void *)task);

        refusal->tid = task->pid;
        refusal->tgid = task->tgid;
        refusal->uid = BPF_CORE_READ(task, real_cred, euid.val);
        refusal->number = BPF_CORE_READ(regs, orig_ax);
        refusal->is_ring = (BPF_CORE_READ(task, flags) & PF_IO_WORKER) != 0;
        BPF_CORE_READ_STR_INTO(&refusal->comm, task, comm);
}

/* Some are told each second; of the others the next one says how many there were. */
static __always_inline bool is_told(GuardSession *session) {
        uint32_t second = bpf_ktime_get_ns() >> 30;

        if (session->second != second) {
                session->second = second;
                session->n_told = 0;
        }
        if (__sync_fetch_and_add(&session->n_told, 1) < REFUSALS_PER_SECOND)
                return true;
        __sync_fetch_and_add(&session->n_suppressed, 1);
        return false;
}

/* No worker was asked, so that the daemon is told. */
static __always_inline int refuse(
        const Chain *chain, struct inode *dir, struct dentry *dentry, enum GuardReason reason) {
        uint64_t key = (uint64_t)chain->session;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);
        GuardRefusal *refusal;

        if (!session || chain->is_orphan || !is_told(session))
                return -EPERM;
        refusal = bpf_ringbuf_reserve(&refusals, sizeof(*refusal), 0);
        if (!refusal) {
                __sync_fetch_and_add(&session->n_suppressed, 1);
                return -EPERM;
        }
        refusal->session_id = session->session_id;
        refusal->reason = reason;
        refusal->n_suppressed = session->n_suppressed;
        session->n_suppressed = 0;
        refusal->device = dir->i_sb->s_dev;
        tell_task(refusal, current());
        bpf_probe_read_kernel_str(
                refusal->file_system, sizeof(refusal->file_system), BPF_CORE_READ(dir, i_sb, s_type, name));
        tell_names(refusal, dentry);
        bpf_ringbuf_submit(refusal, 0);
        return -EPERM;
}

static __always_inline bool has_flag(const Chain *chain, enum GuardSessionFlags flag) {
        uint64_t key = (uint64_t)chain->session;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);

        return session && !chain->is_orphan && session->flags & flag;
}

static __always_inline bool is_io_worker(struct task_struct *task) {
        return task->flags & PF_IO_WORKER;
}

/* Takes the note: it is good for one directory. */
static __always_inline bool take_copy_up(const struct cred *cred) {
        uint64_t thread = bpf_get_current_pid_tgid(), *noted = bpf_map_lookup_elem(&copy_ups, &thread);
        bool is_noted = noted && *noted == (uint64_t)cred;

        if (is_noted)
                bpf_map_delete_elem(&copy_ups, &thread);
        return is_noted;
}

/* Does the kernel create something by itself, for a call that asked it for something else?  An overlay does,
 * with its mounter's credentials instead of the task's.  An io_uring worker has other credentials than its
 * own, too, where a ring asks for that; there the note tells. */
static __always_inline bool is_by_overlay(struct task_struct *task) {
        const struct cred *cred = task->cred;

        return cred != task->real_cred && (!is_io_worker(task) || take_copy_up(cred));
}

/* The working directories of an overlay are created while it is mounted. */
static __always_inline bool is_by_mount(struct task_struct *task) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs((void *)task);
        uint32_t number = BPF_CORE_READ(regs, orig_ax);
        bool is_ia32 = task->thread_info.status & TS_COMPAT;

        return task->cred == task->real_cred && !is_io_worker(task) &&
               (number == NR_FSCONFIG || number == (is_ia32 ? NR_MOUNT_IA32 : NR_MOUNT));
}

/* What the host's administrator has mounted behaves as it always does; what a workload has mounted must not
 * lead to where it may not create anything.  An overlay can get credentials of the initial user namespace
 * from a workload, too (fsconfig() by another process, before Linux 6.5), but not that capability. */
static __always_inline int judge_mount(const Chain *chain, struct inode *dir, struct dentry *dentry) {
        const struct cred *cred = current()->cred;
        uint32_t capabilities = 0;

        bpf_probe_read_kernel(&capabilities, sizeof(capabilities),
                (const void *)cred + bpf_core_field_offset(struct cred, cap_effective));
        if (cred->user_ns->level == 0 && capabilities & 1U << CAP_SYS_ADMIN)
                return 0;
        return has_flag(chain, GUARD_PRIVATE_ALLOWED) ? 0 : refuse(chain, dir, dentry, GUARD_OWN_OVERLAY);
}

static __always_inline int judge_permit(
        GuardPermit *permit, const Chain *chain, struct inode *dir, struct dentry *dentry) {
        if (permit->is_void && !(permit->fate & GUARD_USED) && has_flag(chain, GUARD_ALL_ALLOWED)) {
                permit->fate |= GUARD_USED | GUARD_ASKED;
                return 0;
        }
        if (permit->is_void || permit->fate & GUARD_USED || !is_place(dir, dentry, &permit->place)) {
                permit->fate |= GUARD_MISMATCHED;
                return -EPERM;
        }
        permit->fate |= GUARD_USED | GUARD_ASKED;
        return permit->error;
}

/* Returns 0 or a negative errno for the creation of the name in dir. */
static __always_inline int judge(struct inode *dir, struct dentry *dentry) {
        struct task_struct *task = current();
        GuardPermit *permit;
        Chain chain;

        if (!find_session(task, &chain))
                return 0;
        if (is_by_overlay(task) || is_by_mount(task))
                return judge_mount(&chain, dir, dentry);
        permit = permit_of(task, &chain);
        if (!permit)
                return refuse(&chain, dir, dentry, GUARD_NO_PERMIT);
        /* Another stacked file system, which keeps the task's credentials, passes on what was let through.
         */
        if (permit->fate & GUARD_USED && permit->place.super_block != (uint64_t)dir->i_sb)
                return 0;
        return judge_permit(permit, &chain, dir, dentry);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(hook_mkdir, struct inode *dir, struct dentry *dentry, uint16_t mode, int ret) {
        return ret != 0 ? ret : as_result(judge(dir, dentry));
}

/* System calls and rings reach this hook, and file systems that do something for them do not.  An attempt
 * begins, which may be the kernel's second one, after ESTALE; nothing that a ring asks for uses a note that
 * was left. */
SEC("lsm/path_mkdir")
int BPF_PROG(hook_attempt, const struct path *dir, struct dentry *dentry, uint16_t mode, int ret) {
        struct task_struct *task = current();
        uint64_t thread = bpf_get_current_pid_tgid();
        GuardPermit *permit;
        Chain chain;

        if (ret != 0 || !find_session(task, &chain))
                return ret;
        if (is_io_worker(task))
                bpf_map_delete_elem(&copy_ups, &thread);
        permit = permit_of(task, &chain);
        if (permit)
                permit->fate &= ~(uint32_t)GUARD_USED;
        return 0;
}

/* Where another security module makes credentials for the copy (SELinux does), a ring cannot copy
 * directories up: the verifier does not let this hook see them. */
SEC("lsm/inode_copy_up")
int BPF_PROG(hook_copy_up, struct dentry *source, struct cred **new, int ret) {
        struct task_struct *task = current();
        uint64_t thread = bpf_get_current_pid_tgid(), cred = (uint64_t)task->cred;
        Chain chain;

        if (ret != 0 || !is_io_worker(task) || !find_session(task, &chain))
                return ret;
        if ((source->d_inode->i_mode & S_IFMT) != S_IFDIR)
                return 0;
        bpf_map_update_elem(&copy_ups, &thread, &cred, BPF_ANY);
        return 0;
}

/* For records alone: it may be missed. */
SEC("fexit/do_mkdirat")
int BPF_PROG(after_mkdir, int dirfd, void *name, uint16_t mode, int ret) {
        struct task_struct *task = current();
        GuardPermit *permit;
        Chain chain;

        if (!find_session(task, &chain))
                return 0;
        permit = permit_of(task, &chain);
        if (permit) {
                permit->result = ret;
                permit->fate |= GUARD_RETURNED;
        }
        return 0;
}
