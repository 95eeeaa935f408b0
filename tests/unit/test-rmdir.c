/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests that a second operation needs no change of the pipeline: rmdir(2) goes through all of it, with the
 * real filter, worker, helper and ledger. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "worker/operation/operation.h"

static const Workload root = {.name = "root", .removes = true};
static const Workload maker = {.name = "root, which calls mkdir"};
static const Workload in_user_namespace = {
        .name = "a user in a namespace", .uid = 4711, .in_user_namespace = true, .removes = true};

static Fixture fixture;

static int tear_down(void **state) {
        (void)state;
        fixture_tear_down(&fixture);
        fixture = (Fixture){};
        return 0;
}

typedef enum There {
        NOTHING,
        EMPTY,
        FULL,
        PLAIN_FILE,
} There;

static void begin(const Workload *workload, There there) {
        char inner[64];
        int fd;

        fixture_set_up(workload, &fixture);
        (void)snprintf(inner, sizeof(inner), "%s/inner", fixture.path);
        if (there == EMPTY || there == FULL)
                assert_int_equal(mkdir(fixture.path, 0777), 0);
        if (there == FULL)
                assert_int_equal(mkdir(inner, 0777), 0);
        if (there == PLAIN_FILE) {
                fd = creat(fixture.path, 0666);
                assert_true(fd >= 0);
                assert_int_equal(close(fd), 0);
        }
        fixture_call(&fixture);
}

static void end(void) {
        char inner[64];

        (void)snprintf(inner, sizeof(inner), "%s/inner", fixture.path);
        (void)rmdir(inner);
        (void)unlink(fixture.path);
        (void)rmdir(fixture.path);
        (void)tear_down(NULL);
}

static bool exists(void) {
        return access(fixture.path, F_OK) == 0;
}

static const struct {
        const char *name;
        There there;
        FixturePolicy policy;
        int error;
        bool stays;
        const char *record;
} rows[] = {
        {"allowed", EMPTY, FIXTURE_ALLOW, 0, false, "allowed rmdir("},
        {"allowed, of a directory that is not empty", FULL, FIXTURE_ALLOW, ENOTEMPTY, true, "failed rmdir("},
        {"allowed, of nothing", NOTHING, FIXTURE_ALLOW, ENOENT, false, "failed rmdir("},
        {"denied", EMPTY, FIXTURE_DENY, EPERM, true, "denied rmdir("},
        {"denied by a rule that speaks of it", EMPTY, FIXTURE_KEEP, EPERM, true, "EPERM (rule keep)"},
        {"denied, of nothing: the kernel's error comes first", NOTHING, FIXTURE_DENY, ENOENT, false,
                "failed rmdir("},
        {"denied, of a file: the same", PLAIN_FILE, FIXTURE_DENY, ENOTDIR, true, "failed rmdir("},
};

static void check_row(const Workload *workload, size_t i) {
        FixtureResult result;
        pid_t worker;

        begin(workload, rows[i].there);
        worker = fixture_start_worker(&fixture, 0, rows[i].policy);
        result = fixture_result(&fixture);
        fixture_kill_target(&fixture);
        worker_left(&fixture, worker);
        if (result.error != rows[i].error || exists() != rows[i].stays)
                fail_msg("%s, %s: %s", workload->name, rows[i].name, strerror(result.error));
        if (!strstr(fixture_records(&fixture), rows[i].record))
                fail_msg("%s, %s: recorded %s", workload->name, rows[i].name, fixture_records(&fixture));
        end();
}

static void test_rows(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++)
                check_row(&root, i);
}

static void test_rows_by_helper(void **state) {
        (void)state;
        harness_need_unshare(CLONE_NEWUSER);
        for (size_t i = 0; i < COUNT(rows); i++)
                check_row(&in_user_namespace, i);
}

/* For another operation that rule is not there. */
static void test_rule_speaks_of_rmdir(void **state) {
        pid_t worker;

        (void)state;
        begin(&maker, NOTHING);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_KEEP);
        assert_int_equal(fixture_result(&fixture).error, 0);
        assert_true(exists());
        fixture_kill_target(&fixture);
        worker_left(&fixture, worker);
        end();
}

static void test_success_is_recorded(void **state) {
        pid_t worker;

        (void)state;
        begin(&root, EMPTY);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        fixture_kill_target(&fixture);
        worker_left(&fixture, worker);
        assert_non_null(strstr(fixture_records(&fixture), ": removed ("));
        end();
}

/* Killed just before the call or just after it: the successor finds out, and the target cannot tell. */
static void test_deaths(void **state) {
        (void)state;
        for (unsigned at_entry = 0; at_entry < 2; at_entry++) {
                pid_t worker;

                begin(&root, EMPTY);
                worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
                worker_step_to(worker, SYS_unlinkat, at_entry);
                harness_kill(worker);
                assert_int_equal(exists(), at_entry);
                worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
                assert_int_equal(fixture_result(&fixture).error, 0);
                assert_false(exists());
                fixture_kill_target(&fixture);
                worker_left(&fixture, worker);
                end();
        }
}

/* The row says what the kernel says. */
static void test_last_errors(void **state) {
        static const struct {
                const char *path;
                LastKind last;
        } paths[] = {{".", LAST_DOT}, {"..", LAST_DOTDOT}, {"/", LAST_ROOT}, {"../.", LAST_DOT},
                {"./..", LAST_DOTDOT}};

        (void)state;
        for (size_t i = 0; i < COUNT(paths); i++) {
                assert_int_equal(rmdir(paths[i].path), -1);
                assert_int_equal(errno, operation_rmdir.last_errors[paths[i].last]);
                assert_int_equal(mkdir(paths[i].path, 0700), -1);
                assert_int_equal(errno, operation_mkdir.last_errors[paths[i].last]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_rows, tear_down),
                cmocka_unit_test_teardown(test_rows_by_helper, tear_down),
                cmocka_unit_test_teardown(test_rule_speaks_of_rmdir, tear_down),
                cmocka_unit_test_teardown(test_success_is_recorded, tear_down),
                cmocka_unit_test_teardown(test_deaths, tear_down),
                cmocka_unit_test(test_last_errors),
        };

        harness_need_filters();
        harness_init();
        return cmocka_run_group_tests_name("rmdir", tests, NULL, NULL);
}
