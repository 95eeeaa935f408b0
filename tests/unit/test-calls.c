/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/calls.c: which calls are supervised, and that their arguments are taken from the
 * registers as the kernel takes them. */

#include "harness.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include "common/calls.h"

#define X32 0x40000000

static const struct {
        uint32_t arch;
        int nr;
        const char *expected;
} numbers[] = {
        {AUDIT_ARCH_X86_64, SYS_mkdir, "mkdir"},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, "mkdirat"},
        {AUDIT_ARCH_I386, 39, "mkdir"},
        {AUDIT_ARCH_I386, 296, "mkdirat"},
        {AUDIT_ARCH_X86_64, 446, "landlock_restrict_self"},
        {AUDIT_ARCH_I386, 446, "landlock_restrict_self"},
        {AUDIT_ARCH_X86_64, 446 | X32, NULL},
        {AUDIT_ARCH_X86_64, SYS_setrlimit, "setrlimit"},
        {AUDIT_ARCH_I386, 75, "setrlimit"},
        {AUDIT_ARCH_X86_64, SYS_prlimit64, "prlimit64"},
        {AUDIT_ARCH_I386, 340, "prlimit64"},
        {AUDIT_ARCH_X86_64, 75, NULL},
        {AUDIT_ARCH_X86_64, 340, NULL},
        /* each number in the other's table */
        {AUDIT_ARCH_X86_64, 39, NULL}, /* getpid */
        {AUDIT_ARCH_X86_64, 296, NULL},
        {AUDIT_ARCH_I386, SYS_mkdir, NULL},
        {AUDIT_ARCH_I386, SYS_mkdirat, NULL},
        {AUDIT_ARCH_X86_64, SYS_mkdir | X32, NULL},
        {AUDIT_ARCH_X86_64, SYS_mkdirat | X32, NULL},
        {AUDIT_ARCH_X86_64, SYS_rmdir, NULL},
        {AUDIT_ARCH_X86_64, 0, NULL},
        {AUDIT_ARCH_X86_64, -1, NULL},
        {AUDIT_ARCH_AARCH64, SYS_mkdir, NULL},
        {AUDIT_ARCH_AARCH64, 34, NULL},
        {0, SYS_mkdir, NULL},
        {0, 0, NULL},
};

static void test_find(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(numbers); i++) {
                const struct seccomp_data data = {.arch = numbers[i].arch, .nr = numbers[i].nr};
                const Call *call = call_find(&data);

                if (!call || !numbers[i].expected)
                        assert_true(!call && !numbers[i].expected);
                else
                        assert_string_equal(call->name, numbers[i].expected);
        }
}

/* Registers are full of what the last call left in their upper halves. */
#define HIGH 0xdeadbeef00000000

static const struct {
        uint32_t arch;
        int nr;
        uint64_t args[3];
        CallArguments expected;
} layouts[] = {
        {AUDIT_ARCH_X86_64, SYS_mkdir, {0x7fff00001234, 0755, 99}, {AT_FDCWD, 0x7fff00001234, 0755}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {5, 0x7fff00001234, 0700}, {5, 0x7fff00001234, 0700}},
        /* an int: sign and lower half alone */
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {(uint64_t)-100, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {0xffffff9c, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {HIGH | 0xffffff9c, 1, 0}, {AT_FDCWD, 1, 0}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {HIGH | 7, 1, 0}, {7, 1, 0}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {0xffffffff, 1, 0}, {-1, 1, 0}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {0x80000000, 1, 0}, {INT32_MIN, 1, 0}},
        /* a umode_t: 16 bits */
        {AUDIT_ARCH_X86_64, SYS_mkdir, {1, 0x10000 | 0755}, {AT_FDCWD, 1, 0755}},
        {AUDIT_ARCH_X86_64, SYS_mkdir, {1, HIGH | 0xffff}, {AT_FDCWD, 1, 0xffff}},
        {AUDIT_ARCH_X86_64, SYS_mkdirat, {3, 1, UINT64_MAX}, {3, 1, 0xffff}},
        /* an address: all of it, and half of it with 32 bits */
        {AUDIT_ARCH_X86_64, SYS_mkdir, {UINT64_MAX, 0}, {AT_FDCWD, UINT64_MAX, 0}},
        {AUDIT_ARCH_I386, 39, {HIGH | 0x8049000, 0700}, {AT_FDCWD, 0x8049000, 0700}},
        {AUDIT_ARCH_I386, 39, {UINT64_MAX, 0}, {AT_FDCWD, UINT32_MAX, 0}},
        {AUDIT_ARCH_I386, 296, {HIGH | 0xffffff9c, HIGH | 0xfffff000, HIGH | 0777},
                {AT_FDCWD, 0xfffff000, 0777}},
        {AUDIT_ARCH_I386, 296, {4, 0x8049000, 0x1ffff}, {4, 0x8049000, 0xffff}},
        {AUDIT_ARCH_X86_64, 446, {HIGH | 5, 7, 9}, {5, 0, 0}},
        {AUDIT_ARCH_I386, 446, {HIGH | 5, 7, 9}, {5, 0, 0}},
        {AUDIT_ARCH_X86_64, SYS_setrlimit, {10, 1}, {AT_FDCWD, 0, 0, .pid = 0}},
        {AUDIT_ARCH_X86_64, SYS_prlimit64, {HIGH | 7, 10, 1}, {AT_FDCWD, 0, 0, .pid = 7}},
        {AUDIT_ARCH_X86_64, SYS_prlimit64, {HIGH, 10, 1}, {AT_FDCWD, 0, 0, .pid = 0}},
        {AUDIT_ARCH_I386, 340, {HIGH | 0xffffffff, 10, 1}, {AT_FDCWD, 0, 0, .pid = -1}},
};

static void test_arguments(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(layouts); i++) {
                struct seccomp_data data = {.arch = layouts[i].arch, .nr = layouts[i].nr};
                CallArguments arguments;

                memcpy(data.args, layouts[i].args, sizeof(layouts[i].args));
                assert_non_null(call_find(&data));
                call_arguments(call_find(&data), &data, &arguments);
                assert_int_equal(arguments.dirfd, layouts[i].expected.dirfd);
                assert_int_equal(arguments.path, layouts[i].expected.path);
                assert_int_equal(arguments.mode, layouts[i].expected.mode);
                assert_int_equal(arguments.pid, layouts[i].expected.pid);
        }
}

/* What the filter and the worker rely on for each row. */
static void test_table(void **state) {
        (void)state;
        for (size_t i = 0; i < n_calls; i++) {
                assert_non_null(calls[i].name);
                for (size_t k = 0; k < i; k++) {
                        assert_int_not_equal(calls[i].nr, calls[k].nr);
                        assert_int_not_equal(calls[i].nr_i386, calls[k].nr_i386);
                }
                assert_true(calls[i].dirfd_at >= -1 && calls[i].dirfd_at <= 5);
                assert_true((calls[i].act == ACT_LIMIT) == (calls[i].limit != NULL));
                if (calls[i].act == ACT_RESTRICT || calls[i].act == ACT_LIMIT) {
                        /* The kernel goes on with it: nothing may be read for it. */
                        assert_int_equal(calls[i].path_at, -1);
                        assert_int_equal(calls[i].mode_at, -1);
                        continue;
                }
                assert_in_range(calls[i].path_at, 0, 5);
                assert_in_range(calls[i].mode_at, 0, 5);
                assert_int_not_equal(calls[i].path_at, calls[i].mode_at);
                assert_int_not_equal(calls[i].path_at, calls[i].dirfd_at);
        }
        for (size_t i = 0; i < n_refused_calls; i++)
                assert_true(refused_calls[i].error > 0);
        for (size_t i = 0; i < n_refused_ioctls; i++)
                assert_true(refused_ioctls[i].error > 0 && refused_ioctls[i].command != 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_table),
        };

        harness_init();
        return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
