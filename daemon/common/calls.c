/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of supervised calls.  Constant data and pure functions; read by the daemon (which builds the
 * filter from it) and by workers (which take requests apart with it). */

#include "common/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/btrfs.h>
#include <linux/sched.h>
#include <sys/syscall.h>

static const LimitArguments setrlimit_arguments = {.pid_at = -1, .resource_at = 0, .new_at = -1};
static const LimitArguments prlimit_arguments = {.pid_at = 0, .resource_at = 1, .new_at = 2};

const Call calls[] = {
        {"mkdir", SYS_mkdir, 39, ACT_MKDIR, .dirfd_at = -1, .path_at = 0, .mode_at = 1},
        {"mkdirat", SYS_mkdirat, 296, ACT_MKDIR, .dirfd_at = 0, .path_at = 1, .mode_at = 2},
        {"landlock_restrict_self", SYS_landlock_restrict_self, SYS_landlock_restrict_self, ACT_RESTRICT,
                .dirfd_at = 0, .path_at = -1, .mode_at = -1},
        {"setrlimit", SYS_setrlimit, 75, ACT_LIMIT, .dirfd_at = -1, .path_at = -1, .mode_at = -1,
                .limit = &setrlimit_arguments},
        {"prlimit64", SYS_prlimit64, 340, ACT_LIMIT, .dirfd_at = -1, .path_at = -1, .mode_at = -1,
                .limit = &prlimit_arguments},
};
const size_t n_calls = sizeof(calls) / sizeof(calls[0]);

/* A ring takes requests from memory, past any filter: IORING_OP_MKDIRAT would make the directory unseen.
 * Entering is refused too, for a ring may have been inherited.  ENOSYS is what programs take for "an older
 * kernel: go without". */
const RefusedCall refused_calls[] = {
        {SYS_io_uring_setup, ENOSYS},
        {SYS_io_uring_enter, ENOSYS},
        {SYS_io_uring_register, ENOSYS},
};
const size_t n_refused_calls = sizeof(refused_calls) / sizeof(refused_calls[0]);

/* A subvolume and a snapshot are directories that no mkdir() creates.  Their owner may create them. */
const RefusedIoctl refused_ioctls[] = {
        {BTRFS_IOC_SUBVOL_CREATE, EPERM},
        {BTRFS_IOC_SUBVOL_CREATE_V2, EPERM},
        {BTRFS_IOC_SNAP_CREATE, EPERM},
        {BTRFS_IOC_SNAP_CREATE_V2, EPERM},
        /* bcachefs, in Linux 6.7 to 6.17 and outside of the kernel since: BCH_IOCTL_SUBVOLUME_CREATE, _v2 */
        {_IOC(_IOC_WRITE, 0xbc, 16, 0), EPERM},
        {_IOC(_IOC_WRITE, 0xbc, 29, 0), EPERM},
};
const size_t n_refused_ioctls = sizeof(refused_ioctls) / sizeof(refused_ioctls[0]);

/* Linux 7.1: the bit means something else to clone(). */
#ifndef UNSHARE_EMPTY_MNTNS
#define UNSHARE_EMPTY_MNTNS 0x00100000
#endif

#define HAS(bit) .mask = (bit), .value = (bit), .error = EPERM

/* On both ABIs clone() has its flags first.  setns(fd, 0) takes any kind of namespace.  clone3() has its
 * flags in memory, where no filter can look; libc takes ENOSYS for an older kernel and calls clone(). The
 * calls that make mounts (open_tree(), fsmount() and their kin) need CAP_SYS_ADMIN in the namespace that
 * they are made in, which no user has without one of these. */
const NamespaceCall namespace_calls[] = {
        {SYS_unshare, 0, HAS(CLONE_NEWUSER)},
        {SYS_unshare, 0, HAS(CLONE_NEWNS)},
        {SYS_unshare, 0, HAS(UNSHARE_EMPTY_MNTNS)},
        {SYS_clone, 0, HAS(CLONE_NEWUSER)},
        {SYS_clone, 0, HAS(CLONE_NEWNS)},
        {SYS_setns, 1, HAS(CLONE_NEWUSER)},
        {SYS_setns, 1, HAS(CLONE_NEWNS)},
        {SYS_setns, 1, .mask = UINT32_MAX, .value = 0, .error = EPERM},
        {SYS_clone3, -1, .error = ENOSYS},
};
const size_t n_namespace_calls = sizeof(namespace_calls) / sizeof(namespace_calls[0]);

const Call *call_find(const struct seccomp_data *data) {
        for (size_t i = 0; i < n_calls; i++)
                if ((data->arch == AUDIT_ARCH_X86_64 && data->nr == calls[i].nr) ||
                        (data->arch == AUDIT_ARCH_I386 && data->nr == calls[i].nr_i386))
                        return &calls[i];
        return NULL;
}

void call_arguments(const Call *call, const struct seccomp_data *data, CallArguments *ret) {
        *ret = (CallArguments){
                /* An int and an umode_t: the kernel ignores the registers' upper halves, and so must we. */
                .dirfd = call->dirfd_at < 0 ? AT_FDCWD : (int)(uint32_t)data->args[call->dirfd_at],
                .path = call->path_at < 0 ? 0 : data->args[call->path_at],
                .mode = call->mode_at < 0 ? 0 : (uint16_t)data->args[call->mode_at],
                .pid = !call->limit || call->limit->pid_at < 0
                               ? 0
                               : (int)(uint32_t)data->args[call->limit->pid_at],
        };
        if (data->arch == AUDIT_ARCH_I386)
                ret->path = (uint32_t)ret->path;
}
