/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/session/worker-pool.c with fake workers and a clock that stands still: which workers there
 * are, what their ends are taken for, and when the pool has something to do.  A worker that was killed and
 * whose end the event loop has not seen yet is, to the pool, one that hangs. */

#include "harness.h"

#include <systemd/sd-event.h>

#include "common/ownership.h"
#include "common/report.h"
#include "fake-workers.h"
#include "session/backlog.h"
#include "session/worker-pool.h"
#include "session/worker-process.h"

#define TIMEOUT_USEC 30000000U
#define RETIRE_USEC 2000000U

/* What the pool has told. */
typedef struct Told {
        unsigned died;
        unsigned gone;
        unsigned hangs;
        uint32_t n_hanging;
        unsigned unanswered;
        uint32_t index;
} Told;

static Told told;
static sd_event *event;
static Report *report;
static int ledger_fd = -EBADF;
static WorkerPool *pool;
static Ledger *ledger;

static void on_died(pid_t pid, const siginfo_t *info, void *userdata) {
        assert_ptr_equal(userdata, &told);
        assert_int_equal(pid, info->si_pid);
        told.died++;
}

static void on_hangs(pid_t pid, uint32_t n_hanging, void *userdata) {
        assert_ptr_equal(userdata, &told);
        assert_true(pid > 0);
        told.hangs++;
        told.n_hanging = n_hanging;
}

static void on_unanswered(uint32_t index, void *userdata) {
        assert_ptr_equal(userdata, &told);
        told.unanswered++;
        told.index = index;
}

static void on_worker_gone(void *userdata) {
        assert_ptr_equal(userdata, &told);
        told.gone++;
}

static const WorkerPoolOwner owner = {on_died, on_hangs, on_unanswered, on_worker_gone};

static int set_up(void **state) {
        const NotifyRequest knock = {.notif = {.id = 1, .pid = 1}};

        (void)state;
        told = (Told){};
        fake_stop_clock();
        fake_set_work(FAKE_STAYS);
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(report_new(REPORT_TO_STDERR, &report), 0);
        assert_int_equal(ledger_new(1, &knock, 1, &ledger_fd), 0);
        assert_int_equal(ledger_map(ledger_fd, &ledger), 0);
        ledger_release(ledger, 0, SLOT_WAITING);
        assert_int_equal(pool_new(event, &owner, &told, ledger_fd, &pool), 0);
        return 0;
}

static void run_until_empty(void) {
        while (!pool_is_empty(pool))
                assert_true(sd_event_run(event, PATIENCE_SEC * UINT64_C(1000000)) > 0);
}

static int tear_down(void **state) {
        (void)state;
        pool_kill_all(pool);
        run_until_empty();
        while (fake_has_worker())
                (void)fake_next_worker();
        pool = pool_free(pool);
        ledger = ledger_unmap(ledger);
        ledger_fd = fd_close(ledger_fd);
        report = report_free(report);
        event = sd_event_unref(event);
        return 0;
}

static void spawn(uint32_t number, PoolRole role) {
        const WorkerArguments arguments = {
                .listener_fd = -EBADF,
                .ledger_fd = ledger_fd,
                .daemon_fd = -EBADF,
                .host_root_fd = -EBADF,
                .cgroup_fd = -EBADF,
                .reader_fd = -EBADF,
                .number = number,
                .report = report,
        };

        assert_int_equal(pool_spawn(pool, &arguments, role), 0);
}

static uint32_t receiver(void) {
        return atomic_load(&ledger_header(ledger)->receiver);
}

/* As the worker with this number does it. */
static void take(uint32_t index, uint32_t number) {
        Slot *slot = ledger_slot(ledger, index);

        assert_true(ledger_pass(ledger, index, SLOT_FREE, number + 1));
        slot->request.notif.id = slot->request.notif.pid = 7;
        slot->received_usec = slot->taken_usec = fake_now();
        slot_set_phase(slot, SLOT_RECEIVED);
}

static void enforce(void) {
        pool_enforce(pool, TIMEOUT_USEC, false);
}

static uint64_t deadline(void) {
        return pool_next_deadline(pool, TIMEOUT_USEC);
}

static void test_roles(void **state) {
        static const struct {
                uint32_t number;
                PoolRole role;
                uint32_t receiver;
                FakeWorker expected;
        } rows[] = {
                {3, POOL_FINISHES, LEDGER_NO_RECEIVER, {3}},
                {4, POOL_RECEIVES, 4, {4}},
                {5, POOL_RECEIVES, 4, {5}}, /* there is a receiver */
                {LEDGER_REJECTING, POOL_FINISHES, 4, {LEDGER_REJECTING, true, REJECT_WHILE_ALL_HANG}},
        };

        (void)state;
        assert_true(pool_is_empty(pool));
        for (size_t i = 0; i < COUNT(rows); i++) {
                FakeWorker worker;

                spawn(rows[i].number, rows[i].role);
                worker = fake_next_worker();
                assert_int_equal(worker.number, rows[i].expected.number);
                assert_int_equal(worker.rejects, rows[i].expected.rejects);
                assert_int_equal(worker.reason, rows[i].expected.reason);
                assert_int_equal(receiver(), rows[i].receiver);
                assert_true(pool_has_process(pool, rows[i].number));
        }
        assert_true(pool_has_live(pool));
        assert_int_equal(deadline(), UINT64_MAX);
}

static void test_stop(void **state) {
        (void)state;
        spawn(LEDGER_REJECTING, POOL_REJECTS_AFTER_STOP);
        assert_int_equal(fake_next_worker().reason, REJECT_AFTER_STOP);
}

static void test_ends(void **state) {
        static const struct {
                FakeWork work;
                bool kill, retire;
                unsigned died;
        } rows[] = {
                {FAKE_LEAVES, false, false, 0}, {FAKE_FAILS, false, false, 1}, {FAKE_STAYS, false, true, 0},
                {FAKE_STUBBORN, true, false, 0}, /* it was us */
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                told = (Told){};
                fake_set_work(rows[i].work);
                spawn(2, POOL_RECEIVES);
                (void)fake_next_worker();
                if (rows[i].kill)
                        pool_kill_all(pool);
                if (rows[i].retire)
                        pool_retire_all(pool);
                run_until_empty();
                assert_int_equal(told.died, rows[i].died);
                assert_int_equal(told.gone, 1);
                assert_false(pool_has_receiver(pool));
                assert_int_equal(receiver(), LEDGER_NO_RECEIVER);
        }
}

static void test_call_timeout(void **state) {
        uint64_t begin = fake_now();

        (void)state;
        fake_set_work(FAKE_STUBBORN);
        spawn(0, POOL_RECEIVES);
        take(6, 0);
        assert_int_equal(deadline(), begin + TIMEOUT_USEC);
        fake_advance(TIMEOUT_USEC - 1);
        enforce();
        assert_false(ledger_is_overdue(ledger, 6));
        assert_true(pool_has_receiver(pool));

        fake_advance(1);
        enforce();
        assert_true(ledger_is_overdue(ledger, 6));
        assert_false(pool_has_receiver(pool));
        assert_int_equal(deadline(), fake_now() + PROCESS_HANG_USEC);
        assert_true(pool_has_live(pool));

        fake_advance(PROCESS_HANG_USEC - 1);
        enforce();
        assert_int_equal(told.unanswered + told.hangs, 0);
        fake_advance(1);
        enforce();
        assert_int_equal(told.unanswered, 1);
        assert_int_equal(told.index, 6);
        assert_int_equal(told.hangs, 1);
        assert_int_equal(told.n_hanging, 1);
        assert_false(pool_has_live(pool));
        assert_false(pool_is_quiet(pool));

        /* Answered: there is nothing left to do or to say until the process ends. */
        slot_set_phase(ledger_slot(ledger, 6), SLOT_DONE);
        enforce();
        assert_int_equal(told.unanswered, 1);
        assert_int_equal(told.hangs, 1);
        assert_int_equal(deadline(), UINT64_MAX);
        assert_true(pool_is_quiet(pool));

        run_until_empty();
        assert_int_equal(told.died, 0);
        assert_int_equal(pool_unfinished(pool, 0), POOL_UNFINISHED_REQUEST);
}

/* The daemon was stopped, and its workers with it: the request gets its whole time again. */
static void test_frozen(void **state) {
        (void)state;
        spawn(0, POOL_RECEIVES);
        take(6, 0);
        fake_advance(2 * TIMEOUT_USEC);
        pool_excuse(pool);
        enforce();
        assert_false(ledger_is_overdue(ledger, 6));
        assert_int_equal(deadline(), fake_now() + TIMEOUT_USEC);
        fake_advance(TIMEOUT_USEC);
        enforce();
        assert_true(ledger_is_overdue(ledger, 6));
}

static void test_delay(void **state) {
        (void)state;
        spawn(0, POOL_RECEIVES);
        take(6, 0);
        atomic_store(&ledger_header(ledger)->delayed_until_usec[6], fake_now() + 3 * TIMEOUT_USEC);
        assert_int_equal(deadline(), fake_now() + 4 * TIMEOUT_USEC);
        fake_advance(2 * TIMEOUT_USEC);
        enforce();
        assert_false(ledger_is_overdue(ledger, 6));
}

static void test_stall(void **state) {
        (void)state;
        assert_int_equal(pool_stall_usec(pool), 0);
        spawn(0, POOL_RECEIVES);
        spawn(1, POOL_RECEIVES);
        take(0, 1);
        fake_advance(100);
        assert_int_equal(pool_stall_usec(pool), 0); /* it is not the receiver's */
        take(1, 0);
        fake_advance(10);
        assert_int_equal(pool_stall_usec(pool), 10);
        take(2, 1);
        assert_true(ledger_pass(ledger, 2, 2, SLOT_WAITING));
        ledger_slot(ledger, 2)->taken_usec = 0;
        ledger_slot(ledger, 2)->received_usec -= 50;
        assert_int_equal(pool_stall_usec(pool), 10); /* it waits behind a quick one */
        ledger_release(ledger, 1, 1);
        assert_int_equal(pool_stall_usec(pool), 50);
        pool_relieve_receiver(pool);
        assert_int_equal(pool_stall_usec(pool), 0);
}

/* A worker that missed its signal is killed, unless it has a request in hand. */
static void test_stragglers(void **state) {
        (void)state;
        fake_set_work(FAKE_STUBBORN);
        spawn(0, POOL_RECEIVES);
        spawn(1, POOL_RECEIVES);
        take(1, 1);
        ledger_slot(ledger, 1)->taken_usec = 0; /* no deadline of its own */
        pool_retire_all(pool);
        assert_int_equal(deadline(), fake_now() + RETIRE_USEC);
        fake_advance(RETIRE_USEC);
        enforce();
        assert_int_equal(deadline(), fake_now() + PROCESS_HANG_USEC); /* of the first, which was killed */
        while (pool_has_process(pool, 0))
                assert_true(sd_event_run(event, PATIENCE_SEC * UINT64_C(1000000)) > 0);
        assert_true(pool_has_process(pool, 1));
        assert_int_equal(deadline(), fake_now() + RETIRE_USEC);
        pool_enforce(pool, TIMEOUT_USEC, true);
        run_until_empty();
        assert_int_equal(told.died, 0);
}

static void test_free_numbers(void **state) {
        (void)state;
        assert_int_equal(pool_find_free(pool), 0);
        take(9, 0);
        assert_int_equal(pool_unfinished(pool, 0), POOL_UNFINISHED_REQUEST);
        assert_int_equal(pool_find_free(pool), 1);
        atomic_store(&ledger_header(ledger)->outboxes[1].used, 100);
        assert_int_equal(pool_unfinished(pool, 1), POOL_UNFINISHED_RECORDS);
        assert_int_equal(pool_find_free(pool), 2);
        spawn(2, POOL_RECEIVES);
        assert_int_equal(pool_unfinished(pool, 2), POOL_FINISHED);
        assert_int_equal(pool_find_free(pool), 3);
}

/* Once all others hang there is the rejecting worker, until one of them is gone. */
static void test_all_hang(void **state) {
        (void)state;
        for (uint32_t i = 0; i < LEDGER_REJECTING; i++) {
                spawn(i, POOL_RECEIVES);
                (void)fake_next_worker();
        }
        assert_int_equal(pool_find_free(pool), LEDGER_NO_RECEIVER);
        pool_retire_all(pool);
        pool_kill_all(pool);
        fake_advance(PROCESS_HANG_USEC);
        enforce();
        assert_int_equal(told.hangs, LEDGER_REJECTING);
        assert_int_equal(pool_count_hanging(pool), LEDGER_REJECTING);
        assert_int_equal(pool_find_free(pool), LEDGER_REJECTING);

        spawn(LEDGER_REJECTING, POOL_RECEIVES);
        assert_int_equal(fake_next_worker().reason, REJECT_WHILE_ALL_HANG);
        assert_int_equal(receiver(), LEDGER_REJECTING);
        enforce();
        assert_int_equal(receiver(), LEDGER_REJECTING);
        while (pool_has_receiver(pool))
                assert_true(sd_event_run(event, PATIENCE_SEC * UINT64_C(1000000)) > 0);
        run_until_empty(); /* it got SIGTERM */
        assert_int_equal(told.died, 0);
}

/* A process that is not a child of this daemon, and works for the session. */
static pid_t foreign_worker(uint32_t number) {
        int fds[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                CHECK_INT(ledger_lock_worker(ledger_fd, number), 0);
                CHECK_INT(write(fds[1], "", 1), 1);
                harness_stay();
        }
        (void)close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        (void)close(fds[0]);
        return pid;
}

static void test_adopted(void **state) {
        pid_t ordinary = foreign_worker(3), rejecting = foreign_worker(LEDGER_REJECTING);
        int status;

        (void)state;
        take(0, 3);
        pool_free(pool);
        assert_int_equal(pool_new(event, &owner, &told, ledger_fd, &pool), 0);
        assert_true(pool_has_process(pool, 3));
        assert_true(pool_has_foreign_rejecting(pool));
        assert_int_equal(pool_unfinished(pool, 3), POOL_FINISHED); /* not before it is gone */
        /* The kernel tells of its end: nothing has to be polled. */
        assert_int_equal(deadline(), fake_now() + PROCESS_HANG_USEC);
        run_until_empty();
        assert_false(pool_has_foreign_rejecting(pool));
        assert_int_equal(told.gone, 2);
        assert_int_equal(told.died, 0);
        assert_int_equal(pool_unfinished(pool, 3), POOL_UNFINISHED_REQUEST);
        assert_true(harness_wait(ordinary, 0, &status) && WIFSIGNALED(status));
        assert_true(harness_wait(rejecting, 0, &status) && WIFSIGNALED(status));
}

/* A helper has its worker's lock, and may be about to act when the worker is dead. */
static void test_helper_outlives_worker(void **state) {
        pid_t helper = foreign_worker(2);
        int status;

        (void)state;
        fake_set_work(FAKE_FAILS);
        pool_free(pool);
        assert_int_equal(pool_new(event, &owner, &told, ledger_fd, &pool), 0);
        run_until_empty();
        assert_true(harness_wait(helper, 0, &status) && WIFSIGNALED(status));
        told = (Told){};
        spawn(2, POOL_RECEIVES);
        helper = foreign_worker(2);
        while (told.died == 0)
                assert_true(sd_event_run(event, PATIENCE_SEC * UINT64_C(1000000)) > 0);
        assert_true(pool_has_process(pool, 2));
        run_until_empty();
        assert_int_equal(told.died, 1);
        assert_true(harness_wait(helper, 0, &status) && WIFSIGNALED(status));
}

/* Whatever a worker that was taken over writes, the pool neither waits in vain nor spins. */
static void test_absurd_times(void **state) {
        static const uint64_t times[] = {1, UINT64_MAX, UINT64_MAX - TIMEOUT_USEC, UINT64_MAX / 2};

        (void)state;
        for (size_t i = 0; i < COUNT(times); i++) {
                spawn(0, POOL_RECEIVES);
                take(0, 0);
                ledger_slot(ledger, 0)->taken_usec = times[i];
                enforce();
                assert_true(deadline() > fake_now());
                pool_kill_all(pool);
                run_until_empty();
                ledger_release(ledger, 0, 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_roles, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_ends, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_call_timeout, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_frozen, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_delay, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stall, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stragglers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_free_numbers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_all_hang, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_adopted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_helper_outlives_worker, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_absurd_times, set_up, tear_down),
        };

        harness_init();
        fake_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
