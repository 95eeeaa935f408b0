/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests a worker whole, with a real filter and a real target, and kills it at each of its system calls in
 * turn, before the call and after it.  Whatever the ledger then holds, the next worker must make of it what
 * the first would have: the call is answered once, its effect is there once, and no process hangs. */

#include "harness.h"

#include <linux/audit.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/abi.h"
#include "common/ownership.h"
#include "fixture.h"
#include "worker/handler.h"

static const Workload plain = {.name = "root"};
static const Workload chrooted = {.name = "a user in a root of its own", .uid = 1000, .chrooted = true};
static const Workload in_user_namespace = {
        .name = "a user namespace", .uid = 1000, .in_user_namespace = true};
static const Workload knocking = {.name = "a launcher", .knocks = true};
static const Workload limiting = {.name = "a process that sets a limit", .limits = true};
static const Workload two_processes = {.name = "two processes", .forks = true};

/* What happens at a stop. */
typedef enum Event {
        KILL_WORKER,
        KILL_TARGET,
        KILL_BOTH,
        COMPETE,            /* another user creates the directory */
        COMPETE_AND_KILL,   /* and then the worker dies */
        SAME_USER_AND_KILL, /* the same by the target's user, so that nothing tells both apart */
        N_EVENTS,
} Event;

static const char *const events[N_EVENTS] = {
        [KILL_WORKER] = "the worker is killed",
        [KILL_TARGET] = "the target is killed",
        [KILL_BOTH] = "both are killed",
        [COMPETE] = "another user creates the directory",
        [COMPETE_AND_KILL] = "another user creates the directory and the worker is killed",
        [SAME_USER_AND_KILL] = "another process of the user creates the directory and the worker is killed",
};

/* A sequence of events, which is run once for each stop. */
typedef struct Script {
        const Workload *workload;
        Event event;
        FixturePolicy policy; /* of the worker that is stopped, and of its successor */
        bool exists;          /* the directory is there before the call */
        bool second_worker;   /* one was killed before this one, under a policy that allows, at mkdirat... */
        bool at_entry;        /* ... before it, or after it */
        int expected;         /* what the target gets, where it lives and no process competes */
} Script;

static const Script scripts[] = {
        {&plain, KILL_WORKER},
        {&chrooted, KILL_WORKER},
        {&in_user_namespace, KILL_WORKER},
        {&plain, KILL_WORKER, .exists = true, .expected = EEXIST},
        {&chrooted, KILL_WORKER, .exists = true, .expected = EEXIST},
        {&plain, KILL_WORKER, FIXTURE_DENY, .expected = EPERM},
        {&chrooted, KILL_WORKER, FIXTURE_DENY, .expected = EPERM},
        {&plain, KILL_WORKER, FIXTURE_DENY, .exists = true, .expected = EEXIST},
        {&plain, KILL_WORKER, FIXTURE_AUDIT},
        {&in_user_namespace, KILL_WORKER, FIXTURE_AUDIT},
        {&plain, KILL_WORKER, FIXTURE_AUDIT, .exists = true, .expected = EEXIST},
        {&plain, KILL_WORKER, FIXTURE_NO_PROFILE, .expected = EPERM},
        {&knocking, KILL_WORKER},
        {&plain, KILL_WORKER, .second_worker = true},
        {&plain, KILL_WORKER, .second_worker = true, .at_entry = true},
        {&plain, KILL_WORKER, .second_worker = true, .exists = true, .expected = EEXIST},
        {&in_user_namespace, KILL_WORKER, .exists = true, .expected = EEXIST},
        {&in_user_namespace, KILL_WORKER, FIXTURE_DENY, .expected = EPERM},
        {&chrooted, KILL_WORKER, .second_worker = true},
        {&chrooted, KILL_WORKER, .second_worker = true, .at_entry = true},
        {&plain, KILL_WORKER, FIXTURE_DENY, .second_worker = true},
        {&plain, KILL_WORKER, FIXTURE_DENY, .second_worker = true, .at_entry = true, .expected = EPERM},
        {&plain, KILL_WORKER, FIXTURE_NO_PROFILE, .second_worker = true},
        {&plain, KILL_TARGET},
        {&chrooted, KILL_TARGET},
        {&in_user_namespace, KILL_TARGET},
        {&plain, KILL_TARGET, FIXTURE_DENY},
        {&plain, KILL_BOTH},
        {&chrooted, KILL_BOTH},
        {&in_user_namespace, KILL_BOTH},
        {&plain, COMPETE},
        {&chrooted, COMPETE},
        {&in_user_namespace, COMPETE},
        {&plain, COMPETE_AND_KILL},
        {&chrooted, COMPETE_AND_KILL},
        {&in_user_namespace, COMPETE_AND_KILL},
        {&plain, SAME_USER_AND_KILL},
        {&chrooted, SAME_USER_AND_KILL},
        {&in_user_namespace, SAME_USER_AND_KILL},
};

/* The one that is set; no test leaves it behind. */
static Fixture fixture;

/* A process of that user creates the directory.  Returns its errno. */
static int compete(uid_t uid) {
        pid_t pid = harness_fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                CHECK_INT(setresuid(uid, uid, uid), 0);
                _exit(mkdir(fixture.path, FIXTURE_MODE) < 0 ? errno : 0);
        }
        assert_true(harness_wait(pid, 0, &status) && WIFEXITED(status));
        return WEXITSTATUS(status);
}

/* Has the worker done with the request, and waits for the next? */
static bool is_over(const Stop *stop) {
        return stop->entry && stop->nr == SYS_ppoll &&
               slot_phase(ledger_slot(fixture.ledger, 0)) == SLOT_EMPTY && !fixture_has_call(&fixture);
}

/* Goes to the worker's stop number n.  Returns false where there are fewer. */
static bool go_to(pid_t worker, unsigned n, Stop *ret) {
        for (unsigned i = 0; i <= n; i++) {
                if (!worker_step(worker, ret))
                        fail_msg("a worker ended by itself: %s", fixture_records(&fixture));
                if (is_over(ret))
                        return false;
        }
        return true;
}

/* There may be a record too many, of a worker that was killed after it; but none that says something else,
 * and not none. */
static void check_records(const char *expected) {
        const char *records = fixture_records(&fixture);
        unsigned n = 0;

        for (const char *line = records; *line != '\0'; line = strchr(line, '\n') + 1, n++)
                if (strncmp(line, expected, strlen(expected)) != 0)
                        fail_msg("not \"%s\": %s", expected, records);
        if (n < 1 || n > 2)
                fail_msg("%u records: %s", n, records);
}

static void check_directory(uid_t owner) {
        struct stat st;

        assert_int_equal(stat(fixture.path, &st), 0);
        assert_int_equal(st.st_uid, owner);
        assert_int_equal(st.st_mode, S_IFDIR | (FIXTURE_MODE & ~FIXTURE_UMASK));
        assert_int_equal(fixture_count(&fixture), 1);
}

/* The last worker leaves when told to, and leaves nothing behind. */
static void dismiss(pid_t worker) {
        (void)kill(worker, SIGTERM);
        worker_left(&fixture, worker);
        assert_int_equal(slot_phase(ledger_slot(fixture.ledger, 0)), SLOT_EMPTY);
        assert_int_equal(ledger_slot(fixture.ledger, 0)->request.notif.id, 0);
}

/* Once, however often workers died over it. */
static void check_totals(FixturePolicy policy, const FixtureResult *result) {
        bool audited = policy == FIXTURE_AUDIT;
        LedgerTotals totals;

        assert_int_equal(ledger_read_totals(fixture.ledger_fd, &totals), 0);
        assert_int_equal(totals.allowed, result->error == 0 && !audited);
        assert_int_equal(totals.audited, result->error == 0 && audited);
        assert_int_equal(totals.denied, result->error == EPERM);
        assert_int_equal(totals.failed, result->error != 0 && result->error != EPERM);
        assert_int_equal(totals.suppressed, 0);
        assert_int_equal(totals.lost, 0);
}

static void check_outcome(const Script *script, const FixtureResult *result) {
        const Workload *workload = script->workload;

        if (workload->knocks) {
                assert_int_equal(result->value, FIXTURE_KNOCK_ANSWER);
                assert_string_equal(fixture_records(&fixture), "");
                return;
        }
        assert_int_equal(result->error, script->expected);
        check_records(result->error == EPERM            ? "denied "
                      : result->error != 0              ? "failed "
                      : script->policy == FIXTURE_AUDIT ? "would deny "
                                                        : "allowed ");
        check_totals(script->policy, result);
        if (result->error == 0)
                check_directory(workload->uid);
        else
                assert_int_equal(fixture_count(&fixture), script->exists);
}

static void play_to_the_end(const Script *script, pid_t worker) {
        FixtureResult result = fixture_result(&fixture);

        dismiss(worker);
        check_outcome(script, &result);
}

/* Who asked for what is dead: nothing is left of it but, maybe, its effect. */
static void play_without_target(pid_t worker) {
        worker_left(&fixture, worker);
        assert_int_equal(slot_phase(ledger_slot(fixture.ledger, 0)), SLOT_EMPTY);
        assert_null(strstr(fixture_records(&fixture), "trouble"));
        assert_true(fixture_count(&fixture) <= 1);
}

/* Exactly one of two has made it; unless that can't be told. */
static void play_contest(pid_t worker, int competitor, bool obscure) {
        FixtureResult result = fixture_result(&fixture);

        dismiss(worker);
        if (competitor == 0)
                assert_int_equal(result.error, obscure ? 0 : EEXIST);
        else {
                assert_int_equal(competitor, EEXIST);
                assert_int_equal(result.error, 0);
        }
        check_records(result.error == 0 ? "allowed " : "failed ");
        check_totals(FIXTURE_ALLOW, &result);
        assert_int_equal(fixture_count(&fixture), 1);
}

static void play_event(const Script *script, pid_t worker, const Stop *stop) {
        int competitor;

        switch (script->event) {
        case KILL_WORKER:
                harness_kill(worker);
                play_to_the_end(script, fixture_start_worker(&fixture, 0, script->policy));
                break;
        case KILL_TARGET:
                fixture_kill_target(&fixture);
                worker_release(worker);
                play_without_target(worker);
                break;
        case KILL_BOTH:
                fixture_kill_target(&fixture);
                harness_kill(worker);
                play_without_target(fixture_start_worker(&fixture, 0, script->policy));
                break;
        case COMPETE:
                competitor = compete(1);
                worker_release(worker);
                play_contest(worker, competitor, false);
                break;
        case COMPETE_AND_KILL:
                competitor = compete(1);
                harness_kill(worker);
                play_contest(fixture_start_worker(&fixture, 0, script->policy), competitor, false);
                break;
        case SAME_USER_AND_KILL:
                competitor = compete(script->workload->uid);
                harness_kill(worker);
                play_contest(fixture_start_worker(&fixture, 0, script->policy), competitor,
                        stop->entry && stop->nr == SYS_mkdirat);
                break;
        case N_EVENTS:
                break;
        }
}

static unsigned stop_number; /* for the message of a failure */

static void kill_first_worker(const Script *script) {
        pid_t worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);

        worker_step_to(worker, SYS_mkdirat, script->at_entry);
        assert_int_equal(slot_phase(ledger_slot(fixture.ledger, 0)), SLOT_ACTING);
        harness_kill(worker);
}

/* Returns false where the worker has no stop of that number. */
static bool play(const Script *script, unsigned n) {
        Stop stop = {};
        bool is_there;
        pid_t worker;

        stop_number = n;
        fixture_set_up(script->workload, &fixture);
        if (script->exists)
                assert_int_equal(mkdir(fixture.path, FIXTURE_MODE), 0);
        fixture_call(&fixture);
        if (script->second_worker)
                kill_first_worker(script);
        worker = fixture_trace_worker(&fixture, script->policy);
        is_there = go_to(worker, n, &stop);
        if (is_there)
                play_event(script, worker, &stop);
        else
                harness_kill(worker);
        fixture_tear_down(&fixture);
        return is_there;
}

/* A fork costs a sanitized build ten times as much.  Odd, so that it meets entries and exits. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STRIDE 5
#else
#define STRIDE 1
#endif

static void test_script(void **state) {
        const Script *script = *state;
        unsigned n = 0;

        if (script->workload->in_user_namespace)
                harness_need_unshare(CLONE_NEWUSER);
        while (play(script, n))
                n += STRIDE;
        /* Fewer would mean that the worker was not seen at work. */
        assert_true(n > 20);
}

static void set(const Workload *workload) {
        fixture_set_up(workload, &fixture);
        fixture_call(&fixture);
}

static Slot *first_slot(void) {
        return ledger_slot(fixture.ledger, 0);
}

static void worker_dies_in_mkdirat(bool at_entry) {
        pid_t worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);

        worker_step_to(worker, SYS_mkdirat, at_entry);
        harness_kill(worker);
}

static FixtureResult successor_result(FixturePolicy policy) {
        pid_t worker = fixture_start_worker(&fixture, 0, policy);
        FixtureResult result = fixture_result(&fixture);

        dismiss(worker);
        return result;
}

/* A worker died within the call.  Its successor may find out what came of it, and goes by its own verdict
 * where nothing did. */
static void test_own_verdict(void **state) {
        static const struct {
                bool at_entry;
                FixturePolicy policy;
                int expected;
                unsigned count;
        } rows[] = {
                {true, FIXTURE_ALLOW, 0, 1},
                {true, FIXTURE_DENY, EPERM, 0},
                {true, FIXTURE_NO_PROFILE, EPERM, 0},
                {false, FIXTURE_ALLOW, 0, 1},
                {false, FIXTURE_DENY, 0, 1},
                {false, FIXTURE_NO_PROFILE, 0, 1},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                set(&plain);
                worker_dies_in_mkdirat(rows[i].at_entry);
                assert_int_equal(successor_result(rows[i].policy).error, rows[i].expected);
                assert_int_equal(fixture_count(&fixture), rows[i].count);
                fixture_tear_down(&fixture);
        }
}

/* The same where the name of the parent is another directory's by then.  Where the parent can be found it
 * is looked at, and else nothing is done. */
static void test_other_parent(void **state) {
        static const struct {
                bool at_entry;
                bool lost;   /* the parent cannot be found */
                bool untold; /* no process looked for the name before */
                int expected;
                unsigned count; /* in what has the parent's name now */
        } rows[] = {
                {true, true, false, EIO, 0},
                {false, true, false, EIO, 0},
                {true, false, false, 0, 1}, /* nothing came of it: it is performed as if it came now */
                {false, false, false, 0, 0},
                {true, false, true, EIO, 0},
                {false, false, true, EIO, 0},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                char away[64];

                set(&plain);
                (void)snprintf(away, sizeof(away), "%s-away", fixture.dir);
                worker_dies_in_mkdirat(rows[i].at_entry);
                if (!rows[i].lost) {
                        /* A chroot does not show the mount that the handle belongs to. */
                        harness_need_unshare(CLONE_NEWUSER);
                        if (first_slot()->locations[0].parent.handle_size == 0) {
                                print_message("skipped: /tmp is on a file system without file handles\n");
                                skip();
                        }
                }
                assert_int_equal(rename(fixture.dir, away), 0);
                assert_int_equal(mkdir(fixture.dir, 0777), 0);
                assert_int_equal(chmod(fixture.dir, 0777), 0);
                if (rows[i].lost) {
                        first_slot()->locations[0].parent.handle_size = 0;
                        first_slot()->locations[0].parent.born_nsec++;
                }
                if (rows[i].untold)
                        ledger_intent(fixture.ledger, 0)->locations[0].sight = INTENT_UNSEEN;
                assert_int_equal(successor_result(FIXTURE_ALLOW).error, rows[i].expected);
                assert_int_equal(fixture_count(&fixture), rows[i].count);
                assert_int_equal(rmdir(fixture.path) == 0, rows[i].count > 0);
                assert_int_equal(rmdir(fixture.dir), 0);
                assert_int_equal(rename(away, fixture.dir), 0);
                fixture_tear_down(&fixture);
        }
}

/* A request that its workers die of is answered all the same. */
static void test_poison(void **state) {
        static const long deadly_calls[] = {SYS_process_vm_readv, SYS_mkdirat, SYS_write};
        static const struct {
                unsigned deaths;
                bool at_entry;
                int expected[COUNT(deadly_calls)];
                const char *records[COUNT(deadly_calls)];
        } rows[] = {
                {2, true, {0, 0, 0}, {"allowed ", "allowed ", "allowed "}},
                {3, true, {EIO, EIO, 0},
                        {"trouble with mkdir(\"\") by test-worker[", "trouble with mkdir(", "allowed "}},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows) * COUNT(deadly_calls); i++) {
                size_t row = i / COUNT(deadly_calls), call = i % COUNT(deadly_calls);
                FixtureResult result;
                pid_t worker;

                set(&plain);
                for (unsigned n = 0; n < rows[row].deaths; n++) {
                        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
                        worker_step_to(worker, deadly_calls[call], rows[row].at_entry);
                        harness_kill(worker);
                }
                worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
                result = fixture_result(&fixture);
                dismiss(worker);
                assert_int_equal(result.error, rows[row].expected[call]);
                check_records(rows[row].records[call]);
                check_totals(FIXTURE_ALLOW, &result);
                assert_int_equal(fixture_count(&fixture), result.error == 0);
                fixture_tear_down(&fixture);
        }
}

/* The receiver is another's now: this one finishes what it has and takes nothing more. */
static void test_receiver_moves(void **state) {
        FixtureResult result, other;
        pid_t worker;

        (void)state;
        set(&two_processes);
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        worker_step_to(worker, SYS_process_vm_readv, true);
        atomic_store(&ledger_header(fixture.ledger)->receiver, 5);
        worker_release(worker);
        result = fixture_result(&fixture);
        worker_left(&fixture, worker);
        assert_int_equal(result.error, 0);
        assert_int_equal(slot_phase(first_slot()), SLOT_EMPTY);
        assert_false(fixture_has_result(&fixture));

        worker = fixture_start_worker(&fixture, 5, FIXTURE_ALLOW);
        other = fixture_result(&fixture);
        (void)kill(worker, SIGTERM);
        worker_left(&fixture, worker);
        assert_int_equal(other.error, 0);
        assert_true(other.from_child != result.from_child);
        assert_int_equal(fixture_count(&fixture), 2);
}

static uint32_t holder(uint32_t index) {
        return atomic_load(&ledger_header(fixture.ledger)->holders[index]);
}

/* Goes to where the worker reads the first of two callers.  Returns whether it has received the other one,
 * too: that may have been too late. */
static bool step_between_two_processes(pid_t worker) {
        worker_step_to(worker, SYS_process_vm_readv, true);
        return (holder(0) == 1 && holder(1) == SLOT_WAITING) ||
               (holder(1) == 1 && holder(0) == SLOT_WAITING);
}

/* Where two call, none waits in the kernel while the worker is at the other's request; and what was received
 * and not yet begun isn't lost with the worker, nor with its receivership. */
static void test_crowd(void **state) {
        unsigned kills = 0, tries = 0;

        (void)state;
        while (kills < 4 && ++tries < 100) {
                uint32_t number = kills % 2 ? 3 : 0; /* a successor or another worker */
                FixtureResult one, other;
                pid_t worker;

                set(&two_processes);
                worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
                if (step_between_two_processes(worker)) {
                        kills++;
                        if (number == 0)
                                harness_kill(worker);
                        else {
                                atomic_store(&ledger_header(fixture.ledger)->receiver, number);
                                worker_release(worker);
                                worker_left(&fixture, worker);
                        }
                        worker = fixture_start_worker(&fixture, number, FIXTURE_ALLOW);
                } else
                        worker_release(worker);
                one = fixture_result(&fixture);
                other = fixture_result(&fixture);
                dismiss(worker);
                assert_int_equal(one.error, 0);
                assert_int_equal(other.error, 0);
                assert_true(one.from_child != other.from_child);
                assert_int_equal(fixture_count(&fixture), 2);
                for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                        assert_int_equal(holder(i), SLOT_FREE);
                fixture_tear_down(&fixture);
        }
        assert_int_equal(kills, 4);
}

/* Woken for a request when its successor is there already: who receives it then could not see to it. */
static void test_wakes_too_late(void **state) {
        FixtureResult result;
        pid_t worker;

        (void)state;
        set(&plain);
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        worker_step_to(worker, SYS_ppoll, false);
        atomic_store(&ledger_header(fixture.ledger)->receiver, 5);
        worker_release(worker);
        worker_left(&fixture, worker);
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                assert_int_equal(holder(i), SLOT_FREE);
        worker = fixture_start_worker(&fixture, 5, FIXTURE_ALLOW);
        result = fixture_result(&fixture);
        dismiss(worker);
        assert_int_equal(result.error, 0);
}

/* The daemon answered the knock, and died before it said that the slot is free. */
static void test_answered_knock(void **state) {
        LedgerTotals totals;
        pid_t worker;

        (void)state;
        set(&plain);
        atomic_store(&ledger_header(fixture.ledger)->holders[0], SLOT_WAITING);
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        assert_int_equal(fixture_result(&fixture).error, 0);
        dismiss(worker);
        assert_int_equal(holder(0), SLOT_FREE);
        assert_null(strstr(fixture_records(&fixture), "trouble"));
        ledger_sum_totals(ledger_header(fixture.ledger), &totals);
        assert_int_equal(totals.failed, 0);
}

/* A worker that isn't the receiver and holds nothing has nothing to do. */
static void test_nothing_to_do(void **state) {
        pid_t worker;

        (void)state;
        set(&plain);
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        atomic_store(&ledger_header(fixture.ledger)->receiver, LEDGER_NO_RECEIVER);
        worker_release(worker);
        worker_left(&fixture, worker);
        assert_false(fixture_has_result(&fixture));
        assert_string_equal(fixture_records(&fixture), "");
}

/* Without a look at the clock: the wait ends because of the signal, and there is no second one. */
static void test_leaves_when_idle(void **state) {
        Stop stop = {};
        pid_t worker;

        (void)state;
        set(&plain);
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        do
                assert_true(worker_step(worker, &stop));
        while (!is_over(&stop));
        assert_int_equal(fixture_result(&fixture).error, 0);
        assert_int_equal(kill(worker, SIGTERM), 0);
        assert_true(worker_step(worker, &stop));
        assert_true(stop.result < 0);
        while (worker_step(worker, &stop))
                assert_false(stop.entry && stop.nr == SYS_ppoll);
        assert_int_equal(slot_phase(first_slot()), SLOT_EMPTY);
}

/* A delayed call is handed from worker to worker, as often as the configuration is read anew; and as often
 * as one is killed, for none died of it. */
static void test_leaves_during_delay(void **state) {
        FixtureResult result;
        pid_t worker;
        uint64_t since = 0;

        (void)state;
        set(&plain);
        for (unsigned i = 0; i < 4 * REQUEST_ATTEMPTS_MAX; i++) {
                worker = fixture_trace_worker(&fixture, FIXTURE_DELAY);
                do
                        worker_step_to(worker, SYS_ppoll, true);
                while (slot_phase(first_slot()) != SLOT_RECEIVED);
                if (i % 2 == 0)
                        harness_kill(worker);
                else {
                        assert_int_equal(kill(worker, SIGTERM), 0);
                        worker_release(worker);
                        worker_left(&fixture, worker);
                }
                assert_false(fixture_has_result(&fixture));
                assert_int_equal(slot_phase(first_slot()), SLOT_RECEIVED);
                /* The delay counts from when the call was made. */
                assert_true(since == 0 || since == first_slot()->received_usec);
                since = first_slot()->received_usec;
        }
        assert_string_equal(fixture_records(&fixture), "");
        worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
        result = fixture_result(&fixture);
        dismiss(worker);
        assert_int_equal(result.error, 0);
        check_directory(0);
}

static void forget_nothing(Slot *slot) {
        (void)slot;
}

/* What slot_clear() leaves when it is killed between two of its instructions: the request is answered and
 * gone, in whole or in part. */
static void forget_request(Slot *slot) {
        memset(&slot->request.notif, 0, sizeof(slot->request.notif));
}

static void forget_id(Slot *slot) {
        slot->request.notif.id = 0;
        slot->request.notif.pid = 0;
}

static const struct {
        const char *name;
        SlotPhase phase;
        void (*forget)(Slot *slot);
} leftovers[] = {
        {"done, not cleared", SLOT_DONE, forget_nothing},
        {"done, the id cleared", SLOT_DONE, forget_id},
        {"done, cleared", SLOT_DONE, forget_request},
        {"received, the id cleared", SLOT_RECEIVED, forget_id},
        {"received, cleared", SLOT_RECEIVED, forget_request},
        {"received without a mark, the id cleared", SLOT_EMPTY, forget_id},
        {"acting, the id cleared", SLOT_ACTING, forget_id},
        {"a phase that is none", SLOT_DONE + 7, forget_id},
};

/* An earlier request's remains don't stand in the next one's way, nor do they speak for it. */
static void test_leftovers(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(leftovers); i++) {
                Slot *slot;
                pid_t worker;

                set(&plain);
                slot = first_slot();
                assert_true(ledger_pass(fixture.ledger, 0, SLOT_FREE, 1));
                slot->request.notif = (struct seccomp_notif){.id = 1,
                        .pid = (uint32_t)getpid(),
                        .data = {.nr = SYS_mkdirat, .arch = abi_audit_archs[MACHINE_NATIVE->abis[0]]}};
                slot->verdict = SLOT_ALLOWED;
                notify_reply(&slot->reply, 1, 0, 0);
                leftovers[i].forget(slot);
                slot_set_phase(slot, leftovers[i].phase);

                worker = fixture_start_worker(&fixture, 0, FIXTURE_ALLOW);
                assert_int_equal(fixture_result(&fixture).error, 0);
                dismiss(worker);
                check_directory(0);
                if (strstr(fixture_records(&fixture), "trouble"))
                        fail_msg("%s: %s", leftovers[i].name, fixture_records(&fixture));
                fixture_tear_down(&fixture);
        }
}

/* A call that names no place: the worker needs no helper, and looks at no directory of the target's. */
static void test_names_no_place(void **state) {
        Stop stop = {};
        pid_t worker;

        (void)state;
        set(&limiting);
        first_slot()->generation = 99; /* of an earlier request */
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        do {
                assert_true(worker_step(worker, &stop));
                if (stop.entry)
                        assert_int_not_equal(stop.nr, SYS_socketpair);
        } while (!is_over(&stop));
        assert_int_equal(fixture_result(&fixture).error, 0);
        assert_int_equal(first_slot()->generation, 1); /* a record would tell it */
        worker_release(worker);
        dismiss(worker);
        assert_string_equal(fixture_records(&fixture), "");
}

/* The same where a compromised worker left the call as if it had begun to perform it. */
static void test_names_no_place_and_begun(void **state) {
        pid_t worker;

        (void)state;
        set(&limiting);
        worker = fixture_trace_worker(&fixture, FIXTURE_ALLOW);
        worker_step_to(worker, fixture.reader_fd > 0 ? SYS_bpf : SYS_pread64, true);
        harness_kill(worker);
        intent_set_state(ledger_intent(fixture.ledger, 0), INTENT_BEGUN);
        slot_set_phase(first_slot(), SLOT_ACTING);
        assert_int_equal(successor_result(FIXTURE_ALLOW).error, 0);
        assert_string_equal(fixture_records(&fixture), "");
}

static int tear_down(void **state) {
        const Script *script = *state;

        if (fixture.target_fd > 0 && script)
                print_message("it was stop %u\n", stop_number);
        fixture_tear_down(&fixture);
        return 0;
}

static void name_script(const Script *script, char *ret, size_t size) {
        static const char *const policies[] = {[FIXTURE_ALLOW] = "",
                [FIXTURE_DENY] = ", denied",
                [FIXTURE_NO_PROFILE] = ", without a profile",
                [FIXTURE_AUDIT] = ", audited"};

        (void)snprintf(ret, size, "%s%s%s%s: %s", script->workload->name, policies[script->policy],
                script->exists ? ", it exists" : "",
                !script->second_worker ? ""
                : script->at_entry     ? ", after a death before mkdirat"
                                       : ", after a death after mkdirat",
                events[script->event]);
}

/* With the argument "reader" workers run the reader in the kernel, else they ask /proc. */
int main(int argc, char **argv) {
        const char *why = NULL;
        const struct CMUnitTest others[] = {
                cmocka_unit_test_teardown(test_own_verdict, tear_down),
                cmocka_unit_test_teardown(test_other_parent, tear_down),
                cmocka_unit_test_teardown(test_poison, tear_down),
                cmocka_unit_test_teardown(test_receiver_moves, tear_down),
                cmocka_unit_test_teardown(test_crowd, tear_down),
                cmocka_unit_test_teardown(test_wakes_too_late, tear_down),
                cmocka_unit_test_teardown(test_answered_knock, tear_down),
                cmocka_unit_test_teardown(test_nothing_to_do, tear_down),
                cmocka_unit_test_teardown(test_leaves_when_idle, tear_down),
                cmocka_unit_test_teardown(test_leaves_during_delay, tear_down),
                cmocka_unit_test_teardown(test_leftovers, tear_down),
                cmocka_unit_test_teardown(test_names_no_place, tear_down),
                cmocka_unit_test_teardown(test_names_no_place_and_begun, tear_down),
        };
        static struct CMUnitTest tests[COUNT(scripts)];
        static char names[COUNT(scripts)][128];
        int failed;

        harness_need_filters();
        if (geteuid() != 0) {
                (void)fprintf(stderr, "skipped: a worker needs root's capabilities\n");
                return EXIT_SKIP;
        }
        harness_init();
        if (argc == 2 && strcmp(argv[1], "reader") == 0)
                why = fixture_use_reader();
        if (why) {
                (void)fprintf(stderr, "skipped: there is no reader: %s\n", why);
                return EXIT_SKIP;
        }
        for (size_t i = 0; i < COUNT(scripts); i++) {
                name_script(&scripts[i], names[i], sizeof(names[i]));
                tests[i] = (struct CMUnitTest){
                        names[i], test_script, NULL, tear_down, (void *)(uintptr_t)&scripts[i]};
        }
        failed = cmocka_run_group_tests_name("worker", others, NULL, NULL);
        return failed + cmocka_run_group_tests_name("worker at each system call", tests, NULL, NULL);
}
