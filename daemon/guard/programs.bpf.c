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

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t, __u32, __wsum, __be32;
typedef int int32_t, __s32;
typedef unsigned long long uint64_t, __u64, __be64;
typedef long long int64_t, __s64;
typedef unsigned short __u16, __be16;
typedef unsigned char __u8;
typedef short __s16;

enum {
        BPF_MAP_TYPE_HASH = 1,
        BPF_MAP_TYPE_ARRAY = 2,
        BPF_MAP_TYPE_RINGBUF = 27,
        BPF_ANY = 0,
        BPF_NOEXIST = 1,
        BPF_F_NO_PREALLOC = 1,
};

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define GUARD_IN_KERNEL
#include "guard/guard-abi.h"

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define E2BIG 7
#define EBADF 9
#define EAGAIN 11
#define ENOSPC 28
#define ERRNO_MAX 4095

#define PF_IO_WORKER 0x10
#define AUDIT_ARCH_I386 0x40000003
#define TS_COMPAT 2 /* thread_info.status: this call came by the 32-bit entry */
#define FILTERS_MAX (1 << 16)
#define NOTIFICATIONS_MAX (1 << 16)
#define PIECE_SIZE 64

/* The fields of the kernel's structures that are read; where they are is found out at load. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head {
        struct list_head *next;
};
struct seccomp_data {
        int nr;
        uint32_t arch;
        uint64_t args[GUARD_ARGUMENTS];
};
enum notify_state {
        SECCOMP_NOTIFY_INIT,
        SECCOMP_NOTIFY_SENT,
};
struct seccomp_knotif {
        struct task_struct *task;
        uint64_t id;
        const struct seccomp_data *data;
        enum notify_state state;
        struct list_head list;
};
struct notification {
        struct list_head notifications;
};
struct bpf_prog;
struct seccomp_filter {
        struct seccomp_filter *prev;
        struct bpf_prog *prog;
        struct notification *notif;
};
struct seccomp {
        struct seccomp_filter *filter;
};
struct user_namespace {
        int level;
};
typedef struct {
        uint32_t val;
} kuid_t;
struct cred {
        kuid_t euid;
        struct user_namespace *user_ns;
};
struct thread_info {
        uint32_t status;
};
struct super_block;
struct inode {
        unsigned long i_ino;
        uint32_t i_generation;
        struct super_block *i_sb;
};
struct file_system_type {
        const char *name;
};
struct super_block {
        uint32_t s_dev;
        struct file_system_type *s_type;
};
struct qstr {
        uint32_t len;
        const unsigned char *name;
};
struct dentry {
        struct dentry *d_parent;
        struct qstr d_name;
};
struct path {
        struct dentry *dentry;
};
struct file {
        const void *f_op;
        void *private_data;
        struct inode *f_inode;
};
struct fdtable {
        uint32_t max_fds;
        struct file **fd;
};
struct files_struct {
        struct fdtable *fdt;
};
struct task_struct {
        struct thread_info thread_info;
        uint32_t flags;
        int pid;
        int tgid;
        char comm[GUARD_COMM_SIZE];
        struct seccomp seccomp;
        struct files_struct *files;
        const struct cred *cred;
        const struct cred *real_cred;
};
struct pt_regs {
        unsigned long r10, r9, r8, bp, bx, cx, dx, si, di, orig_ax;
};
struct bpf_iter__task {
        struct task_struct *task;
};
#pragma clang attribute pop

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, GUARD_SESSIONS_MAX);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, uint64_t);
        __type(value, GuardSession);
} sessions SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, GUARD_PERMITS_MAX);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, GuardPermitKey);
        __type(value, GuardPermit);
} permits SEC(".maps");

/* The credentials with which the kernel copies up for a thread, on an overlay of the host. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 1024);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, uint64_t); /* as bpf_get_current_pid_tgid() */
        __type(value, uint64_t);
} copy_ups SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 65536);
} refusals SEC(".maps");

/* One permit that is all zero, to begin with: it is too large for the stack. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, uint32_t);
        __type(value, GuardPermit);
} blank SEC(".maps");

uint64_t listener_operations = 0; /* address of the file operations of listeners */
uint64_t n_shared_permits = 0;    /* beyond what is reserved for each session */
uint64_t n_refusals_lost = 0;     /* no room in the ring buffer */
uint32_t sweep = 0;

char LICENSE[] SEC("license") = "GPL";

static __always_inline struct task_struct *current(void) {
        return (struct task_struct *)bpf_get_current_task_btf();
}

/* ---- which session a task belongs to ---- */

typedef struct Chain {
        struct seccomp_filter *filter;  /* next to be looked at */
        struct seccomp_filter *session; /* of the session whose listener lives */
        bool is_guarded;                /* some session's filter is in the chain */
        bool is_orphan;                 /* one of them has no listener any more */
} Chain;

static __always_inline GuardSession *session_of_filter(struct seccomp_filter *filter) {
        uint64_t key = (uint64_t)filter;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);

        if (!session || session->program != (uint64_t)BPF_CORE_READ(filter, prog))
                return NULL;
        return session;
}

static long look_at_filter(uint32_t i, void *userdata) {
        Chain *chain = userdata;
        struct seccomp_filter *filter = chain->filter;

        if (!filter)
                return 1;
        if (session_of_filter(filter)) {
                chain->is_guarded = true;
                if (BPF_CORE_READ(filter, notif))
                        chain->session = filter;
                else
                        chain->is_orphan = true;
        }
        chain->filter = BPF_CORE_READ(filter, prev);
        return 0;
}

/* Most tasks have no filter at all: one load, and out. */
static __always_inline bool find_session(struct task_struct *task, Chain *chain) {
        *chain = (Chain){.filter = task->seccomp.filter};
        if (!chain->filter)
                return false;
        bpf_loop(FILTERS_MAX, look_at_filter, chain, 0);
        return chain->is_guarded;
}

/* ---- this call ---- */

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
        if (is_ia32)
                return same && permit->arguments[0] == (uint32_t)BPF_CORE_READ(regs, bx) &&
                       permit->arguments[1] == (uint32_t)BPF_CORE_READ(regs, cx) &&
                       permit->arguments[2] == (uint32_t)BPF_CORE_READ(regs, dx) &&
                       permit->arguments[3] == (uint32_t)BPF_CORE_READ(regs, si) &&
                       permit->arguments[4] == (uint32_t)BPF_CORE_READ(regs, di) &&
                       permit->arguments[5] == (uint32_t)BPF_CORE_READ(regs, bp);
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
        return permit && permit->id != 0 && is_call_of(task, permit) ? permit : NULL;
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

/* No worker was asked, so that the daemon is told. */
static __always_inline int refuse(
        const Chain *chain, struct inode *dir, struct dentry *dentry, enum GuardReason reason) {
        uint64_t key = (uint64_t)chain->session;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);
        GuardRefusal *refusal;

        if (!session || chain->is_orphan)
                return -EPERM;
        refusal = bpf_ringbuf_reserve(&refusals, sizeof(*refusal), 0);
        if (!refusal) {
                __sync_fetch_and_add(&n_refusals_lost, 1);
                return -EPERM;
        }
        refusal->session_id = session->session_id;
        refusal->reason = reason;
        refusal->reserved = 0;
        refusal->device = dir->i_sb->s_dev;
        tell_task(refusal, current());
        bpf_probe_read_kernel_str(
                refusal->file_system, sizeof(refusal->file_system), BPF_CORE_READ(dir, i_sb, s_type, name));
        tell_names(refusal, dentry);
        bpf_ringbuf_submit(refusal, 0);
        return -EPERM;
}

static __always_inline bool may_in_own_overlay(const Chain *chain) {
        uint64_t key = (uint64_t)chain->session;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);

        return session && !chain->is_orphan && session->flags & GUARD_PRIVATE_ALLOWED;
}

/* A stacked file system does, with its mounter's credentials, what a task has asked it for. */
static __always_inline bool is_noted_copy_up(const struct cred *cred) {
        uint64_t thread = bpf_get_current_pid_tgid(), *noted = bpf_map_lookup_elem(&copy_ups, &thread);

        return noted && *noted == (uint64_t)cred;
}

/* Returns 0 or a negative errno for the creation of the name in dir. */
static __always_inline int judge(struct inode *dir, struct dentry *dentry) {
        struct task_struct *task = current();
        const struct cred *cred = task->cred;
        bool is_overridden = cred != task->real_cred;
        bool is_own_mount = is_overridden && cred->user_ns->level > 0;
        GuardPermit *permit;
        Chain chain;

        if (!find_session(task, &chain))
                return 0;
        permit = permit_of(task, &chain);
        if (permit && permit->fate & GUARD_USED && permit->place.super_block != (uint64_t)dir->i_sb) {
                if (!is_own_mount || may_in_own_overlay(&chain))
                        return 0;
                permit->fate |= GUARD_MISMATCHED;
                return refuse(&chain, dir, dentry, GUARD_OWN_OVERLAY);
        }
        if (is_overridden && is_own_mount)
                return may_in_own_overlay(&chain) ? 0 : refuse(&chain, dir, dentry, GUARD_OWN_OVERLAY);
        if (is_overridden && is_noted_copy_up(cred))
                return 0;
        if (!permit)
                return refuse(&chain, dir, dentry, GUARD_NO_PERMIT);
        if (permit->is_void || permit->fate & GUARD_USED || !is_place(dir, dentry, &permit->place)) {
                permit->fate |= GUARD_MISMATCHED;
                return -EPERM;
        }
        permit->fate |= GUARD_USED | GUARD_ASKED;
        return permit->error;
}

SEC("lsm/inode_mkdir")
int BPF_PROG(hook_mkdir, struct inode *dir, struct dentry *dentry, uint16_t mode, int ret) {
        return ret != 0 ? ret : as_result(judge(dir, dentry));
}

/* System calls reach this hook, and file systems that do something for them do not: an attempt begins, which
 * may be the kernel's second one, after ESTALE. */
SEC("lsm/path_mkdir")
int BPF_PROG(hook_attempt, const struct path *dir, struct dentry *dentry, uint16_t mode, int ret) {
        struct task_struct *task = current();
        GuardPermit *permit;
        Chain chain;

        if (ret != 0 || !find_session(task, &chain))
                return ret;
        permit = permit_of(task, &chain);
        if (permit)
                permit->fate &= ~(uint32_t)GUARD_USED;
        return 0;
}

/* Only of a mounter in the initial user namespace: what others copy up is never allowed by this note, and
 * their credentials can be another's later. */
SEC("lsm/inode_copy_up")
int BPF_PROG(hook_copy_up, struct dentry *source, struct cred **new, int ret) {
        struct task_struct *task = current();
        uint64_t thread = bpf_get_current_pid_tgid(), cred = (uint64_t)task->cred;
        Chain chain;

        if (ret != 0 || !find_session(task, &chain))
                return ret;
        if (task->cred->user_ns->level == 0)
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

/* ---- what the daemon and its workers run ---- */

/* Reads the caller's own table of descriptors.  A caller with several threads could exchange the file
 * meanwhile; the daemon and its workers have one. */
static __always_inline struct file *own_file(int32_t fd) {
        struct task_struct *task = current();
        struct fdtable *table = BPF_CORE_READ(task, files, fdt);
        struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

        if (fd < 0 || (uint32_t)fd >= BPF_CORE_READ(table, max_fds))
                return NULL;
        bpf_probe_read_kernel(&file, sizeof(file), files + fd);
        return file;
}

/* Returns the filter that the descriptor is the listener of. */
static __always_inline struct seccomp_filter *own_filter(int32_t fd) {
        struct file *file = own_file(fd);

        if (!file || listener_operations == 0 || (uint64_t)BPF_CORE_READ(file, f_op) != listener_operations)
                return NULL;
        return BPF_CORE_READ(file, private_data);
}

static __always_inline int enter_session(struct seccomp_filter *filter, const GuardSessionRequest *request) {
        uint64_t key = (uint64_t)filter;
        GuardSession *there = bpf_map_lookup_elem(&sessions, &key);
        GuardSession session = {
                .session_id = request->session_id,
                .program = (uint64_t)BPF_CORE_READ(filter, prog),
                .flags = request->flags,
                .seen = sweep,
        };

        if (there && there->session_id == session.session_id && there->program == session.program) {
                there->flags = session.flags;
                there->seen = session.seen;
                return 0;
        }
        return bpf_map_update_elem(&sessions, &key, &session, BPF_ANY);
}

static __always_inline void forget_permit(const GuardPermitKey *key, GuardSession *session) {
        if (bpf_map_delete_elem(&permits, key) < 0 || !session)
                return;
        if (__sync_fetch_and_add(&session->n_permits, -1) > GUARD_PERMITS_RESERVED)
                __sync_fetch_and_add(&n_shared_permits, -1);
}

typedef struct Removal {
        uint64_t filter;
        GuardSession *session;
} Removal;

static long remove_permit(void *map, const GuardPermitKey *key, void *permit, Removal *removal) {
        GuardPermitKey copy = *key;

        if (copy.filter == removal->filter)
                forget_permit(&copy, removal->session);
        return 0;
}

static __always_inline int remove_session(struct seccomp_filter *filter) {
        uint64_t key = (uint64_t)filter;
        Removal removal = {.filter = key, .session = bpf_map_lookup_elem(&sessions, &key)};

        if (!removal.session)
                return -ENOENT;
        if (removal.session->n_permits > 0)
                bpf_for_each_map_elem(&permits, remove_permit, &removal, 0);
        return bpf_map_delete_elem(&sessions, &key);
}

SEC("syscall")
int guard_session(GuardSessionRequest *request) {
        struct seccomp_filter *filter;
        struct file *file;

        if (request->what == GUARD_SESSION_LEARN) {
                file = own_file(request->listener_fd);
                if (!file)
                        return -EBADF;
                listener_operations = (uint64_t)BPF_CORE_READ(file, f_op);
        }
        filter = own_filter(request->listener_fd);
        if (!filter)
                return -EBADF;
        request->filter = (uint64_t)filter;
        if (request->what == GUARD_SESSION_ENTER)
                return enter_session(filter, request);
        if (request->what == GUARD_SESSION_REMOVE)
                return remove_session(filter);
        return 0;
}

typedef struct Search {
        struct list_head *head;
        struct list_head *at;
        uint64_t id;
        struct seccomp_knotif *found;
} Search;

static long look_at_notification(uint32_t i, void *userdata) {
        Search *search = userdata;
        struct list_head *at = search->at;
        struct seccomp_knotif *knotif;

        if (!at || at == search->head)
                return 1;
        knotif = (void *)at - bpf_core_field_offset(struct seccomp_knotif, list);
        if (BPF_CORE_READ(knotif, id) == search->id) {
                search->found = knotif;
                return 1;
        }
        search->at = BPF_CORE_READ(at, next);
        return 0;
}

/* The notification with this id; or NULL, also where the list changes meanwhile: it is read without its
 * lock. */
static __always_inline struct seccomp_knotif *find_notification(struct seccomp_filter *filter, uint64_t id) {
        struct notification *notif = BPF_CORE_READ(filter, notif);
        struct list_head *head;
        Search search = {.id = id};

        if (!notif)
                return NULL;
        head = (void *)notif + bpf_core_field_offset(struct notification, notifications);
        search.head = head;
        search.at = BPF_CORE_READ(head, next);
        bpf_loop(NOTIFICATIONS_MAX, look_at_notification, &search, 0);
        return search.found;
}

static __always_inline int take_quota(GuardSession *session) {
        uint32_t n = __sync_fetch_and_add(&session->n_permits, 1);

        if (n < GUARD_PERMITS_RESERVED)
                return 0;
        if (n < GUARD_PERMITS_OF_SESSION) {
                if (__sync_fetch_and_add(&n_shared_permits, 1) < GUARD_PERMITS_SHARED)
                        return 0;
                __sync_fetch_and_add(&n_shared_permits, -1);
        }
        __sync_fetch_and_add(&session->n_permits, -1);
        return -ENOSPC;
}

static __always_inline GuardPermit *need_permit(const GuardPermitKey *key, GuardSession *session) {
        GuardPermit *permit = bpf_map_lookup_elem(&permits, key), *zero;
        uint32_t first = 0;

        if (permit || take_quota(session) < 0)
                return permit;
        zero = bpf_map_lookup_elem(&blank, &first);
        if (zero && bpf_map_update_elem(&permits, key, zero, BPF_NOEXIST) == 0)
                return bpf_map_lookup_elem(&permits, key);
        if (__sync_fetch_and_add(&session->n_permits, -1) > GUARD_PERMITS_RESERVED)
                __sync_fetch_and_add(&n_shared_permits, -1);
        return NULL;
}

static __always_inline void tell_thread(GuardPermitRequest *request, struct task_struct *task) {
        uint64_t comm[GUARD_COMM_SIZE / sizeof(uint64_t)] = {};

        request->tid = BPF_CORE_READ(task, pid);
        request->tgid = BPF_CORE_READ(task, tgid);
        request->uid = BPF_CORE_READ(task, real_cred, euid.val);
        BPF_CORE_READ_INTO(&comm, task, comm);
        ((uint64_t *)request->comm)[0] = comm[0];
        ((uint64_t *)request->comm)[1] = comm[1];
}

static __always_inline int note_place(GuardPlace *place, const GuardPermitRequest *request) {
        struct file *file = own_file(request->parent_fd);
        struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : NULL;

        if (!inode)
                return -EBADF;
        place->inode = (uint64_t)inode;
        place->super_block = (uint64_t)BPF_CORE_READ(inode, i_sb);
        place->number = BPF_CORE_READ(inode, i_ino);
        place->generation = BPF_CORE_READ(inode, i_generation);
        place->name_length = request->name_length;
#pragma unroll
        for (uint32_t i = 0; i < GUARD_NAME_SIZE / sizeof(uint64_t); i++)
                ((uint64_t *)place->name)[i] = ((const uint64_t *)request->name)[i];
        return 0;
}

/* The thread waits in the kernel meanwhile, so that no hook looks at its permit. */
static __always_inline int write_permit(
        GuardPermit *permit, struct seccomp_knotif *knotif, GuardPermitRequest *request) {
        const struct seccomp_data *data = BPF_CORE_READ(knotif, data);
        int r;

        request->last_id = permit->id;
        request->last_fate = permit->fate;
        request->last_result = permit->result;
        permit->id = 0;
        permit->fate = 0;
        permit->result = 0;
        permit->number = BPF_CORE_READ(data, nr);
        permit->is_ia32 = BPF_CORE_READ(data, arch) == AUDIT_ARCH_I386;
        BPF_CORE_READ_INTO(&permit->arguments, data, args);
        permit->error = request->error;
        permit->is_void = request->parent_fd < 0;
        if (!permit->is_void) {
                r = note_place(&permit->place, request);
                if (r < 0)
                        return r;
        }
        /* What was read was that notification's: it still waits. */
        if (BPF_CORE_READ(knotif, id) != request->id || BPF_CORE_READ(knotif, state) != SECCOMP_NOTIFY_SENT)
                return -ENOENT;
        permit->id = request->id;
        return 0;
}

SEC("syscall")
int guard_permit(GuardPermitRequest *request) {
        struct seccomp_filter *filter = own_filter(request->listener_fd);
        GuardPermitKey key = {.filter = (uint64_t)filter};
        struct seccomp_knotif *knotif;
        GuardSession *session;
        GuardPermit *permit;

        if (!filter)
                return -EBADF;
        session = session_of_filter(filter);
        if (!session)
                return -ESRCH;
        knotif = find_notification(filter, request->id);
        if (!knotif || BPF_CORE_READ(knotif, state) != SECCOMP_NOTIFY_SENT)
                return -ENOENT;
        tell_thread(request, BPF_CORE_READ(knotif, task));
        key.tid = request->tid;
        permit = need_permit(&key, session);
        return permit ? write_permit(permit, knotif, request) : -ENOSPC;
}

SEC("syscall")
int guard_fate(GuardFateRequest *request) {
        struct seccomp_filter *filter = own_filter(request->listener_fd);
        GuardPermitKey key = {.filter = (uint64_t)filter, .tid = request->tid};
        GuardPermit *permit;

        if (!filter)
                return -EBADF;
        if (!session_of_filter(filter))
                return -ESRCH;
        permit = bpf_map_lookup_elem(&permits, &key);
        if (!permit || permit->id != request->id)
                return -ENOENT;
        request->fate = permit->fate;
        request->result = permit->result;
        return 0;
}

typedef struct Next {
        uint64_t filter;
        uint32_t after;
        uint32_t found; /* 0: none */
} Next;

static long look_at_permit(void *map, const GuardPermitKey *key, void *permit, Next *next) {
        if (key->filter == next->filter && key->tid > next->after &&
                (next->found == 0 || key->tid < next->found))
                next->found = key->tid;
        return 0;
}

SEC("syscall")
int guard_next(GuardNextRequest *request) {
        struct seccomp_filter *filter = own_filter(request->listener_fd);
        GuardPermitKey key = {.filter = (uint64_t)filter, .tid = request->remove};
        Next next = {.filter = (uint64_t)filter, .after = request->after};
        GuardSession *session;

        if (!filter)
                return -EBADF;
        session = session_of_filter(filter);
        if (!session)
                return -ESRCH;
        if (request->remove != 0)
                forget_permit(&key, session);
        bpf_for_each_map_elem(&permits, look_at_permit, &next, 0);
        request->tid = next.found;
        return next.found != 0 ? 0 : -ENOENT;
}

static long clean_permit(void *map, const GuardPermitKey *key, void *permit, void *userdata) {
        GuardPermitKey copy = *key;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &copy.filter);

        if (!session || session->seen != sweep)
                forget_permit(&copy, session);
        return 0;
}

static long clean_session(
        void *map, const uint64_t *key, const GuardSession *session, GuardCleanRequest *counts) {
        uint64_t copy = *key;

        if (counts->what == GUARD_CLEAN_END && session->seen != sweep)
                bpf_map_delete_elem(&sessions, &copy);
        else
                counts->n_sessions++;
        return 0;
}

SEC("syscall")
int guard_clean(GuardCleanRequest *request) {
        GuardCleanRequest counts = {.what = request->what};

        if (counts.what == GUARD_CLEAN_BEGIN)
                sweep++;
        if (counts.what == GUARD_CLEAN_END)
                bpf_for_each_map_elem(&permits, clean_permit, NULL, 0);
        bpf_for_each_map_elem(&sessions, clean_session, &counts, 0);
        request->n_sessions = counts.n_sessions;
        return 0;
}

static long see_session(uint32_t i, void *userdata) {
        Chain *chain = userdata;
        struct seccomp_filter *filter = chain->filter;
        GuardSession *session;

        if (!filter)
                return 1;
        session = session_of_filter(filter);
        if (session)
                session->seen = sweep;
        chain->filter = BPF_CORE_READ(filter, prev);
        return 0;
}

/* Run once for each thread: marks the sessions that have one. */
SEC("iter/task")
int guard_sweep(struct bpf_iter__task *context) {
        struct task_struct *task = context->task;
        Chain chain = {};

        if (!task)
                return 0;
        chain.filter = task->seccomp.filter;
        bpf_loop(FILTERS_MAX, see_session, &chain, 0);
        return 0;
}
