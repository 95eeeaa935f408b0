/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/worker/reject.c with a real filter and a real call: each rejected call gets one answer and at
 * most one record, nothing of it is performed, and no death of a rejecting worker leaves its target waiting.
 */

#include "fixture.h"

#include "harness.h"

#include <sys/stat.h>

#include "common/ownership.h"

static const Workload workload = {"plain"};
static Fixture fixture;
static const SessionIdentity session = {.session_id = 1, .profile = "default"};

static void begin(void) {
        fixture_set_up(&workload, &fixture);
        fixture_call(&fixture);
}

static Slot *first_slot(void) {
        return ledger_slot(fixture.ledger, 0);
}

static void set_receiver(uint32_t number) {
        atomic_store(&ledger_header(fixture.ledger)->receiver, number);
}

/* Receives the call as the worker with this number did, which died or hangs since. */
static void receive_as(uint32_t holder, SlotPhase phase) {
        Slot *slot = first_slot();

        assert_true(ledger_pass(fixture.ledger, 0, SLOT_FREE, holder));
        assert_int_equal(notify_receive(fixture.listener_fd, &slot->request), 0);
        slot->received_usec = 1;
        slot->attempts = 1;
        slot_set_phase(slot, phase);
}

static unsigned count_records(const char *beginning) {
        unsigned n = 0;

        for (const char *line = fixture_records(&fixture); *line != '\0'; line = strchr(line, '\n') + 1)
                n += strncmp(line, beginning, strlen(beginning)) == 0;
        return n;
}

/* The rejection of a call that a worker hangs in, as the daemon does it; and again, as the next daemon does
 * it where this one was killed. */
static void reject_twice(const void *argument) {
        RejectContext context = {
                .listener_fd = fixture.listener_fd,
                .session = &session,
                .records_per_second = 1000,
        };

        (void)argument;
        CHECK_INT(ledger_map(fixture.ledger_fd, &context.ledger), 0); /* a child has no mapping */
        CHECK_INT(dup2(fixture.record_fd, STDERR_FILENO), STDERR_FILENO);
        CHECK_INT(report_new(REPORT_TO_STDERR, &context.report), 0);
        for (unsigned i = 0; i < 2; i++) {
                CHECK_INT(reject_slot(&context, 0, ETIMEDOUT, i == 0 ? "a reason" : "another reason"), 0);
                CHECK(reject_is_finished(ledger_slot(context.ledger, 0)));
        }
        report_free(context.report);
        ledger_unmap(context.ledger);
}

static void test_slot(void **state) {
        static const SlotPhase phases[] = {SLOT_RECEIVED, SLOT_ACTING};

        (void)state;
        for (size_t i = 0; i < COUNT(phases); i++) {
                LedgerTotals totals;

                begin();
                receive_as(4, phases[i]);
                harness_run(reject_twice, NULL);
                assert_int_equal(fixture_result(&fixture).error, ETIMEDOUT);
                assert_int_equal(count_records("trouble with mkdir"), 1);
                assert_non_null(strstr(fixture_records(&fixture), "(a reason)"));
                assert_int_equal(ledger_read_totals(fixture.ledger_fd, &totals), 0);
                assert_int_equal(totals.failed, 1);
                assert_int_equal(fixture_count(&fixture), 0);
                /* The slot stays with its holder, whose successor has nothing left to do. */
                assert_int_equal(atomic_load(&ledger_header(fixture.ledger)->holders[0]), 4);
                fixture_tear_down(&fixture);
        }
}

/* Killed between the answer in the slot and its way to the target. */
static void test_unsent(void **state) {
        Slot *slot;

        (void)state;
        begin();
        receive_as(4, SLOT_RECEIVED);
        slot = first_slot();
        slot->verdict = SLOT_TROUBLE;
        slot->error = EIO;
        slot->taken_usec = 1;
        (void)snprintf(slot->why, sizeof(slot->why), "an earlier reason");
        notify_reply(&slot->reply, slot->request.notif.id, 0, EIO);
        slot_set_phase(slot, SLOT_DONE);
        assert_false(reject_is_finished(slot));
        harness_run(reject_twice, NULL);
        assert_int_equal(fixture_result(&fixture).error, EIO);
        assert_int_equal(count_records("trouble with mkdir"), 1);
        assert_non_null(strstr(fixture_records(&fixture), "(an earlier reason)"));
        fixture_tear_down(&fixture);
}

/* A worker that was taken over left a reply that the kernel does not take. */
static void test_bad_reply(void **state) {

        (void)state;
        begin();
        receive_as(4, SLOT_RECEIVED);
        first_slot()->reply.response.id = first_slot()->request.notif.id;
        first_slot()->reply.response.flags = ~0U;
        slot_set_phase(first_slot(), SLOT_DONE);
        harness_run(reject_twice, NULL);
        assert_int_equal(fixture_result(&fixture).error, EIO);
        fixture_tear_down(&fixture);
}

/* Of a call that is over, and of which nothing can have been performed, there is no record. */
static void test_gone(void **state) {

        (void)state;
        begin();
        receive_as(4, SLOT_RECEIVED);
        fixture_kill_target(&fixture);
        harness_run(reject_twice, NULL);
        assert_string_equal(fixture_records(&fixture), "");
        fixture_tear_down(&fixture);
}

/* Beside the call there are slots of workers that hang or were killed.  After a stop each is answered, and
 * the successors of the workers have nothing left to send or to record. */
static void test_held(void **state) {
        static const uint32_t holders[] = {4, SLOT_WAITING};

        (void)state;
        for (size_t i = 0; i < COUNT(holders); i++) {
                pid_t rejecting;

                begin();
                receive_as(holders[i], SLOT_RECEIVED);
                rejecting = fixture_start_rejecting(&fixture, REJECT_AFTER_STOP);
                assert_int_equal(fixture_result(&fixture).error, ENOSYS);
                fixture_kill_target(&fixture);
                worker_left(&fixture, rejecting);
                assert_int_equal(count_records("trouble with mkdir"), 1);
                worker_left(&fixture, fixture_start_worker(&fixture, 3, FIXTURE_ALLOW));
                assert_int_equal(count_records(""), 1);
                assert_int_equal(slot_phase(first_slot()), SLOT_EMPTY);
                assert_int_equal(fixture_count(&fixture), 0);
                fixture_tear_down(&fixture);
        }
}

/* One that is not the receiver only gives back what its predecessor held. */
static void test_not_wanted(void **state) {
        (void)state;
        begin();
        receive_as(LEDGER_REJECTING + 1, SLOT_RECEIVED);
        set_receiver(LEDGER_NO_RECEIVER);
        worker_left(&fixture, fixture_start_rejecting(&fixture, REJECT_WHILE_ALL_HANG));
        assert_int_equal(atomic_load(&ledger_header(fixture.ledger)->holders[0]), SLOT_WAITING);
        assert_false(fixture_has_result(&fixture));
        assert_string_equal(fixture_records(&fixture), "");
        fixture_tear_down(&fixture);
}

static bool is_over(const Stop *stop) {
        return stop->entry && stop->nr == SYS_ppoll && !fixture_has_call(&fixture) &&
               slot_phase(first_slot()) == SLOT_EMPTY;
}

/* Returns false where the rejecting worker waits for the next call before that stop. */
static bool go_to(pid_t rejecting, unsigned n, Stop *ret) {
        for (unsigned i = 0; i <= n; i++) {
                if (!worker_step(rejecting, ret))
                        fail_msg("a rejecting worker ended by itself: %s", fixture_records(&fixture));
                if (is_over(ret))
                        return false;
        }
        return true;
}

/* As the next daemon does it: it gives back what the rejecting worker held, and then has calls performed. */
static void play_next_daemon(int rejected) {
        FixtureResult result;
        pid_t worker;

        set_receiver(LEDGER_NO_RECEIVER);
        worker_left(&fixture, fixture_start_rejecting(&fixture, REJECT_WHILE_ALL_HANG));
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        result = fixture_result(&fixture);
        (void)kill(worker, SIGTERM);
        worker_left(&fixture, worker);
        assert_true(result.error == 0 || result.error == rejected);
        assert_int_equal(fixture_count(&fixture), result.error == 0);
        if (result.error == 0)
                assert_int_equal(count_records("allowed "), 1);
        assert_int_equal(slot_phase(first_slot()), SLOT_EMPTY);
}

static bool play(RejectReason reason, int rejected, unsigned n) {
        Stop stop = {};
        bool is_there;
        pid_t rejecting;

        begin();
        set_receiver(LEDGER_REJECTING);
        rejecting = fixture_trace_rejecting(&fixture, reason);
        is_there = go_to(rejecting, n, &stop);
        harness_kill(rejecting);
        if (is_there)
                play_next_daemon(rejected);
        else
                assert_int_equal(fixture_result(&fixture).error, rejected);
        fixture_tear_down(&fixture);
        return is_there;
}

/* A fork costs a sanitized build ten times as much.  Odd, so that it meets entries and exits. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STRIDE 5
#else
#define STRIDE 1
#endif

/* Killed at each of its system calls. */
static void test_kills(void **state) {
        static const struct {
                RejectReason reason;
                int error;
        } rows[] = {{REJECT_WHILE_ALL_HANG, ETIMEDOUT}, {REJECT_AFTER_STOP, ENOSYS}};

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                unsigned n = 0;

                while (play(rows[i].reason, rows[i].error, n))
                        n += STRIDE;
                assert_true(n > 20); /* it was seen at work */
        }
}

static int tear_down(void **state) {
        (void)state;
        fixture_tear_down(&fixture);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_slot, tear_down),
                cmocka_unit_test_teardown(test_unsent, tear_down),
                cmocka_unit_test_teardown(test_bad_reply, tear_down),
                cmocka_unit_test_teardown(test_gone, tear_down),
                cmocka_unit_test_teardown(test_held, tear_down),
                cmocka_unit_test_teardown(test_not_wanted, tear_down),
                cmocka_unit_test_teardown(test_kills, tear_down),
        };

        harness_need_filters();
        harness_init();
        if (geteuid() != 0) {
                (void)printf("skipped: must be root\n");
                return EXIT_SKIP;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
