/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/calls.c: which calls are supervised, and that their arguments are taken from the
 * registers as the kernel takes them. */

#include "harness.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>

#include "common/calls.h"

#define X32 0x40000000

static const struct {
        uint32_t arch;
        int nr;
        const char *on_x86_64;
        const char *on_aarch64;
} numbers[] = {
        {AUDIT_ARCH_X86_64, 83, "mkdir", NULL},
        {AUDIT_ARCH_X86_64, 258, "mkdirat", NULL},
        {AUDIT_ARCH_I386, 39, "mkdir", NULL},
        {AUDIT_ARCH_I386, 296, "mkdirat", NULL},
        {AUDIT_ARCH_AARCH64, 34, NULL, "mkdirat"},
        {AUDIT_ARCH_ARM, 39, NULL, "mkdir"},
        {AUDIT_ARCH_ARM, 323, NULL, "mkdirat"},
        {AUDIT_ARCH_X86_64, 446, "landlock_restrict_self", NULL},
        {AUDIT_ARCH_I386, 446, "landlock_restrict_self", NULL},
        {AUDIT_ARCH_AARCH64, 446, NULL, "landlock_restrict_self"},
        {AUDIT_ARCH_ARM, 446, NULL, "landlock_restrict_self"},
        {AUDIT_ARCH_X86_64, 446 | X32, NULL, NULL},
        {AUDIT_ARCH_X86_64, 160, "setrlimit", NULL},
        {AUDIT_ARCH_I386, 75, "setrlimit", NULL},
        {AUDIT_ARCH_AARCH64, 164, NULL, "setrlimit"},
        {AUDIT_ARCH_ARM, 75, NULL, "setrlimit"},
        {AUDIT_ARCH_X86_64, 302, "prlimit64", NULL},
        {AUDIT_ARCH_I386, 340, "prlimit64", NULL},
        {AUDIT_ARCH_AARCH64, 261, NULL, "prlimit64"},
        {AUDIT_ARCH_ARM, 369, NULL, "prlimit64"},
        /* each number in the table of another ABI */
        {AUDIT_ARCH_X86_64, 75, NULL, NULL},
        {AUDIT_ARCH_X86_64, 340, NULL, NULL},
        {AUDIT_ARCH_X86_64, 39, NULL, NULL}, /* getpid */
        {AUDIT_ARCH_X86_64, 296, NULL, NULL},
        {AUDIT_ARCH_X86_64, 34, NULL, NULL},
        {AUDIT_ARCH_I386, 83, NULL, NULL},
        {AUDIT_ARCH_I386, 258, NULL, NULL},
        {AUDIT_ARCH_I386, 323, NULL, NULL},
        {AUDIT_ARCH_AARCH64, 83, NULL, NULL},
        {AUDIT_ARCH_AARCH64, 39, NULL, NULL},
        {AUDIT_ARCH_AARCH64, 323, NULL, NULL},
        {AUDIT_ARCH_ARM, 34, NULL, NULL},
        {AUDIT_ARCH_ARM, 296, NULL, NULL},
        {AUDIT_ARCH_X86_64, 83 | X32, NULL, NULL},
        {AUDIT_ARCH_X86_64, 258 | X32, NULL, NULL},
        {AUDIT_ARCH_X86_64, 84, NULL, NULL}, /* rmdir */
        {AUDIT_ARCH_X86_64, 0, NULL, NULL},
        {AUDIT_ARCH_X86_64, -1, NULL, NULL},
        {AUDIT_ARCH_AARCH64, CALL_NONE, NULL, NULL}, /* not mkdir, which that ABI lacks */
        {AUDIT_ARCH_PPC64LE, 39, NULL, NULL},
        {0, 83, NULL, NULL},
        {0, 0, NULL, NULL},
};

static void check_find(int machine, const struct seccomp_data *data, const char *expected) {
        const Call *call = call_find_on(&machines[machine], data);

        if (!call || !expected)
                assert_true(!call && !expected);
        else
                assert_string_equal(call->name, expected);
}

static void test_find(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(numbers); i++) {
                const struct seccomp_data data = {.arch = numbers[i].arch, .nr = numbers[i].nr};

                check_find(MACHINE_X86_64, &data, numbers[i].on_x86_64);
                check_find(MACHINE_AARCH64, &data, numbers[i].on_aarch64);
                assert_ptr_equal(call_find(&data), call_find_on(MACHINE_NATIVE, &data));
        }
}

/* Each number of each ABI is the one that libseccomp traps under that name. */
static void test_numbers(void **state) {
        (void)state;
        for (size_t i = 0; i < n_calls; i++)
                for (Abi abi = 0; abi < ABI_COUNT; abi++) {
                        int number = seccomp_syscall_resolve_name_arch(abi_audit_archs[abi], calls[i].name);

                        assert_int_not_equal(number, __NR_SCMP_ERROR);
                        assert_int_equal(calls[i].numbers[abi], number < 0 ? CALL_NONE : number);
                }
}

/* Registers are full of what the last call left in their upper halves. */
#define HIGH 0xdeadbeef00000000

static const struct {
        uint32_t arch;
        int nr;
        uint64_t args[3];
        struct {
                int dirfd;
                uint64_t path;
                uint32_t mode;
                int pid;
        } expected;
} layouts[] = {
        {AUDIT_ARCH_X86_64, 83, {0x7fff00001234, 0755, 99}, {AT_FDCWD, 0x7fff00001234, 0755}},
        {AUDIT_ARCH_X86_64, 258, {5, 0x7fff00001234, 0700}, {5, 0x7fff00001234, 0700}},
        /* an int: sign and lower half alone */
        {AUDIT_ARCH_X86_64, 258, {(uint64_t)-100, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, 258, {0xffffff9c, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, 258, {HIGH | 0xffffff9c, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, 258, {HIGH | 7, 1, 0}, {7, 1, 0}},
        {AUDIT_ARCH_X86_64, 258, {0xffffffff, 1, 0}, {-1, 1, 0}},
        {AUDIT_ARCH_X86_64, 258, {0x80000000, 1, 0}, {INT32_MIN, 1, 0}},
        /* a umode_t: 16 bits */
        {AUDIT_ARCH_X86_64, 83, {1, 0x10000 | 0755}, {AT_FDCWD, 1, 0755}},
        {AUDIT_ARCH_X86_64, 83, {1, HIGH | 0xffff}, {AT_FDCWD, 1, 0xffff}},
        {AUDIT_ARCH_X86_64, 258, {3, 1, UINT64_MAX}, {3, 1, 0xffff}},
        /* an address: all of it, and half of it with 32 bits */
        {AUDIT_ARCH_X86_64, 83, {UINT64_MAX, 0}, {AT_FDCWD, UINT64_MAX, 0}},
        {AUDIT_ARCH_I386, 39, {HIGH | 0x8049000, 0700}, {AT_FDCWD, 0x8049000, 0700}},
        {AUDIT_ARCH_I386, 39, {UINT64_MAX, 0}, {AT_FDCWD, UINT32_MAX, 0}},
        {AUDIT_ARCH_I386, 296, {HIGH | 0xffffff9c, HIGH | 0xfffff000, HIGH | 0777},
                {AT_FDCWD, 0xfffff000, 0777}},
        {AUDIT_ARCH_I386, 296, {4, 0x8049000, 0x1ffff}, {4, 0x8049000, 0xffff}},
        {AUDIT_ARCH_X86_64, 446, {HIGH | 5, 7, 9}, {5, 0, 0}},
        {AUDIT_ARCH_I386, 446, {HIGH | 5, 7, 9}, {5, 0, 0}},
        {AUDIT_ARCH_X86_64, 160, {10, 1}, {AT_FDCWD, 0, 0, .pid = 0}},
        {AUDIT_ARCH_X86_64, 302, {HIGH | 7, 10, 1}, {AT_FDCWD, 0, 0, .pid = 7}},
        {AUDIT_ARCH_X86_64, 302, {HIGH, 10, 1}, {AT_FDCWD, 0, 0, .pid = 0}},
        {AUDIT_ARCH_I386, 340, {HIGH | 0xffffffff, 10, 1}, {AT_FDCWD, 0, 0, .pid = -1}},
        {AUDIT_ARCH_AARCH64, 34, {HIGH | 0xffffff9c, HIGH | 1, HIGH | 0700}, {AT_FDCWD, HIGH | 1, 0700}},
        {AUDIT_ARCH_ARM, 39, {UINT64_MAX, 0700}, {AT_FDCWD, UINT32_MAX, 0700}},
        {AUDIT_ARCH_ARM, 323, {4, HIGH | 0x8049000, 0x1ffff}, {4, 0x8049000, 0xffff}},
};

/* The ABI's architecture, whichever machine this is. */
static const Call *find(const struct seccomp_data *data) {
        const Call *call = NULL;

        for (size_t i = 0; i < MACHINE_COUNT && !call; i++)
                call = call_find_on(&machines[i], data);
        assert_non_null(call);
        return call;
}

static void test_arguments(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(layouts); i++) {
                struct seccomp_data data = {.arch = layouts[i].arch, .nr = layouts[i].nr};
                Arguments arguments;

                memcpy(data.args, layouts[i].args, sizeof(layouts[i].args));
                call_arguments(find(&data), &data, &arguments);
                assert_int_equal(arguments.dirfds[0], layouts[i].expected.dirfd);
                assert_int_equal(arguments.paths[0], layouts[i].expected.path);
                assert_int_equal(arguments.mode, layouts[i].expected.mode);
                assert_int_equal(arguments.pid, layouts[i].expected.pid);
        }
}

/* The properties of each row on which the filter and the worker rely. */
static void test_table(void **state) {
        (void)state;
        for (size_t i = 0; i < n_calls; i++) {
                assert_non_null(calls[i].name);
                for (size_t k = 0; k < i; k++) {
                        for (Abi abi = 0; abi < ABI_COUNT; abi++)
                                assert_int_not_equal(calls[i].numbers[abi], calls[k].numbers[abi]);
                }
                assert_true(calls[i].dirfd_at >= -1 && calls[i].dirfd_at <= 5);
                assert_true((calls[i].kind == OPERATION_LIMIT) == (calls[i].limit != NULL));
                if (calls[i].kind == OPERATION_RESTRICT || calls[i].kind == OPERATION_LIMIT) {
                        /* The kernel continues the call: the worker must read nothing for it. */
                        assert_int_equal(calls[i].path_at, -1);
                        assert_int_equal(calls[i].mode_at, -1);
                        continue;
                }
                assert_in_range(calls[i].path_at, 0, 5);
                assert_in_range(calls[i].mode_at, 0, 5);
                assert_int_not_equal(calls[i].path_at, calls[i].mode_at);
                assert_int_not_equal(calls[i].path_at, calls[i].dirfd_at);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_table),
        };

        harness_init();
        return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
