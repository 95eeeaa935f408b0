/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests that the pipeline does not depend on how decisions are carried out: with an executor that lets the
 * kernel perform the call, which is no protection without a guard in the kernel, every fixture before it and
 * after it - pinning, deciding, the reply, the record, recovery after a death - works as with the one that
 * acts. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "worker/executor/executor.h"

static int permit(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        request->outcome = (Outcome){.kind = OUTCOME_CONTINUE};
        return REQUEST_DONE;
}

static int forbid(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        request->slot->verdict = SLOT_DENIED;
        request->outcome = outcome_error(request->decision.error);
        return REQUEST_DECIDED;
}

/* The target performs its call after the answer, so that a worker never dies in it. */
static int nothing_was_done(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        (void)request;
        return REQUEST_PROCEED;
}

static int conclude(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        return notification_is_gone(&request->notification) ? REQUEST_GONE : REQUEST_DONE;
}

static const Executor permitting = {
        .acts = true,
        .facts = TASK_STATUS | TASK_USER_NAMESPACE,
        .perform = permit,
        .refuse = forbid,
        .conclude = conclude,
        .find_out = nothing_was_done,
};

static const Workload root = {.name = "root"};
static const Workload user = {.name = "a user", .uid = 4711};
static const Workload in_user_namespace = {
        .name = "a user in a namespace", .uid = 4711, .in_user_namespace = true};

static Fixture fixture;

static int tear_down(void **state) {
        (void)state;
        fixture_tear_down(&fixture);
        fixture = (Fixture){};
        return 0;
}

static void begin(const Workload *workload) {
        fixture_set_up(workload, &fixture);
        fixture.executor = &permitting;
        fixture_call(&fixture);
}

static void check_both(const Workload *workload) {
        pid_t worker;

        begin(workload);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        assert_int_equal(access(fixture.path, F_OK), 0);
        fixture_kill_target(&fixture);
        worker_left(&fixture, worker);
        if (!strstr(fixture_records(&fixture), "allowed mkdir("))
                fail_msg("%s: recorded %s", workload->name, fixture_records(&fixture));
        (void)tear_down(NULL);

        begin(workload);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_DENY);
        assert_int_equal(fixture_result(&fixture).error, EPERM);
        assert_int_not_equal(access(fixture.path, F_OK), 0);
        fixture_kill_target(&fixture);
        worker_left(&fixture, worker);
        if (!strstr(fixture_records(&fixture), "denied mkdir("))
                fail_msg("%s: recorded %s", workload->name, fixture_records(&fixture));
        (void)tear_down(NULL);
}

static void test_decisions(void **state) {
        (void)state;
        check_both(&root);
        check_both(&user);
        if (harness_can_unshare(CLONE_NEWUSER))
                check_both(&in_user_namespace);
}

/* Goes to the worker's stop number n.  Returns false where it has finished the request before. */
static bool go_to(pid_t worker, unsigned n) {
        Stop stop;

        for (unsigned i = 0; i <= n; i++) {
                if (!worker_step(worker, &stop))
                        fail_msg("a worker ended by itself: %s", fixture_records(&fixture));
                if (stop.entry && stop.nr == SYS_ppoll &&
                        slot_phase(ledger_slot(fixture.ledger, 0)) == SLOT_EMPTY &&
                        !fixture_has_call(&fixture))
                        return false;
        }
        return true;
}

/* A worker is killed at each of its system calls, before it and after it: the target cannot tell, and the
 * successor finds all that it needs in the ledger. */
static void test_deaths(void **state) {
        bool goes_on = true;

        (void)state;
        for (unsigned n = 0; goes_on; n++) {
                pid_t worker;

                begin(&root);
                worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
                goes_on = go_to(worker, n);
                if (!goes_on)
                        assert_true(n > 10);
                harness_kill(worker);
                worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
                assert_int_equal(fixture_result(&fixture).error, 0);
                assert_int_equal(fixture_count(&fixture), 1);
                (void)kill(worker, SIGTERM);
                worker_left(&fixture, worker);
                assert_int_equal(slot_phase(ledger_slot(fixture.ledger, 0)), SLOT_EMPTY);
                assert_non_null(strstr(fixture_records(&fixture), "allowed mkdir("));
                assert_null(strstr(fixture_records(&fixture), "trouble"));
                (void)tear_down(NULL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_decisions, tear_down),
                cmocka_unit_test_teardown(test_deaths, tear_down),
        };

        harness_need_filters();
        harness_init();
        return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
