/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What programs in the kernel know of it: its structures and its numbers. */

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
        BPF_MAP_TYPE_LRU_HASH = 9,
        BPF_MAP_TYPE_RINGBUF = 27,
        BPF_ANY = 0,
        BPF_NOEXIST = 1,
        BPF_F_NO_PREALLOC = 1,
};

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EBUSY 16
#define EXDEV 18
#define ENOSPC 28
#define ERRNO_MAX 4095

#define PIDTYPE_TGID 1
#define TASK_COMM_LEN 16
#define SECCOMP_ARGUMENTS 6

/* The fields of the kernel's structures that are read; where they are is found out at load. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef unsigned short umode_t;
struct list_head {
        struct list_head *next, *prev;
};
struct seccomp_data {
        int nr;
        uint32_t arch;
        uint64_t args[SECCOMP_ARGUMENTS];
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
struct bpf_insn {
        uint8_t code;
};
struct bpf_prog {
        uint32_t len;
        struct bpf_insn insnsi[1];
};
typedef struct {
        int counter;
} atomic_t;
typedef struct refcount_struct {
        atomic_t refs;
} refcount_t;
struct seccomp_filter {
        refcount_t refs;
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
struct group_info {
        int ngroups;
        kuid_t gid[1];
};
struct capabilities { /* one number since Linux 6.3, and two before: the lowest bits come first */
        uint32_t cap[2];
};
struct cred {
        kuid_t uid, suid, euid, fsuid;
        kuid_t gid, sgid, egid, fsgid;
        struct capabilities cap_effective;
        struct user_namespace *user_ns;
        struct group_info *group_info;
};
struct thread_info {
        uint32_t status;
};
struct pid_namespace;
struct upid {
        int nr;
        struct pid_namespace *ns;
};
struct pid {
        uint32_t level;
        struct upid numbers[1];
};
struct signal_struct {
        struct pid *pids[2];
};
struct super_block;
struct inode {
        umode_t i_mode;
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
        struct inode *d_inode;
};
struct vfsmount;
struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};
typedef struct {
        uint32_t sequence;
} seqcount_t;
typedef struct {
        seqcount_t seqcount;
} seqcount_spinlock_t;
typedef struct {
        seqcount_spinlock_t seqcount;
} seqlock_t;
struct fs_struct {
        seqlock_t seq;
        int umask;
        struct path root;
        struct path pwd;
};
struct fs_struct___before { /* Linux 6.18 */
        seqcount_spinlock_t seq;
};
struct file {
        struct path f_path;
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
        int exit_state;
        int pid;
        int tgid;
        uint64_t start_boottime;
        char comm[TASK_COMM_LEN];
        struct seccomp seccomp;
        struct fs_struct *fs;
        struct files_struct *files;
        struct pid *thread_pid;
        struct signal_struct *signal;
        const struct cred *cred;
        const struct cred *real_cred;
};
struct pt_regs {
        unsigned long r10, r9, r8, bp, bx, cx, dx, si, di, orig_ax;
};
#pragma clang attribute pop
