/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the filters.  Run by the daemon once, at start.  Must never let through an ABI whose numbers it
 * does not know. */

#include "sandbox/filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/ioctl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/calls.h"
#include "common/ownership.h"
#include "common/protocol.h"
#include "sandbox/bpf-program.h"

static_assert(BPF_PROGRAM_MAX == PROTOCOL_FILTER_MAX, "each filter must fit into a message");

/* Linux 7.1: the bit means something else to clone(). */
#ifndef UNSHARE_EMPTY_MNTNS
#define UNSHARE_EMPTY_MNTNS 0x00100000
#endif

#define REFUSED(error, name, ...)                                                                           \
        {                                                                                                   \
                SCMP_SYS(name), SCMP_ACT_ERRNO(error), FILTER_ALL, {                                        \
                        __VA_ARGS__                                                                         \
                }                                                                                           \
        }

#define UNGUARDED(error, name)                                                                              \
        {                                                                                                   \
                SCMP_SYS(name), SCMP_ACT_ERRNO(error), FILTER_UNGUARDED, {                                  \
                }                                                                                           \
        }

/* A command is known by its type and its number, and by taking something from its caller: a later kernel's
 * structure may be larger, or be written back.  BTRFS_IOC_START_SYNC has the numbers of
 * BTRFS_IOC_SUBVOL_CREATE_V2 and takes nothing. */
#define IOCTL_MASK _IOC(_IOC_WRITE, _IOC_TYPEMASK, _IOC_NRMASK, 0)
#define REFUSED_IOCTL(command)                                                                              \
        REFUSED(EPERM, ioctl, {1, SCMP_CMP_MASKED_EQ, IOCTL_MASK, (command)&IOCTL_MASK})

#define NAMESPACE(error, name, ...)                                                                         \
        {                                                                                                   \
                SCMP_SYS(name), SCMP_ACT_ERRNO(error), FILTER_NAMESPACES_DENIED, {                          \
                        __VA_ARGS__                                                                         \
                }                                                                                           \
        }

const SeccompRule filter_rules[] = {
        /* A ring takes requests from memory, past any filter: IORING_OP_MKDIRAT would create the directory
         * unseen.  Entering is refused too, for a ring may have been inherited.  Programs take ENOSYS for
         * "an older kernel: go without".  The guard sees what a ring does. */
        UNGUARDED(ENOSYS, io_uring_setup),
        UNGUARDED(ENOSYS, io_uring_enter),
        UNGUARDED(ENOSYS, io_uring_register),

        /* A subvolume and a snapshot are directories that no mkdir() creates.  The kernel lets the owner of
         * the parent create them. */
        REFUSED_IOCTL(BTRFS_IOC_SUBVOL_CREATE),
        REFUSED_IOCTL(BTRFS_IOC_SUBVOL_CREATE_V2),
        REFUSED_IOCTL(BTRFS_IOC_SNAP_CREATE),
        REFUSED_IOCTL(BTRFS_IOC_SNAP_CREATE_V2),
        /* bcachefs, in Linux 6.7 to 6.17 and outside of the kernel since: BCH_IOCTL_SUBVOLUME_CREATE, _v2 */
        REFUSED_IOCTL(_IOC(_IOC_WRITE, 0xbc, 16, 0)),
        REFUSED_IOCTL(_IOC(_IOC_WRITE, 0xbc, 29, 0)),

        /* `namespaces = deny`: calls that create a user or mount namespace, or enter one.  On each ABI
         * clone() has its flags first.  setns(fd, 0) takes any kind of namespace.  clone3() has its flags in
         * memory, where no filter can look; libc takes ENOSYS for an older kernel and calls clone().  The
         * calls that create mounts (open_tree(), fsmount() and their kin) need CAP_SYS_ADMIN in the
         * namespace of the mount, which no user has without one of these. */
        NAMESPACE(EPERM, unshare, ARGUMENT_HAS(0, CLONE_NEWUSER)),
        NAMESPACE(EPERM, unshare, ARGUMENT_HAS(0, CLONE_NEWNS)),
        NAMESPACE(EPERM, unshare, ARGUMENT_HAS(0, UNSHARE_EMPTY_MNTNS)),
        NAMESPACE(EPERM, clone, ARGUMENT_HAS(0, CLONE_NEWUSER)),
        NAMESPACE(EPERM, clone, ARGUMENT_HAS(0, CLONE_NEWNS)),
        NAMESPACE(EPERM, setns, ARGUMENT_HAS(1, CLONE_NEWUSER)),
        NAMESPACE(EPERM, setns, ARGUMENT_HAS(1, CLONE_NEWNS)),
        NAMESPACE(EPERM, setns, ARGUMENT_IS(1, 0)),
        NAMESPACE(ENOSYS, clone3),
};
const size_t n_filter_rules = sizeof(filter_rules) / sizeof(filter_rules[0]);

/* Workers find a trapped call by its number: it must be the one that libseccomp traps. */
static int check_number(const Call *call, Abi abi) {
        int number = seccomp_syscall_resolve_name_arch(abi_audit_archs[abi], call->name);

        if (call->numbers[abi] == CALL_NONE)
                return number < 0 ? 0 : -EPROTO;
        return number == call->numbers[abi] ? 0 : -EPROTO;
}

/* Of the calls that set a limit, the filter traps those that set this limit. */
static SeccompRule supervised_rule(const Call *call) {
        const LimitArguments *limit = call->limit;
        SeccompRule rule = {seccomp_syscall_resolve_name(call->name), SCMP_ACT_NOTIFY, FILTER_ALL, {}};

        if (!limit)
                return rule;
        rule.arguments[0] = (struct scmp_arg_cmp)ARGUMENT_IS(limit->resource_at, RLIMIT_LOCKS);
        if (limit->new_at >= 0)
                rule.arguments[1] = SCMP_CMP((unsigned)limit->new_at, SCMP_CMP_NE, 0);
        return rule;
}

/* Workers that act must know of Landlock domains, which bind the target alone and not a
 * worker: see daemon/worker/landlock.h.  Under the guard the target performs its own calls. */
static bool is_supervised(const Call *call, FilterWay way) {
        return way != FILTER_GUARDED || (call->kind != OPERATION_RESTRICT && call->kind != OPERATION_LIMIT);
}

static int add_supervised(scmp_filter_ctx context, const Machine *machine, FilterWay way) {
        int r = 0;

        for (size_t i = 0; i < n_calls; i++) {
                const SeccompRule rule = supervised_rule(&calls[i]);

                if (!is_supervised(&calls[i], way))
                        continue;
                for (size_t abi = 0; abi < MACHINE_ABIS && r >= 0; abi++)
                        r = check_number(&calls[i], machine->abis[abi]);
                if (r >= 0)
                        r = bpf_program_add(context, &rule, 1, FILTER_ALL);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* x32, and each ABI that the machine does not have, looks like an older kernel's "no such call". */
int filter_build(const Machine *machine, FilterWay way, Action namespaces, Filter *ret) {
        unsigned programs = FILTER_ALL | (namespaces == ACTION_DENY ? FILTER_NAMESPACES_DENIED : 0) |
                            (way == FILTER_ACTING ? FILTER_UNGUARDED : 0);
        _cleanup_(seccomp_release_p) scmp_filter_ctx context = NULL;
        int r;

        r = bpf_program_begin(machine->abis, MACHINE_ABIS, SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(ENOSYS), &context);
        if (r < 0)
                return r;
        r = add_supervised(context, machine, way);
        if (r < 0)
                return r;
        r = bpf_program_add(context, filter_rules, n_filter_rules, programs);
        if (r < 0)
                return r;
        return bpf_program_export(context, ret);
}

int filters_build(bool has_guard, Filters *ret) {
        int r = 0;

        for (FilterWay way = FILTER_ACTING; way < (has_guard ? FILTER_WAYS : FILTER_GUARDED) && r >= 0;
                way++) {
                r = filter_build(MACHINE_NATIVE, way, ACTION_ALLOW, &ret->by_way[way][ACTION_ALLOW]);
                if (r >= 0)
                        r = filter_build(MACHINE_NATIVE, way, ACTION_DENY, &ret->by_way[way][ACTION_DENY]);
        }
        return r;
}
