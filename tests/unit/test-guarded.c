/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the executor that leaves permits with the guard, in the whole pipeline, with a guard that is not the
 * kernel's (fake-guard.h): what is in a permit, what the target gets, what is recorded, and that the death
 * of a worker at any of its system calls changes nothing. */

#include "harness.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fake-guard.h"
#include "fixture.h"
#include "worker/handler.h"

static const Workload root = {.name = "root"};
static const Workload user = {.name = "a user", .uid = 4711};
static const Workload chrooted = {.name = "a user in a root of its own", .uid = 4711, .chrooted = true};
static const Workload in_user_namespace = {
        .name = "a user in a namespace", .uid = 4711, .in_user_namespace = true};
static const Workload limiting = {.name = "a process that sets a limit", .limits = true};
static const Workload steady = {
        .name = "a user that calls again", .uid = 4711, .repeats = true, .is_relative = true};
static const Workload steady_absolute = {
        .name = "a user that calls again with a whole path", .uid = 4711, .repeats = true};

static const Workload moving = {
        .name = "root that changes its root directory", .repeats = true, .moves = true};

static Fixture fixture;

static int tear_down(void **state) {
        (void)state;
        fixture_tear_down(&fixture);
        fixture = (Fixture){};
        return 0;
}

static void set_up(const Workload *workload) {
        const Guard *guard = fake_guard_begin();

        fixture_set_up(workload, &fixture);
        fixture.executor = &executor_guarded;
        fixture.guard = guard;
        fake_guard->tid = (uint32_t)fixture.target;
        /* As the kernel's guard: the call has returned, and the hook was asked. */
        fake_guard->answers_fate = GUARD_USED | GUARD_ASKED | GUARD_RETURNED;
}

static void begin(const Workload *workload) {
        set_up(workload);
        fixture_call(&fixture);
}

static uint64_t parent_ino(void) {
        struct stat st;

        assert_int_equal(stat(fixture.dir, &st), 0);
        return st.st_ino;
}

static void dismiss(pid_t worker) {
        (void)kill(worker, SIGTERM);
        worker_left(&fixture, worker);
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                assert_int_equal(atomic_load(&ledger_header(fixture.ledger)->holders[i]), SLOT_FREE);
}

/* Asserts that there is one record, which begins so and says the rest. */
static void check_record(const char *beginning, const char *rest) {
        const char *records = fixture_records(&fixture);

        if (strncmp(records, beginning, strlen(beginning)) != 0 || !strstr(records, rest) ||
                strchr(records, '\n') != strrchr(records, '\n'))
                fail_msg("not \"%s...%s\": %s", beginning, rest, records);
}

/* The same of two records. */
static void check_record_twice(const char *beginning, const char *rest) {
        const char *first = fixture_records(&fixture), *second = strchr(first, '\n');

        if (!second || strncmp(first, beginning, strlen(beginning)) != 0 ||
                strncmp(second + 1, beginning, strlen(beginning)) != 0 || !strstr(second, rest) ||
                strstr(first, rest) > second)
                fail_msg("not twice \"%s...%s\": %s", beginning, rest, first);
}

static const FakePermit *check_permit(int error) {
        const FakePermit *permit = fake_guard_find((uint32_t)fixture.target);

        assert_non_null(permit);
        assert_int_equal(permit->ino, parent_ino());
        assert_string_equal(permit->name, "made");
        assert_int_equal(permit->name_length, strlen("made"));
        assert_int_equal(permit->error, error);
        return permit;
}

/* Each finds the same place, whatever the target may or sees. */
static void check_allowed(const Workload *workload) {
        pid_t worker;

        begin(workload);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        dismiss(worker);
        (void)check_permit(0);
        check_record("allowed mkdir", " by caller[");
        check_record("allowed mkdir", ", uid 4711: created");
        (void)tear_down(NULL);
}

static void test_allowed(void **state) {
        (void)state;
        check_allowed(&root);
        check_allowed(&user);
        check_allowed(&chrooted);
        if (harness_can_unshare(CLONE_NEWUSER))
                check_allowed(&in_user_namespace);
}

/* The denial is a permit, too: the hook gives it. */
static void test_denied(void **state) {
        pid_t worker;

        (void)state;
        begin(&user);
        fake_guard->answers_result = -EPERM;
        worker = fixture_start_worker(&fixture, 0, FIXTURE_DENY);
        (void)fixture_result(&fixture);
        dismiss(worker);
        (void)check_permit(-EPERM);
        check_record("denied mkdir(", ": EPERM (");
}

/* What cannot be judged continues with a permit for nothing, and the kernel's error is the target's. */
static void test_void(void **state) {
        const FakePermit *permit;
        pid_t worker;

        (void)state;
        set_up(&user);
        assert_int_equal(rmdir(fixture.dir), 0);
        fixture_call(&fixture);
        fake_guard->answers_fate = GUARD_RETURNED;
        fake_guard->answers_result = -ENOENT;
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, ENOENT);
        dismiss(worker);
        permit = fake_guard_find((uint32_t)fixture.target);
        assert_non_null(permit);
        assert_int_equal(permit->ino, 0);
        check_record("failed mkdir(", ": ENOENT (the kernel's own error)");
}

/* What landlock(7) forbids is the kernel's business here: such a call continues without a permit. */
static void test_natively_restricted(void **state) {
        pid_t worker;

        (void)state;
        begin(&limiting);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        dismiss(worker);
        assert_int_equal(fake_guard->n_permits, 0);
        assert_string_equal(fixture_records(&fixture), "");
}

/* A guard that fails lets nothing continue. */
static void test_failures(void **state) {
        static const struct {
                int32_t n;
                int32_t failure;
                int error;
                const char *record;
        } rows[] = {
                {700, -ENOENT, 0, "allowed "}, /* its list was read while it changed */
                {700, -EAGAIN, 0, "allowed "},
                {1, -ESRCH, EIO, "trouble with "},
                {1, -EBADF, EIO, "trouble with "},
                {1, -EPERM, EIO, "trouble with "},
                {INT32_MAX, -ENOENT, EIO, "trouble with "},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                pid_t worker;

                begin(&user);
                fake_guard->failures = rows[i].n;
                fake_guard->failure = rows[i].failure;
                worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
                assert_int_equal(fixture_result(&fixture).error, rows[i].error);
                dismiss(worker);
                check_record(rows[i].record, "mkdir(");
                assert_int_equal(fixture_count(&fixture), rows[i].error == 0);
                (void)tear_down(NULL);
        }
}

/* The session began under a guard, which the daemon of its workers does not have. */
static void test_no_guard(void **state) {
        pid_t worker;

        (void)state;
        begin(&user);
        fixture.guard = NULL;
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, EIO);
        dismiss(worker);
        check_record("trouble with mkdir(", ": EIO (the kernel's guard does not have its session any more)");
        assert_int_equal(fixture_count(&fixture), 0);
}

static void check_fate(
        uint32_t fate, int32_t result, FixturePolicy policy, const char *beginning, const char *rest) {
        pid_t worker;

        begin(&user);
        fake_guard->answers_fate = fate;
        fake_guard->answers_result = result;
        worker = fixture_start_worker(&fixture, 0, policy);
        (void)fixture_result(&fixture);
        dismiss(worker);
        check_record(beginning, rest);
        (void)tear_down(NULL);
}

/* The record tells what came of the call, as far as it can be known. */
static void test_fates(void **state) {
        const uint32_t asked = GUARD_USED | GUARD_ASKED, over = GUARD_RETURNED;

        (void)state;
        check_fate(asked | over, 0, FIXTURE_ALLOW, "allowed ", ": created (");
        check_fate(asked | over, -ENOSPC, FIXTURE_ALLOW, "failed ", ": ENOSPC (");
        check_fate(over, -EEXIST, FIXTURE_ALLOW, "failed ", ": EEXIST (");
        check_fate(over, -EEXIST, FIXTURE_DENY, "failed ", ": EEXIST (the kernel's own error)");
        check_fate(asked | over, -EPERM, FIXTURE_DENY, "denied ", ": EPERM (");
        check_fate(asked | over, 0, FIXTURE_AUDIT, "would deny ", ": created (");
        check_fate(asked | over, -EACCES, FIXTURE_AUDIT, "would deny ", ": EACCES (");
        check_fate(over, -EEXIST, FIXTURE_AUDIT, "failed ", ": EEXIST (the kernel's own error)");
        check_fate(GUARD_MISMATCHED | over, -EPERM, FIXTURE_ALLOW, "denied ", "led elsewhere");
        check_fate(over, 0, FIXTURE_ALLOW, "trouble with ", "did not ask its guard");
        check_fate(over, 0, FIXTURE_DENY, "trouble with ", "did not ask its guard");
        check_fate(asked, 0, FIXTURE_ALLOW, "allowed ", ": unknown (what came of it is not known yet)");
        check_fate(0, 0, FIXTURE_ALLOW, "allowed ", ": unknown (what came of it is not known yet)");
        check_fate(0, 0, FIXTURE_DENY, "denied ", ": unknown (what came of it is not known yet)");
}

/* The thread's next permit tells what came of the last one, without a question of the worker's. */
static void test_next_permit_tells(void **state) {
        FakePermit *permit;
        pid_t worker;

        (void)state;
        begin(&steady);
        fake_guard->answers_fate = 0;
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        worker_step_to(worker, SYS_ppoll, false);
        worker_step_to(worker, SYS_ppoll, true); /* it is answered, and the guard was not asked yet */
        assert_int_equal(fixture_result(&fixture).error, 0);
        permit = (FakePermit *)(uintptr_t)fake_guard_find((uint32_t)fixture.target);
        permit->fate = GUARD_USED | GUARD_ASKED; /* its return was missed */
        fixture_call_again(&fixture);
        worker_release(worker);
        assert_int_equal(fixture_result(&fixture).error, 0);
        fake_guard->answers_fate = GUARD_USED | GUARD_ASKED | GUARD_RETURNED;
        dismiss(worker);
        check_record_twice("allowed mkdir(", ": created (");
}

/* arm64 has ppoll(2) alone. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif

/* RECV, the path, where it starts, what that is, its name, the permit, close, SEND, ppoll.  Nothing is read
 * of the caller, and its root is the guard's to compare. */
#define N_CALLS_MAX 9U

/* Counts the worker's system calls from the end of a ppoll() that has found a call to the next ppoll(), that
 * included: all but those that send records, and that look whether the host's mounts have changed.  What the
 * test's guard does is one with the kernel's. */
static unsigned count_calls(pid_t worker, Stop *stop) {
        unsigned n = 0;

        fake_guard->n_calls = fake_guard->n_runs = 0;
        do
                assert_true(worker_step(worker, stop));
        while (stop->entry || stop->nr != SYS_ppoll || !fixture_has_call(&fixture));
        do {
                assert_true(worker_step(worker, stop));
                n += stop->entry && stop->nr != SYS_poll && stop->nr != SYS_write;
        } while (!stop->entry || stop->nr != SYS_ppoll);
        return n - fake_guard->n_calls + fake_guard->n_runs;
}

static void check_n_calls(const Workload *workload, FixturePolicy policy) {
        Stop stop = {};
        pid_t worker;
        unsigned n;

        begin(workload);
        worker = fixture_trace_worker(&fixture, policy);
        (void)count_calls(worker, &stop);
        assert_int_equal(fixture_result(&fixture).error, 0);
        fixture_call_again(&fixture);
        n = count_calls(worker, &stop);
        if (n > N_CALLS_MAX)
                fail_msg("%s: %u system calls", workload->name, n);
        worker_release(worker);
        assert_int_equal(fixture_result(&fixture).error, 0);
        dismiss(worker);
        (void)tear_down(NULL);
}

static void test_n_calls(void **state) {
        (void)state;
        check_n_calls(&steady, FIXTURE_ALLOW);
        check_n_calls(&steady, FIXTURE_PARTLY);
        check_n_calls(&steady_absolute, FIXTURE_ALLOW);
        check_n_calls(&steady_absolute, FIXTURE_PARTLY);
}

/* A worker presumes that a thread has the root directory that it had before: the guard tells where it is
 * not so. */
static void test_moves(void **state) {
        pid_t worker;

        (void)state;
        begin(&moving);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        fixture_call_again(&fixture);
        assert_int_equal(fixture_result(&fixture).error, 0);
        assert_int_equal(fake_guard->n_runs, 3);
        dismiss(worker);
        (void)check_permit(0);
        check_record_twice("allowed mkdir(", ": created (");
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

static void check_deaths(const Workload *workload, FixturePolicy policy, const char *record) {
        bool goes_on = true;

        for (unsigned n = 0; goes_on; n++) {
                LedgerTotals totals;
                pid_t worker;

                begin(workload);
                fake_guard->answers_result = policy == FIXTURE_ALLOW ? 0 : -EPERM;
                worker = fixture_trace_worker(&fixture, policy);
                goes_on = go_to(worker, n);
                if (!goes_on)
                        assert_true(n > 10);
                harness_kill(worker);
                worker = fixture_start_worker(&fixture, 0, policy);
                assert_int_equal(fixture_result(&fixture).error, 0);
                assert_int_equal(fixture_count(&fixture), 1);
                dismiss(worker);
                (void)check_permit(policy == FIXTURE_ALLOW ? 0 : -EPERM);
                if (!strstr(fixture_records(&fixture), record) ||
                        strstr(fixture_records(&fixture), "trouble"))
                        fail_msg("stop %u: %s", n, fixture_records(&fixture));
                ledger_sum_totals(ledger_header(fixture.ledger), &totals);
                assert_int_equal(totals.allowed + totals.denied + totals.failed, 1);
                (void)tear_down(NULL);
        }
}

/* A worker is killed at each of its system calls, before it and after it: the target cannot tell. */
static void test_deaths(void **state) {
        (void)state;
        check_deaths(&root, FIXTURE_ALLOW, "allowed mkdir(");
        check_deaths(&chrooted, FIXTURE_ALLOW, "allowed mkdirat(");
        check_deaths(&user, FIXTURE_DENY, "denied mkdir(");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_allowed, tear_down),
                cmocka_unit_test_teardown(test_denied, tear_down),
                cmocka_unit_test_teardown(test_void, tear_down),
                cmocka_unit_test_teardown(test_natively_restricted, tear_down),
                cmocka_unit_test_teardown(test_failures, tear_down),
                cmocka_unit_test_teardown(test_no_guard, tear_down),
                cmocka_unit_test_teardown(test_fates, tear_down),
                cmocka_unit_test_teardown(test_next_permit_tells, tear_down),
                cmocka_unit_test_teardown(test_n_calls, tear_down),
                cmocka_unit_test_teardown(test_moves, tear_down),
                cmocka_unit_test_teardown(test_deaths, tear_down),
        };

        harness_need_filters();
        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: a worker needs root's capabilities\n");
                return EXIT_SKIP;
        }
        harness_init();
        return cmocka_run_group_tests_name("guarded", tests, NULL, NULL);
}
