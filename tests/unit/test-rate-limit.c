/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/rate-limit.c: how much is left of a second's limit, and that several processes can use
 * it at once. */

#include "harness.h"

#include <sys/mman.h>

#include "common/rate-limit.h"

#define SECOND UINT64_C(1000000)

static unsigned take_many(RateLimit *rate_limit, uint64_t limit, uint64_t now, unsigned n) {
        unsigned taken = 0;

        while (n-- > 0)
                taken += rate_limit_take(rate_limit, limit, now);
        return taken;
}

static void test_seconds(void **state) {
        RateLimit rate_limit = {};

        (void)state;
        assert_int_equal(take_many(&rate_limit, 10, 5 * SECOND, 10), 10);
        assert_int_equal(take_many(&rate_limit, 10, 5 * SECOND, 1), 0);
        assert_int_equal(take_many(&rate_limit, 10, 6 * SECOND - 1, 2), 0);
        assert_int_equal(take_many(&rate_limit, 10, 6 * SECOND, 11), 10);
        /* A later second begins with its first one, a lower limit holds at once. */
        assert_int_equal(take_many(&rate_limit, 10, 8 * SECOND + 500000, 5), 5);
        assert_int_equal(take_many(&rate_limit, 3, 9 * SECOND, 1), 0);
        assert_int_equal(take_many(&rate_limit, 3, 9 * SECOND + 500000, 5), 3);
        /* A clock that is a little behind. */
        assert_int_equal(take_many(&rate_limit, 3, 9 * SECOND + 400000, 5), 0);
}

static void test_excess(void **state) {
        RateLimit rate_limit = {};

        (void)state;
        assert_false(rate_limit_is_due(&rate_limit, SECOND));
        assert_int_equal(take_many(&rate_limit, 10, SECOND, 10), 10);
        assert_false(rate_limit_is_due(&rate_limit, 3 * SECOND));
        assert_int_equal(take_many(&rate_limit, 10, SECOND, 7), 0);
        assert_false(rate_limit_is_due(&rate_limit, 2 * SECOND - 1));
        assert_true(rate_limit_is_due(&rate_limit, 2 * SECOND));
        assert_int_equal(rate_limit_collect(&rate_limit), 7);
        assert_int_equal(rate_limit_collect(&rate_limit), 0);
        assert_false(rate_limit_is_due(&rate_limit, 3 * SECOND));
}

static void test_largest(void **state) {
        RateLimit rate_limit = {};

        (void)state;
        assert_int_equal(take_many(&rate_limit, 1000000, SECOND, 1000003), 1000000);
        assert_int_equal(rate_limit_collect(&rate_limit), 3);
}

/* With anything that a compromised worker may have written there. */
static void test_nonsense(void **state) {
        RateLimit rate_limit;

        (void)state;
        memset(&rate_limit, 0xff, sizeof(rate_limit));
        assert_true(take_many(&rate_limit, 10, SECOND, 20) <= 10);
        (void)rate_limit_is_due(&rate_limit, SECOND);
        (void)rate_limit_collect(&rate_limit);
        assert_int_equal(rate_limit_collect(&rate_limit), 0);
}

static void test_together(void **state) {
        enum { PROCESSES = 4, EACH = 100000, LIMIT = 1000 };
        struct {
                RateLimit rate_limit;
                _Atomic unsigned taken;
        } *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;

        (void)state;
        assert_ptr_not_equal(shared, MAP_FAILED);
        for (int i = 0; i < PROCESSES; i++) {
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        shared->taken += take_many(&shared->rate_limit, LIMIT, SECOND, EACH);
                        _exit(0);
                }
        }
        for (int i = 0; i < PROCESSES; i++)
                assert_true(wait(&status) > 0 && status == 0);
        assert_int_equal(shared->taken, LIMIT);
        assert_int_equal(rate_limit_collect(&shared->rate_limit), PROCESSES * EACH - LIMIT);
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
