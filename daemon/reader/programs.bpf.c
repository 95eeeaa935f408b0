/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reader: tells a worker of the task that waits for its answer, in one system call, where /proc takes
 * several.  The worker names a notification of a listener that it holds; what it learns are the facts of the
 * task that waits there, and of no other.
 *
 * Must never leave anything in the answer that was not read of a task which waited all the time.  Nothing
 * here is locked: what was read counts only if the notification still stands in the listener's list
 * afterwards.
 *
 * Must never read the task's memory: the task could let its page wait for ever.  While a program of this
 * type waits, no BPF program of the whole machine that may sleep is freed (RCU Tasks Trace). */

#include "ebpf/listener.bpf.h"

#define READER_IN_KERNEL
#include "reader/reader-abi.h"

#define EOPNOTSUPP 95
#define ANSWER offsetof(ReaderRequest, capabilities) /* it begins here */

char LICENSE[] SEC("license") = "GPL";

/* The verifier lets a program write to its request at constant offsets alone, and the compiler would add to
 * the pointer first. */
static __always_inline void put(ReaderRequest *request, uint32_t at, uint32_t i, uint64_t value) {
        asm volatile("" : "+r"(request));
        *(uint64_t *)((void *)request + at + i * sizeof(value)) = value;
}

/* Entries that leave the list are poisoned, and a thread's stack may still hold one that has left. */
static __always_inline bool is_listed(struct seccomp_knotif *knotif) {
        struct list_head *entry = (void *)knotif + bpf_core_field_offset(struct seccomp_knotif, list);

        return BPF_CORE_READ(entry, prev, next) == entry;
}

static __always_inline void tell_credentials(ReaderRequest *request, const struct cred *cred) {
        uint64_t capabilities =
                0; /* on a machine whose bytes begin with the lowest: see struct capabilities */

        request->uids[0] = BPF_CORE_READ(cred, uid.val);
        request->uids[1] = BPF_CORE_READ(cred, euid.val);
        request->uids[2] = BPF_CORE_READ(cred, suid.val);
        request->uids[3] = BPF_CORE_READ(cred, fsuid.val);
        request->gids[0] = BPF_CORE_READ(cred, gid.val);
        request->gids[1] = BPF_CORE_READ(cred, egid.val);
        request->gids[2] = BPF_CORE_READ(cred, sgid.val);
        request->gids[3] = BPF_CORE_READ(cred, fsgid.val);
        BPF_CORE_READ_INTO(&capabilities, cred, cap_effective);
        request->capabilities = capabilities;
}

static __always_inline int tell_groups(ReaderRequest *request, const struct cred *cred) {
        struct group_info *info = BPF_CORE_READ(cred, group_info);
        uint64_t groups[READER_GROUPS_MAX / 2] = {};
        uint32_t n = BPF_CORE_READ(info, ngroups);

        if (n > READER_GROUPS_MAX)
                return -EOPNOTSUPP;
        request->n_groups = n;
        if (n == 0)
                return 0;
        /* The verifier loses the bound where the compiler keeps another copy of it. */
        asm volatile("" : "+r"(n));
        if (n > READER_GROUPS_MAX)
                n = READER_GROUPS_MAX;
        if (bpf_probe_read_kernel(groups, n * sizeof(uint32_t), &info->gid) < 0)
                return -EOPNOTSUPP;
#pragma unroll
        for (uint32_t i = 0; i < READER_GROUPS_MAX / 2; i++)
                put(request, offsetof(ReaderRequest, groups), i, groups[i]);
        return 0;
}

/* The number that the kernel's struct pid has at a level of PID namespaces. */
static __always_inline uint32_t number_at(struct pid *pid, uint32_t level) {
        int number = 0;

        bpf_probe_read_kernel(&number, sizeof(number),
                (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
                        level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr));
        return number;
}

static __always_inline struct pid_namespace *namespace_at(struct pid *pid, uint32_t level) {
        struct pid_namespace *namespace = NULL;

        bpf_probe_read_kernel(&namespace, sizeof(namespace),
                (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
                        level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns));
        return namespace;
}

static __always_inline int tell_numbers(ReaderRequest *request, struct task_struct *task) {
        struct pid *own = BPF_CORE_READ(current(), thread_pid), *thread = BPF_CORE_READ(task, thread_pid);
        struct pid *process = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
        uint32_t level = BPF_CORE_READ(own, level), last = BPF_CORE_READ(thread, level);

        if (last < level || last - level >= READER_LEVELS_MAX ||
                namespace_at(thread, level) != namespace_at(own, level))
                return -EOPNOTSUPP;
        request->n_levels = last - level + 1;
#pragma unroll
        for (uint32_t i = 0; i < READER_LEVELS_MAX; i++)
                if (level + i <= last) {
                        request->tgids[i] = number_at(process, level + i);
                        request->tids[i] = number_at(thread, level + i);
                }
        return 0;
}

static __always_inline uint32_t sequence_of(struct fs_struct *fs) {
        if (bpf_core_field_exists(fs->seq.seqcount.seqcount.sequence))
                return BPF_CORE_READ(fs, seq.seqcount.seqcount.sequence);
        return BPF_CORE_READ((struct fs_struct___before *)fs, seq.seqcount.sequence);
}

/* Other threads may change a directory that they share with the task. */
static __always_inline int tell_directories(ReaderRequest *request, struct task_struct *task) {
        struct fs_struct *fs = BPF_CORE_READ(task, fs);
        struct file *root = own_file(request->root_fd);
        uint32_t sequence;

        if (!fs)
                return -EOPNOTSUPP;
        sequence = sequence_of(fs);
        request->umask = BPF_CORE_READ(fs, umask);
        if (root && BPF_CORE_READ(fs, root.dentry) == BPF_CORE_READ(root, f_path.dentry) &&
                BPF_CORE_READ(fs, root.mnt) == BPF_CORE_READ(root, f_path.mnt))
                request->flags |= READER_ROOT_IS_GIVEN;
        return sequence & 1 || sequence != sequence_of(fs) ? -EOPNOTSUPP : 0;
}

static __always_inline int tell(ReaderRequest *request, struct task_struct *task) {
        const struct cred *cred = BPF_CORE_READ(task, real_cred), *own = BPF_CORE_READ(current(), real_cred);
        uint64_t comm[TASK_COMM_LEN / sizeof(uint64_t)] = {};
        int r;

        if (BPF_CORE_READ(own, user_ns, level) != 0 ||
                BPF_CORE_READ(cred, user_ns) != BPF_CORE_READ(own, user_ns))
                return -EOPNOTSUPP;
        request->birth = BPF_CORE_READ(task, start_boottime);
        BPF_CORE_READ_INTO(&comm, task, comm);
        ((uint64_t *)request->comm)[0] = comm[0];
        ((uint64_t *)request->comm)[1] = comm[1];
        tell_credentials(request, cred);
        r = tell_groups(request, cred);
        if (r == 0)
                r = tell_numbers(request, task);
        if (r == 0)
                r = tell_directories(request, task);
        return r;
}

static __always_inline void forget(ReaderRequest *request) {
        const uint32_t n = (sizeof(*request) - ANSWER) / sizeof(uint64_t);

#pragma unroll
        for (uint32_t i = 0; i < n; i++)
                put(request, ANSWER, i, 0);
}

SEC("syscall")
int reader_read(ReaderRequest *request) {
        struct seccomp_filter *filter = own_filter(request->listener_fd);
        struct seccomp_knotif *knotif;
        int r;

        forget(request);
        if (!filter)
                return -EBADF;
        knotif = find_notification(filter, request->id);
        if (!knotif || !still_waits(knotif, request->id))
                return -ENOENT;
        r = tell(request, BPF_CORE_READ(knotif, task));
        if (!is_listed(knotif) || !still_waits(knotif, request->id))
                r = -ENOENT;
        if (r < 0)
                forget(request);
        return r;
}

/* Tells the reader which files are listeners.  Run by the process that loads it, with one of its own. */
SEC("syscall")
int reader_learn(const int32_t *listener_fd) {
        struct file *file = own_file(*listener_fd);

        if (!file)
                return -EBADF;
        listener_operations = (uint64_t)BPF_CORE_READ(file, f_op);
        return 0;
}
