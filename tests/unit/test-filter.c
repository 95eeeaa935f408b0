/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/sandbox/filter.c.  An interpreter of the few instructions that a program may have runs the
 * filters of every machine here, on calls of every ABI.  The kernel runs this machine's, in a child. */

#include "harness.h"

#include <linux/audit.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "bpf.h"
#include "common/calls.h"
#include "common/ownership.h"
#include "sandbox/filter.h"

#define X32 0x40000000
#define HIGH 0xdeadbeef00000000

#define ALLOW SECCOMP_RET_ALLOW
#define NOTIFY SECCOMP_RET_USER_NOTIF
#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))
#define SUBVOLUME BTRFS_IOC_SUBVOL_CREATE

enum {
        X64_READ = 0,
        X64_IOCTL = 16,
        X64_EXECVE = 59,
        X64_MKDIR = 83,
        X64_RMDIR = 84,
        X64_SETRLIMIT = 160,
        X64_MKDIRAT = 258,
        X64_PRLIMIT64 = 302,
        A64_IOCTL = 29,
        A64_PRLIMIT64 = 261,
};

typedef struct Decision {
        uint32_t arch;
        int nr;
        uint64_t command;
        uint32_t expected;
} Decision;

static const Decision decisions_x86_64[] = {
        {AUDIT_ARCH_X86_64, X64_MKDIR, 0, NOTIFY}, {AUDIT_ARCH_X86_64, X64_MKDIRAT, 0, NOTIFY},
        {AUDIT_ARCH_I386, 39, 0, NOTIFY}, {AUDIT_ARCH_I386, 296, 0, NOTIFY},
        {AUDIT_ARCH_X86_64, 446, 0, NOTIFY}, {AUDIT_ARCH_I386, 446, 0, NOTIFY},
        {AUDIT_ARCH_X86_64, 444, 0, ALLOW}, {AUDIT_ARCH_X86_64, 445, 0, ALLOW},
        {AUDIT_ARCH_X86_64, 39, 0, ALLOW}, {AUDIT_ARCH_X86_64, 296, 0, ALLOW},
        {AUDIT_ARCH_I386, X64_MKDIR, 0, ALLOW}, {AUDIT_ARCH_I386, X64_MKDIRAT, 0, ALLOW},
        {AUDIT_ARCH_X86_64, X64_RMDIR, 0, ALLOW}, {AUDIT_ARCH_X86_64, X64_READ, 0, ALLOW},
        {AUDIT_ARCH_X86_64, X64_EXECVE, 0, ALLOW}, {AUDIT_ARCH_I386, 3, 0, ALLOW},
        {AUDIT_ARCH_X86_64, 100000, 0, ALLOW},
        /* rings, which have the same numbers everywhere */
        {AUDIT_ARCH_X86_64, 425, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, 426, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, 427, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_I386, 425, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_I386, 426, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_I386, 427, 0, REFUSE(ENOSYS)},
        /* x32, whatever the number */
        {AUDIT_ARCH_X86_64, X32 | X64_MKDIR, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | X64_MKDIRAT, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | X64_READ, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | 514, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, X32, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, INT32_MIN, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, -2, 0, REFUSE(ENOSYS)},
        /* other machines */
        {AUDIT_ARCH_AARCH64, 34, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_ARM, 39, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_PPC64LE, 39, 0, REFUSE(ENOSYS)}, {0, X64_MKDIR, 0, REFUSE(ENOSYS)},
        /* the limit that is a mark, and another */
        {AUDIT_ARCH_X86_64, X64_PRLIMIT64, 10, NOTIFY},
        {AUDIT_ARCH_X86_64, X64_PRLIMIT64, HIGH | 10, NOTIFY}, {AUDIT_ARCH_X86_64, X64_PRLIMIT64, 7, ALLOW},
        {AUDIT_ARCH_I386, 340, 10, NOTIFY}, {AUDIT_ARCH_I386, 340, 9, ALLOW},
        {AUDIT_ARCH_X86_64, X64_SETRLIMIT, 10, ALLOW},
        /* subvolumes; the kernel looks at the command's lower half alone */
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_SUBVOL_CREATE, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_SUBVOL_CREATE_V2, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_SNAP_CREATE, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_SNAP_CREATE_V2, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, 0x4020bc10, REFUSE(EPERM)}, /* bcachefs */
        {AUDIT_ARCH_X86_64, X64_IOCTL, 0x4040bc1d, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, 0x4020bc10, REFUSE(EPERM)}, {AUDIT_ARCH_I386, 54, 0x4040bc1d, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, 0x4020bc11, ALLOW}, /* BCH_IOCTL_SUBVOLUME_DESTROY */
        /* with a structure of another size, or one that is written back */
        {AUDIT_ARCH_X86_64, X64_IOCTL, _IOWR(0x94, 24, char[8192]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, _IOW(0x94, 14, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, _IOW(0x94, 1, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, _IOWR(0x94, 23, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_START_SYNC, ALLOW}, /* 24, but read */
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_WAIT_SYNC, ALLOW},
        {AUDIT_ARCH_X86_64, X64_IOCTL, BTRFS_IOC_SNAP_DESTROY, ALLOW},
        {AUDIT_ARCH_X86_64, X64_IOCTL, FICLONE, ALLOW}, {AUDIT_ARCH_X86_64, X64_IOCTL, FICLONERANGE, ALLOW},
        {AUDIT_ARCH_X86_64, X64_IOCTL, HIGH | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, 0xffffffff00000000 | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, HIGH | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, X64_IOCTL, SUBVOLUME + 1, ALLOW},
        {AUDIT_ARCH_X86_64, X64_IOCTL, (uint64_t)SUBVOLUME << 32, ALLOW},
        {AUDIT_ARCH_X86_64, X64_IOCTL, FIONREAD, ALLOW}, {AUDIT_ARCH_X86_64, X64_IOCTL, 0, ALLOW},
        {AUDIT_ARCH_I386, 54, FIONREAD, ALLOW}, {AUDIT_ARCH_X86_64, X64_READ, SUBVOLUME, ALLOW},
        {AUDIT_ARCH_I386, X64_IOCTL, SUBVOLUME, ALLOW}, /* lchown */
};

static const Decision decisions_aarch64[] = {
        {AUDIT_ARCH_AARCH64, 34, 0, NOTIFY}, {AUDIT_ARCH_ARM, 39, 0, NOTIFY},
        {AUDIT_ARCH_ARM, 323, 0, NOTIFY}, {AUDIT_ARCH_AARCH64, 446, 0, NOTIFY},
        {AUDIT_ARCH_ARM, 446, 0, NOTIFY}, {AUDIT_ARCH_AARCH64, 35, 0, ALLOW}, /* unlinkat */
        {AUDIT_ARCH_AARCH64, 39, 0, ALLOW}, {AUDIT_ARCH_AARCH64, 323, 0, ALLOW},
        {AUDIT_ARCH_AARCH64, 83, 0, ALLOW}, {AUDIT_ARCH_AARCH64, 258, 0, ALLOW},
        {AUDIT_ARCH_ARM, 34, 0, ALLOW}, {AUDIT_ARCH_ARM, 296, 0, ALLOW},
        {AUDIT_ARCH_ARM, 0x0f0005, 0, ALLOW}, /* set_tls */
        {AUDIT_ARCH_AARCH64, 425, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_AARCH64, 426, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_AARCH64, 427, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_ARM, 425, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_ARM, 426, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_ARM, 427, 0, REFUSE(ENOSYS)},
        /* other machines */
        {AUDIT_ARCH_X86_64, X64_MKDIR, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, X64_READ, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_I386, 39, 0, REFUSE(ENOSYS)}, {0, 34, 0, REFUSE(ENOSYS)},
        /* the limit that is a mark, and another */
        {AUDIT_ARCH_AARCH64, A64_PRLIMIT64, 10, NOTIFY},
        {AUDIT_ARCH_AARCH64, A64_PRLIMIT64, HIGH | 10, NOTIFY},
        {AUDIT_ARCH_AARCH64, A64_PRLIMIT64, 7, ALLOW}, {AUDIT_ARCH_ARM, 369, 10, NOTIFY},
        {AUDIT_ARCH_ARM, 369, 9, ALLOW},
        /* subvolumes */
        {AUDIT_ARCH_AARCH64, A64_IOCTL, SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_AARCH64, A64_IOCTL, HIGH | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_AARCH64, A64_IOCTL, 0x4040bc1d, REFUSE(EPERM)},
        {AUDIT_ARCH_AARCH64, A64_IOCTL, _IOWR(0x94, 24, char[8192]), REFUSE(EPERM)},
        {AUDIT_ARCH_AARCH64, A64_IOCTL, BTRFS_IOC_START_SYNC, ALLOW},
        {AUDIT_ARCH_AARCH64, A64_IOCTL, FIONREAD, ALLOW}, {AUDIT_ARCH_ARM, 54, SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_ARM, 54, FIONREAD, ALLOW}, {AUDIT_ARCH_AARCH64, 54, SUBVOLUME, ALLOW}, /* fchownat */
};

/* The filters of every machine, whichever this one is. */
static struct {
        const Decision *decisions;
        size_t n_decisions;
        Filter filters[FILTER_WAYS][2]; /* by Action */
} programs[MACHINE_COUNT] = {
        [MACHINE_X86_64] = {decisions_x86_64, COUNT(decisions_x86_64), {}},
        [MACHINE_AARCH64] = {decisions_aarch64, COUNT(decisions_aarch64), {}},
};

static int build_programs(void **state) {
        (void)state;
        for (size_t machine = 0; machine < MACHINE_COUNT; machine++)
                for (FilterWay way = FILTER_ACTING; way < FILTER_WAYS; way++)
                        for (Action namespaces = ACTION_DENY; namespaces <= ACTION_ALLOW; namespaces++)
                                assert_int_equal(filter_build(&machines[machine], way, namespaces,
                                                         &programs[machine].filters[way][namespaces]),
                                        0);
        return 0;
}

static void check_decision(size_t machine, size_t row, const Decision *decision) {
        const struct seccomp_data data = {.arch = decision->arch,
                .nr = decision->nr,
                .args = {UINT64_MAX, decision->command, UINT64_MAX}};

        for (Action namespaces = ACTION_DENY; namespaces <= ACTION_ALLOW; namespaces++) {
                uint32_t got = bpf_run(&programs[machine].filters[FILTER_ACTING][namespaces], &data);

                if (got != decision->expected)
                        fail_msg("%s, row %zu (call %#x): %#x", machines[machine].name, row,
                                (unsigned)decision->nr, got);
        }
}

static void test_decisions(void **state) {
        (void)state;
        for (size_t machine = 0; machine < MACHINE_COUNT; machine++) {
                assert_in_range(programs[machine].filters[FILTER_ACTING][ACTION_ALLOW].n_instructions, 10,
                        BPF_PROGRAM_MAX - 1);
                for (size_t i = 0; i < programs[machine].n_decisions; i++)
                        check_decision(machine, i, &programs[machine].decisions[i]);
        }
}

typedef Filter WayFilters[2];

/* Runs check on each ABI of each machine, with its number of the call of that name.  Returns on how many. */
static unsigned on_each_abi(const char *name,
        void (*check)(const WayFilters *filters, struct seccomp_data *data, const void *argument),
        const void *argument) {
        unsigned n = 0;

        for (size_t machine = 0; machine < MACHINE_COUNT; machine++)
                for (size_t i = 0; i < MACHINE_ABIS; i++) {
                        uint32_t arch = abi_audit_archs[machines[machine].abis[i]];
                        struct seccomp_data data = {
                                .arch = arch, .nr = seccomp_syscall_resolve_name_arch(arch, name)};

                        if (data.nr < 0)
                                continue;
                        check(programs[machine].filters, &data, argument);
                        n++;
                }
        return n;
}

/* With no name in the headers that libc has. */
#define EMPTY_MNTNS 0x00100000

/* What `namespaces = deny` refuses, and what it does not. */
typedef struct Namespaces {
        const char *name;
        uint64_t args[2];
        uint32_t expected;
} Namespaces;

static const Namespaces namespaces[] = {
        {"unshare", {CLONE_NEWUSER}, REFUSE(EPERM)},
        {"unshare", {CLONE_NEWNS}, REFUSE(EPERM)},
        {"unshare", {CLONE_NEWNS | CLONE_NEWPID | CLONE_FS}, REFUSE(EPERM)},
        {"unshare", {HIGH | CLONE_NEWUSER}, REFUSE(EPERM)},
        {"unshare", {EMPTY_MNTNS}, REFUSE(EPERM)},
        {"unshare", {UINT32_MAX}, REFUSE(EPERM)},
        {"unshare", {0}, ALLOW},
        {"unshare", {CLONE_FILES | CLONE_FS}, ALLOW},
        {"unshare", {CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP}, ALLOW},
        {"clone", {CLONE_NEWUSER | SIGCHLD}, REFUSE(EPERM)},
        {"clone", {CLONE_NEWNS | SIGCHLD, CLONE_NEWUSER}, REFUSE(EPERM)},
        {"clone", {HIGH | CLONE_NEWUSER | CLONE_NEWPID}, REFUSE(EPERM)},
        {"clone", {SIGCHLD, CLONE_NEWUSER}, ALLOW}, /* the stack */
        {"clone", {CLONE_VM | CLONE_VFORK | SIGCHLD}, ALLOW},
        {"clone",
                {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                        CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID},
                ALLOW},
        {"clone", {CLONE_NEWNET | CLONE_NEWPID}, ALLOW},
        {"setns", {3, 0}, REFUSE(EPERM)},
        {"setns", {3, HIGH}, REFUSE(EPERM)},
        {"setns", {3, CLONE_NEWUSER}, REFUSE(EPERM)},
        {"setns", {3, CLONE_NEWNS}, REFUSE(EPERM)},
        {"setns", {3, CLONE_NEWNS | CLONE_NEWNET}, REFUSE(EPERM)},
        {"setns", {CLONE_NEWUSER, CLONE_NEWNET}, ALLOW},
        {"clone3", {0}, REFUSE(ENOSYS)},
        {"fork", {CLONE_NEWUSER}, ALLOW},
        {"vfork", {CLONE_NEWUSER}, ALLOW},
};

static void check_namespaces(const WayFilters *filters, struct seccomp_data *data, const void *argument) {
        const Namespaces *row = argument;

        memcpy(data->args, row->args, sizeof(row->args));
        for (FilterWay way = FILTER_ACTING; way < FILTER_WAYS; way++)
                if (bpf_run(&filters[way][ACTION_DENY], data) != row->expected ||
                        bpf_run(&filters[way][ACTION_ALLOW], data) != ALLOW)
                        fail_msg("row %td, arch %#x", row - namespaces, data->arch);
}

static void test_namespaces(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(namespaces); i++) /* fork() and vfork() are not on AArch64 */
                assert_in_range(on_each_abi(namespaces[i].name, check_namespaces, &namespaces[i]), 3, 4);
}

/* Is the limit set, or another one, or is this one only read? */
static void check_limit_call(const Filter *filter, struct seccomp_data *data, const LimitArguments *limit) {
        data->args[limit->resource_at] = RLIMIT_LOCKS;
        if (limit->new_at >= 0) {
                assert_int_equal(bpf_run(filter, data), ALLOW);
                data->args[limit->new_at] = 1;
        }
        assert_int_equal(bpf_run(filter, data), NOTIFY);
        data->args[limit->resource_at] = RLIMIT_NOFILE;
        assert_int_equal(bpf_run(filter, data), ALLOW);
}

static void check_supervised(const WayFilters *filters, struct seccomp_data *data, const void *argument) {
        const Call *call = argument;

        if (call->limit)
                check_limit_call(&filters[FILTER_ACTING][ACTION_ALLOW], data, call->limit);
        else
                assert_int_equal(bpf_run(&filters[FILTER_ACTING][ACTION_ALLOW], data), NOTIFY);
        /* Under the guard a task's Landlock domains bind what it does, as they do natively. */
        if (call->limit)
                data->args[call->limit->resource_at] = RLIMIT_LOCKS;
        assert_int_equal(bpf_run(&filters[FILTER_GUARDED][ACTION_ALLOW], data),
                call->kind == OPERATION_MKDIR ? NOTIFY : ALLOW);
}

static uint32_t rule_action(const SeccompRule *rule, unsigned programs_of_filter) {
        return rule->programs & programs_of_filter ? rule->action : ALLOW;
}

/* A call that a rule is about gets the rule's action, in the programs that have the rule. */
static void check_rule(const WayFilters *filters, struct seccomp_data *data, const void *argument) {
        const SeccompRule *rule = argument;

        for (size_t i = 0; i < RULE_ARGUMENTS; i++)
                if (rule->arguments[i].op != 0)
                        data->args[rule->arguments[i].arg] = rule->arguments[i].datum_b;
        assert_int_equal(bpf_run(&filters[FILTER_ACTING][ACTION_DENY], data), rule->action);
        assert_int_equal(bpf_run(&filters[FILTER_ACTING][ACTION_ALLOW], data),
                rule_action(rule, FILTER_ALL | FILTER_UNGUARDED));
        assert_int_equal(bpf_run(&filters[FILTER_GUARDED][ACTION_DENY], data),
                rule_action(rule, FILTER_ALL | FILTER_NAMESPACES_DENIED));
        assert_int_equal(
                bpf_run(&filters[FILTER_GUARDED][ACTION_ALLOW], data), rule_action(rule, FILTER_ALL));
}

/* Every row of both tables is in the programs. */
static void test_tables(void **state) {
        (void)state;
        for (size_t i = 0; i < n_calls; i++)
                assert_in_range(on_each_abi(calls[i].name, check_supervised, &calls[i]), 3, 4);
        for (size_t i = 0; i < n_filter_rules; i++) {
                _cleanup_free_ char *name =
                        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, filter_rules[i].call);

                assert_non_null(name);
                assert_int_equal(on_each_abi(name, check_rule, &filter_rules[i]), 4);
        }
}

static void check_call(long nr, unsigned long one, unsigned long two, int expected) {
        errno = 0;
        (void)syscall(nr, one, two, 0);
        CHECK_INT(errno, expected);
}

/* Without a listener a notification fails with ENOSYS: so they can be told from calls that go through. */
static void live_with_it(const void *argument) {
        const Filter *filter = argument;
        const struct sock_fprog program = {
                .len = (unsigned short)filter->n_instructions,
                .filter = (struct sock_filter *)(uintptr_t)filter->instructions,
        };

        check_call(SYS_mkdirat, (unsigned long)-100, 0, EFAULT);
        CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_INT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
        check_call(SYS_mkdirat, (unsigned long)-100, 0, ENOSYS);
        check_call(SYS_unlinkat, (unsigned long)-100, 0, EFAULT);
        check_call(SYS_io_uring_setup, 0, 0, ENOSYS);
#ifdef SYS_mkdir
        check_call(SYS_mkdir, 0, 0, ENOSYS);
        check_call(SYS_rmdir, 0, 0, EFAULT);
#endif
#ifdef __x86_64__
        check_call(X32 | SYS_getpid, 0, 0, ENOSYS);
#endif
        check_call(SYS_ioctl, (unsigned long)-1, SUBVOLUME, EPERM);
        check_call(SYS_ioctl, (unsigned long)-1, HIGH | SUBVOLUME, EPERM);
        check_call(SYS_ioctl, (unsigned long)-1, FIONREAD, EBADF);
        check_call(SYS_setrlimit, 10, 0, ENOSYS);
        check_call(SYS_setrlimit, HIGH | 10, 0, ENOSYS);
        check_call(SYS_setrlimit, 7, 0, EFAULT);
        CHECK_INT(syscall(SYS_prlimit64, 0, 10, 0, 0), 0);
        CHECK_INT(syscall(SYS_prlimit64, 0, 10, 1, 1), -1); /* and not EFAULT */
        CHECK_INT(errno, ENOSYS);
}

static void test_kernel_takes_it(void **state) {
        Filters filters = {};

        (void)state;
        assert_int_equal(filters_build(false, &filters), 0);
        assert_int_equal(filters.by_way[FILTER_GUARDED][ACTION_ALLOW].n_instructions, 0);
        harness_run(live_with_it, &filters.by_way[FILTER_ACTING][ACTION_ALLOW]);
        harness_run(live_with_it, &filters.by_way[FILTER_ACTING][ACTION_DENY]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decisions),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_tables),
                cmocka_unit_test(test_kernel_takes_it),
        };

        harness_need_filters();
        harness_init();
        return cmocka_run_group_tests_name("filter", tests, build_programs, NULL);
}
