/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests that the pipeline does not depend on how decisions are carried out: with an executor that lets the
 * kernel perform the call, which is no protection without a guard in the kernel, every stage before it and
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

#include "harness.h"
#include "stage.h"
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

static const Executor permitting = {
        .name = "permitting",
        .perform = permit,
        .refuse = forbid,
        .find_out = nothing_was_done,
};

static const Workload root = {.name = "root"};
static const Workload user = {.name = "a user", .uid = 4711};
static const Workload foreign = {.name = "a user in a namespace", .uid = 4711, .foreign = true};

static Stage stage;

static int strike(void **state) {
        (void)state;
        stage_strike(&stage);
        stage = (Stage){};
        return 0;
}

static void begin(const Workload *workload) {
        stage_set(workload, &stage);
        stage.executor = &permitting;
        stage_call(&stage);
}

static void check_both(const Workload *workload) {
        pid_t worker;

        begin(workload);
        worker = stage_start_worker(&stage, 0, STAGE_ALLOW);
        assert_int_equal(stage_result(&stage).error, 0);
        assert_int_equal(access(stage.path, F_OK), 0);
        stage_kill_target(&stage);
        worker_left(&stage, worker);
        if (!strstr(stage_records(&stage), "allowed mkdir("))
                fail_msg("%s: recorded %s", workload->name, stage_records(&stage));
        (void)strike(NULL);

        begin(workload);
        worker = stage_start_worker(&stage, 0, STAGE_DENY);
        assert_int_equal(stage_result(&stage).error, EPERM);
        assert_int_not_equal(access(stage.path, F_OK), 0);
        stage_kill_target(&stage);
        worker_left(&stage, worker);
        if (!strstr(stage_records(&stage), "denied mkdir("))
                fail_msg("%s: recorded %s", workload->name, stage_records(&stage));
        (void)strike(NULL);
}

static void test_decisions(void **state) {
        (void)state;
        check_both(&root);
        check_both(&user);
        if (harness_can_unshare(CLONE_NEWUSER))
                check_both(&foreign);
}

/* Goes to the worker's stop number n.  Returns false where it has finished the request before. */
static bool go_to(pid_t worker, unsigned n) {
        Stop stop;

        for (unsigned i = 0; i <= n; i++) {
                if (!worker_step(worker, &stop))
                        fail_msg("a worker ended by itself: %s", stage_records(&stage));
                if (stop.entry && stop.nr == SYS_ppoll &&
                        slot_phase(ledger_slot(stage.ledger, 0)) == SLOT_EMPTY && !stage_has_call(&stage))
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
                worker = stage_trace_worker(&stage, STAGE_ALLOW);
                goes_on = go_to(worker, n);
                if (!goes_on)
                        assert_true(n > 10);
                harness_kill(worker);
                worker = stage_start_worker(&stage, 0, STAGE_ALLOW);
                assert_int_equal(stage_result(&stage).error, 0);
                assert_int_equal(stage_count(&stage), 1);
                (void)kill(worker, SIGTERM);
                worker_left(&stage, worker);
                assert_int_equal(slot_phase(ledger_slot(stage.ledger, 0)), SLOT_EMPTY);
                assert_non_null(strstr(stage_records(&stage), "allowed mkdir("));
                assert_null(strstr(stage_records(&stage), "trouble"));
                (void)strike(NULL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_decisions, strike),
                cmocka_unit_test_teardown(test_deaths, strike),
        };

        harness_init();
        return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
