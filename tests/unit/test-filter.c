/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/sandbox/filter.c: the program is run here, on calls of every ABI, by an interpreter of the
 * few instructions that it may have; and once by the kernel, in a child. */

#include "harness.h"

#include <linux/audit.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/calls.h"
#include "sandbox/filter.h"

#define X32 0x40000000
#define HIGH 0xdeadbeef00000000

static uint32_t load(const struct seccomp_data *data, uint32_t offset) {
        uint32_t word;

        assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*data));
        memcpy(&word, (const char *)data + offset, sizeof(word));
        return word;
}

static bool jumps(const struct sock_filter *instruction, uint32_t a) {
        switch (BPF_OP(instruction->code)) {
        case BPF_JEQ:
                return a == instruction->k;
        case BPF_JGT:
                return a > instruction->k;
        case BPF_JGE:
                return a >= instruction->k;
        case BPF_JSET:
                return (a & instruction->k) != 0;
        default:
                fail_msg("unknown jump %#x", instruction->code);
                return false;
        }
}

/* As the kernel runs it: bpf_check_classic() and seccomp_check_filter() say what there can be. */
static uint32_t run(const Filter *filter, const struct seccomp_data *data) {
        uint32_t a = 0;

        for (uint32_t pc = 0; pc < filter->n_instructions; pc++) {
                const struct sock_filter *instruction = &filter->instructions[pc];

                switch (instruction->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        a = load(data, instruction->k);
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= instruction->k;
                        break;
                case BPF_JMP | BPF_JA:
                        pc += instruction->k;
                        break;
                case BPF_RET | BPF_K:
                        return instruction->k;
                default:
                        assert_int_equal(BPF_CLASS(instruction->code), BPF_JMP);
                        pc += jumps(instruction, a) ? instruction->jt : instruction->jf;
                }
        }
        fail_msg("the program has no end");
        return 0;
}

#define ALLOW SECCOMP_RET_ALLOW
#define NOTIFY SECCOMP_RET_USER_NOTIF
#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))
#define SUBVOLUME BTRFS_IOC_SUBVOL_CREATE

static const struct {
        uint32_t arch;
        int nr;
        uint64_t command;
        uint32_t expected;
} decisions[] = {
        {AUDIT_ARCH_X86_64, SYS_mkdir, 0, NOTIFY}, {AUDIT_ARCH_X86_64, SYS_mkdirat, 0, NOTIFY},
        {AUDIT_ARCH_I386, 39, 0, NOTIFY}, {AUDIT_ARCH_I386, 296, 0, NOTIFY},
        {AUDIT_ARCH_X86_64, 446, 0, NOTIFY}, {AUDIT_ARCH_I386, 446, 0, NOTIFY},
        {AUDIT_ARCH_X86_64, 444, 0, ALLOW}, {AUDIT_ARCH_X86_64, 445, 0, ALLOW},
        {AUDIT_ARCH_X86_64, 39, 0, ALLOW}, {AUDIT_ARCH_X86_64, 296, 0, ALLOW},
        {AUDIT_ARCH_I386, SYS_mkdir, 0, ALLOW}, {AUDIT_ARCH_I386, SYS_mkdirat, 0, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_rmdir, 0, ALLOW}, {AUDIT_ARCH_X86_64, SYS_read, 0, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_execve, 0, ALLOW}, {AUDIT_ARCH_I386, 3, 0, ALLOW},
        {AUDIT_ARCH_X86_64, 100000, 0, ALLOW},
        /* rings, which have the same numbers everywhere */
        {AUDIT_ARCH_X86_64, SYS_io_uring_setup, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, SYS_io_uring_enter, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, SYS_io_uring_register, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_I386, 425, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_I386, 426, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_I386, 427, 0, REFUSE(ENOSYS)},
        /* x32, whatever the number */
        {AUDIT_ARCH_X86_64, X32 | SYS_mkdir, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | SYS_mkdirat, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | SYS_read, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, X32 | 514, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, X32, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_X86_64, INT32_MIN, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_X86_64, -2, 0, REFUSE(ENOSYS)},
        /* other machines */
        {AUDIT_ARCH_AARCH64, 34, 0, REFUSE(ENOSYS)}, {AUDIT_ARCH_ARM, 39, 0, REFUSE(ENOSYS)},
        {AUDIT_ARCH_PPC64LE, 39, 0, REFUSE(ENOSYS)}, {0, SYS_mkdir, 0, REFUSE(ENOSYS)},
        /* the limit that is a mark, and another */
        {AUDIT_ARCH_X86_64, SYS_prlimit64, 10, NOTIFY},
        {AUDIT_ARCH_X86_64, SYS_prlimit64, HIGH | 10, NOTIFY}, {AUDIT_ARCH_X86_64, SYS_prlimit64, 7, ALLOW},
        {AUDIT_ARCH_I386, 340, 10, NOTIFY}, {AUDIT_ARCH_I386, 340, 9, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_setrlimit, 10, ALLOW},
        /* subvolumes; the kernel looks at the command's lower half alone */
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_SUBVOL_CREATE, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_SUBVOL_CREATE_V2, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_SNAP_CREATE, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_SNAP_CREATE_V2, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, 0x4020bc10, REFUSE(EPERM)}, /* bcachefs */
        {AUDIT_ARCH_X86_64, SYS_ioctl, 0x4040bc1d, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, 0x4020bc10, REFUSE(EPERM)}, {AUDIT_ARCH_I386, 54, 0x4040bc1d, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, 0x4020bc11, ALLOW}, /* BCH_IOCTL_SUBVOLUME_DESTROY */
        /* with a structure of another size, or one that is written back */
        {AUDIT_ARCH_X86_64, SYS_ioctl, _IOWR(0x94, 24, char[8192]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, _IOW(0x94, 14, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, _IOW(0x94, 1, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, _IOWR(0x94, 23, char[1]), REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_START_SYNC, ALLOW}, /* 24, but read */
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_WAIT_SYNC, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_ioctl, BTRFS_IOC_SNAP_DESTROY, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_ioctl, FICLONE, ALLOW}, {AUDIT_ARCH_X86_64, SYS_ioctl, FICLONERANGE, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_ioctl, HIGH | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, 0xffffffff00000000 | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_I386, 54, HIGH | SUBVOLUME, REFUSE(EPERM)},
        {AUDIT_ARCH_X86_64, SYS_ioctl, SUBVOLUME + 1, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_ioctl, (uint64_t)SUBVOLUME << 32, ALLOW},
        {AUDIT_ARCH_X86_64, SYS_ioctl, FIONREAD, ALLOW}, {AUDIT_ARCH_X86_64, SYS_ioctl, 0, ALLOW},
        {AUDIT_ARCH_I386, 54, FIONREAD, ALLOW}, {AUDIT_ARCH_X86_64, SYS_read, SUBVOLUME, ALLOW},
        {AUDIT_ARCH_I386, SYS_ioctl, SUBVOLUME, ALLOW}, /* lchown */
};

static Filters filters;
static const Filter *const usual = &filters.by_namespaces[ACTION_ALLOW];
static const Filter *const closed = &filters.by_namespaces[ACTION_DENY];

static void test_decisions(void **state) {
        (void)state;
        assert_in_range(usual->n_instructions, 10, PROTOCOL_FILTER_MAX - 1);
        for (size_t i = 0; i < COUNT(decisions); i++) {
                const struct seccomp_data data = {.arch = decisions[i].arch,
                        .nr = decisions[i].nr,
                        .args = {UINT64_MAX, decisions[i].command, UINT64_MAX}};

                for (Action namespaces = ACTION_DENY; namespaces <= ACTION_ALLOW; namespaces++) {
                        uint32_t got = run(&filters.by_namespaces[namespaces], &data);

                        if (got != decisions[i].expected)
                                fail_msg("row %zu (call %#x): %#x", i, (unsigned)decisions[i].nr, got);
                }
        }
}

/* With no name in the headers that libc has. */
#define EMPTY_MNTNS 0x00100000

/* What `namespaces = deny` refuses, and what it does not. */
static const struct {
        int nr;
        int nr_i386;
        uint64_t args[2];
        uint32_t expected;
} namespaces[] = {
        {SYS_unshare, 310, {CLONE_NEWUSER}, REFUSE(EPERM)},
        {SYS_unshare, 310, {CLONE_NEWNS}, REFUSE(EPERM)},
        {SYS_unshare, 310, {CLONE_NEWNS | CLONE_NEWPID | CLONE_FS}, REFUSE(EPERM)},
        {SYS_unshare, 310, {HIGH | CLONE_NEWUSER}, REFUSE(EPERM)},
        {SYS_unshare, 310, {EMPTY_MNTNS}, REFUSE(EPERM)},
        {SYS_unshare, 310, {UINT32_MAX}, REFUSE(EPERM)},
        {SYS_unshare, 310, {0}, ALLOW},
        {SYS_unshare, 310, {CLONE_FILES | CLONE_FS}, ALLOW},
        {SYS_unshare, 310, {CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP},
                ALLOW},
        {SYS_clone, 120, {CLONE_NEWUSER | SIGCHLD}, REFUSE(EPERM)},
        {SYS_clone, 120, {CLONE_NEWNS | SIGCHLD, CLONE_NEWUSER}, REFUSE(EPERM)},
        {SYS_clone, 120, {HIGH | CLONE_NEWUSER | CLONE_NEWPID}, REFUSE(EPERM)},
        {SYS_clone, 120, {SIGCHLD, CLONE_NEWUSER}, ALLOW}, /* the stack */
        {SYS_clone, 120, {CLONE_VM | CLONE_VFORK | SIGCHLD}, ALLOW},
        {SYS_clone, 120,
                {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                        CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID},
                ALLOW},
        {SYS_clone, 120, {CLONE_NEWNET | CLONE_NEWPID}, ALLOW},
        {SYS_setns, 346, {3, 0}, REFUSE(EPERM)},
        {SYS_setns, 346, {3, HIGH}, REFUSE(EPERM)},
        {SYS_setns, 346, {3, CLONE_NEWUSER}, REFUSE(EPERM)},
        {SYS_setns, 346, {3, CLONE_NEWNS}, REFUSE(EPERM)},
        {SYS_setns, 346, {3, CLONE_NEWNS | CLONE_NEWNET}, REFUSE(EPERM)},
        {SYS_setns, 346, {CLONE_NEWUSER, CLONE_NEWNET}, ALLOW},
        {SYS_clone3, 435, {0}, REFUSE(ENOSYS)},
        {SYS_fork, 2, {CLONE_NEWUSER}, ALLOW},
        {SYS_vfork, 190, {CLONE_NEWUSER}, ALLOW},
};

static void test_namespaces(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(namespaces); i++) {
                struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64, .nr = namespaces[i].nr};

                memcpy(data.args, namespaces[i].args, sizeof(namespaces[i].args));
                for (int abi = 0; abi < 2; abi++) {
                        if (run(closed, &data) != namespaces[i].expected || run(usual, &data) != ALLOW)
                                fail_msg("row %zu, arch %#x", i, data.arch);
                        data.arch = AUDIT_ARCH_I386;
                        data.nr = namespaces[i].nr_i386;
                }
        }
}

/* Both ABIs are asked for: whether the limit is set, or another one, or this one only read. */
static void check_limit_call(const Filter *filter, const Call *call) {
        struct seccomp_data rows[] = {
                {.arch = AUDIT_ARCH_X86_64, .nr = call->nr}, {.arch = AUDIT_ARCH_I386, .nr = call->nr_i386}};

        for (size_t i = 0; i < COUNT(rows); i++) {
                rows[i].args[call->limit->resource_at] = RLIMIT_LOCKS;
                if (call->limit->new_at >= 0) {
                        assert_int_equal(run(filter, &rows[i]), ALLOW);
                        rows[i].args[call->limit->new_at] = 1;
                }
                assert_int_equal(run(filter, &rows[i]), NOTIFY);
                rows[i].args[call->limit->resource_at] = RLIMIT_NOFILE;
                assert_int_equal(run(filter, &rows[i]), ALLOW);
        }
}

/* Every row of the table is in the program. */
static void test_table(void **state) {
        (void)state;
        for (size_t i = 0; i < n_calls; i++) {
                struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64, .nr = calls[i].nr};

                if (calls[i].limit) {
                        check_limit_call(usual, &calls[i]);
                        continue;
                }
                assert_int_equal(run(usual, &data), NOTIFY);
                data = (struct seccomp_data){.arch = AUDIT_ARCH_I386, .nr = calls[i].nr_i386};
                assert_int_equal(run(usual, &data), NOTIFY);
        }
        for (size_t i = 0; i < n_refused_calls; i++) {
                const struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64, .nr = refused_calls[i].nr};

                assert_int_equal(run(usual, &data), REFUSE((uint32_t)refused_calls[i].error));
        }
        for (size_t i = 0; i < n_refused_ioctls; i++) {
                const struct seccomp_data data = {
                        .arch = AUDIT_ARCH_X86_64, .nr = SYS_ioctl, .args = {3, refused_ioctls[i].command}};

                assert_int_equal(run(usual, &data), REFUSE((uint32_t)refused_ioctls[i].error));
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

        check_call(SYS_mkdir, 0, 0, EFAULT);
        CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_INT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
        check_call(SYS_mkdir, 0, 0, ENOSYS);
        check_call(SYS_mkdirat, (unsigned long)-100, 0, ENOSYS);
        check_call(SYS_rmdir, 0, 0, EFAULT);
        check_call(SYS_io_uring_setup, 0, 0, ENOSYS);
        check_call(X32 | SYS_getpid, 0, 0, ENOSYS);
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
        (void)state;
        harness_run(live_with_it, usual);
        harness_run(live_with_it, closed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decisions),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_kernel_takes_it),
        };

        harness_init();
        if (filters_build(&filters) < 0)
                return EXIT_FAILURE;
        return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
