/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/handshake/handover-queue.c: which connections are gone once a verifier has told
 * which one it took. */

#include "harness.h"

#include "handshake/handover-queue.h"

#define NUMBER(generation, n) ((uint64_t)(generation) << ACCEPTOR_GENERATION_SHIFT | (n))

static uint32_t lost[HANDOVER_QUEUE_MAX];
static size_t n_lost;

static void on_lost(uint32_t account, void *userdata) {
        assert_ptr_equal(userdata, lost);
        lost[n_lost++] = account;
}

static void test_take(void **state) {
        HandoverQueue queue = {};

        (void)state;
        n_lost = 0;
        for (uint32_t n = 1; n <= 4; n++)
                assert_int_equal(handover_queue_add(&queue, NUMBER(1, n), 100 + n), 0);
        handover_queue_take(&queue, NUMBER(1, 1), on_lost, lost);
        assert_int_equal(n_lost, 0);
        assert_int_equal(queue.n, 3);
        /* The processes that took 2 and 3 have died. */
        handover_queue_take(&queue, NUMBER(1, 4), on_lost, lost);
        assert_int_equal(n_lost, 2);
        assert_int_equal(lost[0], 102);
        assert_int_equal(lost[1], 103);
        assert_int_equal(queue.n, 0);
}

/* Two acceptors write into the socket at once, while one is replaced: in no order. */
static void test_generations(void **state) {
        HandoverQueue queue = {};

        (void)state;
        n_lost = 0;
        assert_int_equal(handover_queue_add(&queue, NUMBER(2, 1), 201), 0);
        assert_int_equal(handover_queue_add(&queue, NUMBER(1, 7), 107), 0);
        assert_int_equal(handover_queue_add(&queue, NUMBER(2, 2), 202), 0);
        handover_queue_take(&queue, NUMBER(2, 2), on_lost, lost);
        assert_int_equal(n_lost, 1);
        assert_int_equal(lost[0], 201);
        assert_int_equal(queue.n, 1);
        assert_int_equal(queue.entries[0].account, 107);
}

/* A process may take a connection before the daemon has read its announcement. */
static void test_not_announced(void **state) {
        HandoverQueue queue = {};

        (void)state;
        n_lost = 0;
        assert_int_equal(handover_queue_add(&queue, NUMBER(1, 5), 105), 0);
        handover_queue_take(&queue, NUMBER(1, 4), on_lost, lost);
        assert_int_equal(n_lost, 0);
        assert_int_equal(queue.n, 1);
}

static void test_drop(void **state) {
        HandoverQueue queue = {};

        (void)state;
        n_lost = 0;
        assert_int_equal(handover_queue_add(&queue, NUMBER(1, 1), 101), 0);
        handover_queue_add_unknown(&queue);
        assert_int_equal(handover_queue_add(&queue, NUMBER(2, 1), 201), 0);
        /* The third came after the process was forked that found nothing. */
        handover_queue_drop(&queue, 2, on_lost, lost);
        assert_int_equal(n_lost, 1);
        assert_int_equal(lost[0], 101);
        assert_int_equal(queue.n, 1);
        handover_queue_drop(&queue, 7, on_lost, lost);
        assert_int_equal(n_lost, 2);
        assert_int_equal(queue.n, 0);
}

static void test_full(void **state) {
        HandoverQueue queue = {};

        (void)state;
        for (uint32_t n = 1; n <= HANDOVER_QUEUE_MAX; n++)
                assert_int_equal(handover_queue_add(&queue, NUMBER(1, n), n), 0);
        assert_int_equal(handover_queue_add(&queue, NUMBER(1, HANDOVER_QUEUE_MAX + 1), 1), -ENOBUFS);
        handover_queue_add_unknown(&queue);
        assert_int_equal(queue.n, HANDOVER_QUEUE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_take),
                cmocka_unit_test(test_generations),
                cmocka_unit_test(test_not_announced),
                cmocka_unit_test(test_drop),
                cmocka_unit_test(test_full),
        };

        harness_init();
        return cmocka_run_group_tests_name("handover-queue", tests, NULL, NULL);
}
