/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/quota.c: what is taken of a second, whenever that is, and that none is lost where
 * several processes take of it. */

#include "harness.h"

#include <sys/mman.h>

#include "common/rate-limit.h"

#define SECOND UINT64_C(1000000)

static unsigned take_many(Quota *quota, uint64_t limit, uint64_t now, unsigned n) {
        unsigned taken = 0;

        while (n-- > 0)
                taken += quota_take(quota, limit, now);
        return taken;
}

static void test_seconds(void **state) {
        Quota quota = {};

        (void)state;
        assert_int_equal(take_many(&quota, 10, 5 * SECOND, 10), 10);
        assert_int_equal(take_many(&quota, 10, 5 * SECOND, 1), 0);
        assert_int_equal(take_many(&quota, 10, 6 * SECOND - 1, 2), 0);
        assert_int_equal(take_many(&quota, 10, 6 * SECOND, 11), 10);
        /* A later second begins with its first one, a lower limit holds at once. */
        assert_int_equal(take_many(&quota, 10, 8 * SECOND + 500000, 5), 5);
        assert_int_equal(take_many(&quota, 3, 9 * SECOND, 1), 0);
        assert_int_equal(take_many(&quota, 3, 9 * SECOND + 500000, 5), 3);
        /* A clock that is a little behind. */
        assert_int_equal(take_many(&quota, 3, 9 * SECOND + 400000, 5), 0);
}

static void test_excess(void **state) {
        Quota quota = {};

        (void)state;
        assert_false(quota_is_due(&quota, SECOND));
        assert_int_equal(take_many(&quota, 10, SECOND, 10), 10);
        assert_false(quota_is_due(&quota, 3 * SECOND));
        assert_int_equal(take_many(&quota, 10, SECOND, 7), 0);
        assert_false(quota_is_due(&quota, 2 * SECOND - 1));
        assert_true(quota_is_due(&quota, 2 * SECOND));
        assert_int_equal(quota_collect(&quota), 7);
        assert_int_equal(quota_collect(&quota), 0);
        assert_false(quota_is_due(&quota, 3 * SECOND));
}

static void test_largest(void **state) {
        Quota quota = {};

        (void)state;
        assert_int_equal(take_many(&quota, 1000000, SECOND, 1000003), 1000000);
        assert_int_equal(quota_collect(&quota), 3);
}

/* Whatever a worker gone mad has written there. */
static void test_nonsense(void **state) {
        Quota quota;

        (void)state;
        memset(&quota, 0xff, sizeof(quota));
        assert_true(take_many(&quota, 10, SECOND, 20) <= 10);
        (void)quota_is_due(&quota, SECOND);
        (void)quota_collect(&quota);
        assert_int_equal(quota_collect(&quota), 0);
}

static void test_together(void **state) {
        enum { PROCESSES = 4, EACH = 100000, LIMIT = 1000 };
        struct {
                Quota quota;
                _Atomic unsigned taken;
        } *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;

        (void)state;
        assert_ptr_not_equal(shared, MAP_FAILED);
        for (int i = 0; i < PROCESSES; i++) {
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        shared->taken += take_many(&shared->quota, LIMIT, SECOND, EACH);
                        _exit(0);
                }
        }
        for (int i = 0; i < PROCESSES; i++)
                assert_true(wait(&status) > 0 && status == 0);
        assert_int_equal(shared->taken, LIMIT);
        assert_int_equal(quota_collect(&shared->quota), PROCESSES * EACH - LIMIT);
        assert_int_equal(munmap(shared, sizeof(*shared)), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_seconds),
                cmocka_unit_test(test_excess),
                cmocka_unit_test(test_largest),
                cmocka_unit_test(test_nonsense),
                cmocka_unit_test(test_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
