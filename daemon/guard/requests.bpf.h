/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guard's programs that the daemon and its workers run with BPF_PROG_RUN.  Included by
 * programs.bpf.c. */

#include "guard/sessions.bpf.h"

static __always_inline int as_again(long r) {
        return r == -EBUSY || r == -ENOMEM ? -EAGAIN : (int)r;
}

static __always_inline void give_quota_back(GuardSession *session) {
        if (__sync_fetch_and_add(&session->n_permits, -1) > GUARD_PERMITS_RESERVED)
                __sync_fetch_and_add(&n_shared_permits, -1);
}

static __always_inline int forget_permit(const GuardPermitKey *key, GuardSession *session) {
        long r = bpf_map_delete_elem(&permits, key);

        if (r == 0 && session)
                give_quota_back(session);
        return as_again(r);
}

typedef struct Removal {
        uint64_t filter;
        GuardSession *session;
        int error;
} Removal;

static long remove_permit(void *map, const GuardPermitKey *key, void *permit, Removal *removal) {
        GuardPermitKey copy = *key;
        int r;

        if (copy.filter != removal->filter)
                return 0;
        r = forget_permit(&copy, removal->session);
        if (r < 0)
                removal->error = r;
        return 0;
}

/* Also where permits were left without a session: the address is another's now. */
static __always_inline int remove_session(struct seccomp_filter *filter) {
        uint64_t key = (uint64_t)filter;
        Removal removal = {.filter = key, .session = bpf_map_lookup_elem(&sessions, &key)};

        bpf_for_each_map_elem(&permits, remove_permit, &removal, 0);
        if (removal.error < 0)
                return removal.error;
        return removal.session ? as_again(bpf_map_delete_elem(&sessions, &key)) : -ENOENT;
}

static __always_inline int enter_session(struct seccomp_filter *filter, const GuardSessionRequest *request) {
        uint64_t key = (uint64_t)filter;
        GuardSession *there = bpf_map_lookup_elem(&sessions, &key);
        struct bpf_prog *program = BPF_CORE_READ(filter, prog);
        GuardSession session = {
                .session_id = request->session_id,
                .program = (uint64_t)program,
                .digest = digest_of(program),
                .length = BPF_CORE_READ(program, len),
                .flags = request->flags,
        };
        int r;

        if (there && there->session_id == session.session_id && fits(there, filter)) {
                there->flags = session.flags;
                return 0;
        }
        r = remove_session(filter);
        if (r == -EAGAIN)
                return r;
        return as_again(bpf_map_update_elem(&sessions, &key, &session, BPF_ANY));
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

/* The memory of a permit that is removed can be another thread's permit at once.  So a permit that a program
 * writes is held by its call, and one that is held is not removed: it is surely held if it is still the
 * key's. */
static __always_inline bool hold_permit(GuardPermit *permit, const GuardPermitKey *key, uint64_t call_id) {
        if (__sync_val_compare_and_swap(&permit->holder, 0, call_id) != 0)
                return false;
        if (bpf_map_lookup_elem(&permits, key) == permit)
                return true;
        __sync_val_compare_and_swap(&permit->holder, call_id, 0);
        return false;
}

static __always_inline void let_go_of_permit(GuardPermit *permit, uint64_t call_id) {
        __sync_val_compare_and_swap(&permit->holder, call_id, 0);
}

/* What is read of a task that is gone may be anything, but for a thread that lives it is true.  A thread
 * that calls execve(2) gets the number and the birth of its process's first thread. */
static __always_inline bool is_of_dead(const GuardPermit *permit, uint32_t tid) {
        struct task_struct *task = (struct task_struct *)permit->task;

        return task && (BPF_CORE_READ(task, exit_state) != 0 || (uint32_t)BPF_CORE_READ(task, pid) != tid ||
                               BPF_CORE_READ(task, start_boottime) != permit->birth);
}

/* Never that of a thread that lives, for a hook may be looking at it. */
static long sweep_permit(
        void *map, const GuardPermitKey *key, GuardPermit *permit, const uint64_t *call_id) {
        GuardPermitKey copy = *key;

        if (!hold_permit(permit, &copy, *call_id))
                return 0;
        if (!is_of_dead(permit, copy.tid) ||
                forget_permit(&copy, bpf_map_lookup_elem(&sessions, &copy.filter)) < 0)
                let_go_of_permit(permit, *call_id);
        return 0;
}

/* Threads that end leave their permits. */
static __always_inline int need_quota(GuardSession *session, uint64_t call_id) {
        int r = take_quota(session);

        if (r != -ENOSPC)
                return r;
        bpf_for_each_map_elem(&permits, sweep_permit, &call_id, 0);
        return take_quota(session);
}

static __always_inline GuardPermit *need_permit(
        const GuardPermitKey *key, GuardSession *session, uint64_t call_id, int *ret_error) {
        GuardPermit *permit = bpf_map_lookup_elem(&permits, key), *zero;
        uint32_t first = 0;

        if (permit)
                return permit;
        *ret_error = need_quota(session, call_id);
        if (*ret_error < 0)
                return NULL;
        *ret_error = -EAGAIN;
        zero = bpf_map_lookup_elem(&blank, &first);
        if (zero && bpf_map_update_elem(&permits, key, zero, BPF_NOEXIST) == 0)
                return bpf_map_lookup_elem(&permits, key);
        give_quota_back(session);
        return NULL;
}

static __always_inline bool has_own_root(struct task_struct *task) {
        struct task_struct *self = current();

        return BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(self, fs, root.mnt) &&
               BPF_CORE_READ(task, fs, root.dentry) == BPF_CORE_READ(self, fs, root.dentry);
}

static __always_inline void tell_thread(GuardPermitRequest *request, struct task_struct *task) {
        uint64_t comm[GUARD_COMM_SIZE / sizeof(uint64_t)] = {};

        request->tid = BPF_CORE_READ(task, pid);
        request->tgid = local_number(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]));
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
static __always_inline int write_permit(GuardPermit *permit, struct seccomp_knotif *knotif,
        struct task_struct *task, GuardPermitRequest *request) {
        const struct seccomp_data *data = BPF_CORE_READ(knotif, data);
        int r;

        permit->task = (uint64_t)task;
        permit->birth = BPF_CORE_READ(task, start_boottime);
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
        if (!still_waits(knotif, request->id))
                return -ENOENT;
        permit->id = request->id;
        return 0;
}

SEC("syscall")
int guard_permit(GuardPermitRequest *request) {
        struct seccomp_filter *filter = own_filter(request->listener_fd);
        GuardPermitKey key = {.filter = (uint64_t)filter};
        struct seccomp_knotif *knotif;
        struct task_struct *task;
        GuardSession *session;
        GuardPermit *permit;
        int r = 0;

        if (!filter)
                return -EBADF;
        session = session_of_filter(filter);
        if (!session)
                return -ESRCH;
        knotif = find_notification(filter, request->id);
        if (!knotif)
                return -ENOENT;
        task = BPF_CORE_READ(knotif, task);
        if (!still_waits(knotif, request->id))
                return -ENOENT;
        if (request->has_own_root && !has_own_root(task))
                return still_waits(knotif, request->id) ? -EXDEV : -ENOENT;
        tell_thread(request, task);
        key.tid = request->tid;
        permit = need_permit(&key, session, request->id, &r);
        if (!permit)
                return r;
        if (!hold_permit(permit, &key, request->id))
                return -EAGAIN;
        r = write_permit(permit, knotif, task, request);
        let_go_of_permit(permit, request->id);
        return r;
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

static long clean_permit(void *map, const GuardPermitKey *key, void *permit, void *userdata) {
        GuardPermitKey copy = *key;

        if (!session_of_filter((struct seccomp_filter *)copy.filter))
                forget_permit(&copy, bpf_map_lookup_elem(&sessions, &copy.filter));
        return 0;
}

/* A filter without references is freed; and what has its address then does not fit. */
static long clean_session(
        void *map, const uint64_t *key, const GuardSession *session, GuardCleanRequest *counts) {
        uint64_t copy = *key;
        struct seccomp_filter *filter = (struct seccomp_filter *)copy;

        if (!fits(session, filter) || BPF_CORE_READ(filter, refs.refs.counter) <= 0)
                bpf_map_delete_elem(&sessions, &copy);
        else
                counts->n_sessions++;
        return 0;
}

SEC("syscall")
int guard_clean(GuardCleanRequest *request) {
        GuardCleanRequest counts = {};

        bpf_for_each_map_elem(&permits, clean_permit, NULL, 0);
        bpf_for_each_map_elem(&sessions, clean_session, &counts, 0);
        request->n_sessions = counts.n_sessions;
        return 0;
}
