/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/session/session-table.c and session.c with fake workers: which stored sessions are taken over
 * and what becomes of the others, when a session has workers, and that an idle one has no timer.  A pipe is
 * the listener. */

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>

#include "common/clock.h"
#include "common/ownership.h"
#include "fake-workers.h"
#include "session/identities.h"
#include "session/session-table.h"

#define ID UINT64_C(0x0123456789abcdef)
#define OTHER UINT64_C(0xfedcba9876543210)

static SessionContext context;
static Sandboxes sandboxes;
static Policy *policy;
static SessionTable *table;
static int record_fd = -EBADF;
static int saved_stderr = -EBADF;
static unsigned n_idle;
static bool is_guarded; /* what the store says of each session */

static void on_active(void *userdata) {
        assert_ptr_equal(userdata, &table);
}

static void on_idle(void *userdata) {
        assert_ptr_equal(userdata, &table);
        n_idle++;
}

static void on_end(Session *session, void *userdata) {
        assert_ptr_equal(userdata, &table);
        session_table_remove(table, session);
}

static const SessionIdentity identity = {.session_id = ID, .account = 1000, .profile = "default"};

/* Records go to a file. */
static void redirect_records(void) {
        record_fd = memfd_create("records", MFD_CLOEXEC);
        saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        assert_true(record_fd >= 0 && saved_stderr >= 0);
        assert_int_equal(dup2(record_fd, STDERR_FILENO), STDERR_FILENO);
}

static unsigned count_records(const char *text) {
        static char records[8192];
        ssize_t n = pread(record_fd, records, sizeof(records) - 1, 0);
        unsigned count = 0;

        assert_true(n >= 0);
        records[n] = '\0';
        for (const char *at = strstr(records, text); at; at = strstr(at + 1, text))
                count++;
        return count;
}

static bool has_record(const char *text) {
        return count_records(text) > 0;
}

static int set_up(void **state) {
        Profile *profile;

        (void)state;
        n_idle = 0;
        is_guarded = false;
        fake_entries = (FakeEntries){};
        fake_run_clock();
        fake_set_work(FAKE_STAYS);
        redirect_records();
        assert_int_equal(policy_new(1, &policy), 0);
        assert_int_equal(
                policy_add_profile(policy, "default", ACTION_ALLOW, EPERM, POLICY_LOG_ALL, &profile), 0);
        context = (SessionContext){
                .policy = policy,
                .sandboxes = &sandboxes,
                .reader_fd = -EBADF,
                .daemon_fd = -EBADF,
                .host_root_fd = -EBADF,
                .cgroups_fd = -EBADF,
                .on_active = on_active,
                .on_idle = on_idle,
                .on_end = on_end,
                .userdata = &table,
        };
        assert_int_equal(sd_event_new(&context.event), 0);
        assert_int_equal(report_new(REPORT_TO_STDERR, &context.report), 0);
        return 0;
}

static void run_once(void) {
        assert_true(sd_event_run(context.event, PATIENCE_SEC * UINT64_C(1000000)) >= 0);
}

static int tear_down(void **state) {
        (void)state;
        session_table_shut_down(table, PATIENCE_SEC * UINT64_C(1000000));
        while (fake_has_worker())
                (void)fake_next_worker();
        table = session_table_free(table);
        policy_free(policy);
        context.report = report_free(context.report);
        context.event = sd_event_unref(context.event);
        (void)dup2(saved_stderr, STDERR_FILENO);
        saved_stderr = fd_close(saved_stderr);
        record_fd = fd_close(record_fd);
        return 0;
}

/* A session as the store has it; the test keeps the other end of its listener, and its ledger. */
typedef struct Stored {
        int calls_fd; /* each byte is a call that waits */
        int listener_fd;
        int ledger_fd;
        Ledger *ledger;
} Stored;

static Stored stored_new(uint64_t id) {
        const NotifyRequest knock = {.notif = {.id = 1, .pid = 1}};
        Stored stored;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        stored.listener_fd = fds[0];
        stored.calls_fd = fds[1];
        assert_int_equal(ledger_new(id, &knock, 1, &stored.ledger_fd), 0);
        assert_int_equal(ledger_map(stored.ledger_fd, &stored.ledger), 0);
        ledger_release(stored.ledger, 0, SLOT_WAITING);
        return stored;
}

static void stored_done(Stored *stored) {
        fd_close(stored->calls_fd);
        fd_close(stored->listener_fd);
        fd_close(stored->ledger_fd);
        ledger_unmap(stored->ledger);
}

static int copy(int fd) {
        return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* As the next daemon finds it. */
static StoreContents contents_of(
        const StoredSession *sessions, size_t n_sessions, const uint64_t *ids, size_t n_ids) {
        StoreContents contents = STORE_CONTENTS_NONE;
        Identities *identities;

        assert_int_equal(identities_open(-EBADF, &identities), 1);
        for (size_t i = 0; i < n_ids; i++) {
                SessionIdentity one = identity;

                one.session_id = ids[i];
                one.guarded = is_guarded;
                assert_int_equal(identities_add(identities, &one), 0);
        }
        contents.identities_fd = copy(identities_fd(identities));
        identities_free(identities);
        contents.sessions = calloc(n_sessions, sizeof(*sessions));
        assert_non_null(contents.sessions);
        memcpy(contents.sessions, sessions, n_sessions * sizeof(*sessions));
        contents.n_sessions = n_sessions;
        return contents;
}

static void restore(StoreContents *contents) {
        assert_int_equal(session_table_new(&context, contents, &table), 0);
        session_table_restore(table, contents);
        store_contents_done(contents);
}

static Stored restore_one(void) {
        static const uint64_t id = ID;
        Stored stored = stored_new(ID);
        const StoredSession session = {ID, copy(stored.listener_fd), copy(stored.ledger_fd)};
        StoreContents contents = contents_of(&session, 1, &id, 1);

        restore(&contents);
        assert_int_equal(session_table_size(table), 1);
        return stored;
}

/* Whether the event loop's timerfd is set, as /proc tells. */
static bool has_timer(void) {
        struct dirent *entry;
        DIR *dir;
        bool found = false;

        while (sd_event_run(context.event, 0) > 0)
                ;
        dir = opendir("/proc/self/fdinfo");
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                char text[512] = "";
                int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);

                if (fd >= 0)
                        (void)!read(fd, text, sizeof(text) - 1);
                fd_close(fd);
                found |= strstr(text, "it_value: (") && !strstr(text, "it_value: (0, 0)");
        }
        (void)closedir(dir);
        return found;
}

static void wait_without_timer(void) {
        while (has_timer())
                run_once();
}

static void call(const Stored *stored) {
        assert_int_equal(write(stored->calls_fd, "", 1), 1);
}

/* As a worker does it. */
static void receive(const Stored *stored) {
        char byte;

        assert_int_equal(read(stored->listener_fd, &byte, 1), 1);
}

static void take(const Stored *stored, uint32_t index, uint32_t number) {
        Slot *slot = ledger_slot(stored->ledger, index);

        assert_true(ledger_pass(stored->ledger, index, SLOT_FREE, number + 1));
        slot->request.notif.id = slot->request.notif.pid = 7;
        slot->received_usec = slot->taken_usec = clock_usec(CLOCK_MONOTONIC);
        slot_set_phase(slot, SLOT_RECEIVED);
}

static FakeWorker next_worker(void) {
        while (!fake_has_worker())
                run_once();
        return fake_next_worker();
}

static void test_restore(void **state) {
        static const uint64_t ids[] = {ID, 2, 3, 4, 5};
        Stored good = stored_new(ID), other = stored_new(OTHER);
        const StoredSession sessions[] = {
                {ID, copy(good.listener_fd), copy(good.ledger_fd)},
                {2, copy(other.listener_fd), -EBADF},
                {3, -EBADF, copy(other.ledger_fd)},
                {4, copy(other.listener_fd), open("/dev/null", O_RDWR | O_CLOEXEC)},
                {OTHER, copy(other.listener_fd), copy(other.ledger_fd)},
        };
        StoreContents contents = contents_of(sessions, COUNT(sessions), ids, COUNT(ids));
        int identities_fd = copy(contents.identities_fd);
        Identities *identities;
        SessionIdentity found;

        (void)state;
        restore(&contents);
        assert_int_equal(session_table_size(table), 1);
        assert_int_equal(session_table_count(table, 1000), 1);
        assert_int_equal(session_table_count(table, 1001), 0);
        assert_true(has_record("cannot take over session 0000000000000002: its ledger is missing"));
        assert_true(has_record("cannot take over session 0000000000000003: its listener is missing"));
        assert_true(has_record("cannot take over session 0000000000000004: "));
        assert_true(has_record("cannot take over session fedcba9876543210: its identity is missing"));
        assert_true(has_record("took over 1 session from the previous daemon"));
        assert_true(has_record("ended 4 sessions of the previous daemon: "));

        /* No identity is left without a session. */
        assert_int_equal(identities_open(identities_fd, &identities), 0);
        assert_int_equal(identities_find(identities, ID, &found), 0);
        for (size_t i = 1; i < COUNT(ids); i++)
                assert_int_equal(identities_find(identities, ids[i], &found), -ENOENT);
        identities_free(identities);
        stored_done(&good);
        stored_done(&other);
}

static void test_idle(void **state) {
        Stored stored = restore_one();

        (void)state;
        assert_false(session_table_is_active(table));
        assert_false(has_timer());
        assert_false(fake_has_worker());

        call(&stored);
        assert_int_equal(next_worker().number, 0);
        receive(&stored);
        assert_true(session_table_is_active(table));
        assert_int_equal(atomic_load(&ledger_header(stored.ledger)->receiver), 0);
        wait_without_timer(); /* nothing is due while its worker waits, too */
        assert_true(session_table_is_active(table));

        n_idle = 0;
        session_table_renew(table); /* the worker has the old policy: it exits */
        while (session_table_is_active(table))
                run_once();
        assert_int_equal(n_idle, 1);
        assert_false(has_timer());
        stored_done(&stored);
}

/* A call that takes long holds up no other. */
static void test_stall(void **state) {
        Stored stored = restore_one();

        (void)state;
        call(&stored);
        assert_int_equal(next_worker().number, 0);
        receive(&stored);
        wait_without_timer();

        call(&stored);
        while (!has_timer())
                run_once();
        receive(&stored);
        take(&stored, 3, 0);
        call(&stored);
        assert_int_equal(next_worker().number, 1);
        receive(&stored);
        assert_int_equal(atomic_load(&ledger_header(stored.ledger)->receiver), 1);
        assert_int_equal(atomic_load(&ledger_header(stored.ledger)->holders[3]), 1);
        assert_true(has_timer()); /* the first call's timeout, at least */
        stored_done(&stored);
}

/* What a dead worker held has a worker of the same number again. */
static void test_successor(void **state) {
        Stored stored = stored_new(ID);
        const StoredSession session = {ID, copy(stored.listener_fd), copy(stored.ledger_fd)};
        static const uint64_t id = ID;
        StoreContents contents = contents_of(&session, 1, &id, 1);

        (void)state;
        take(&stored, 5, 4);
        restore(&contents);
        assert_int_equal(next_worker().number, 4);
        ledger_release(stored.ledger, 5, 5);
        stored_done(&stored);
}

/* Workers that die at once are not respawned at once for ever. */
static void test_deaths(void **state) {
        Stored stored = restore_one();
        unsigned n = 0;

        (void)state;
        fake_set_work(FAKE_FAILS);
        call(&stored);
        for (; n < 6; n++)
                (void)next_worker();
        /* A call waits, and the timer gets it a worker. */
        assert_true(has_timer());
        fake_set_work(FAKE_STAYS);
        while (fake_has_worker())
                (void)fake_next_worker();
        (void)next_worker();
        receive(&stored);
        assert_true(has_record("failed with exit status 1; another one takes its place"));
        stored_done(&stored);
}

static void test_begin_and_end(void **state) {
        const NotifyRequest knock = {.notif = {.id = 1, .pid = 1}};
        StoreContents contents = STORE_CONTENTS_NONE;
        LedgerTotals totals;
        uint32_t n_hanging;
        int fds[2];

        (void)state;
        restore(&contents);
        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(session_table_begin(table, &identity, &knock, 1, fds[0]), 0);
        assert_int_equal(session_table_size(table), 1);
        assert_true(has_record("session 0123456789abcdef started"));
        assert_int_equal(next_worker().number, 0);
        session_table_sum(table, &totals, &n_hanging);
        assert_int_equal(n_hanging, 0);

        (void)close(fds[1]); /* the last target is gone */
        while (session_table_size(table) > 0)
                run_once();
        assert_true(has_record("session 0123456789abcdef ended: 0 allowed"));
        assert_false(has_timer());
}

#define UNGUARDED "session 0123456789abcdef began under a guard that does not stand any more: "

/* The daemon before had a guard, and this one has none. */
static void test_lost_guard(void **state) {
        Stored stored;

        (void)state;
        is_guarded = true;
        stored = restore_one();
        assert_int_equal(count_records(UNGUARDED "there is no guard; its calls fail"), 1);
        session_table_renew(table);
        assert_int_equal(fake_entries.n_entered, 2);
        assert_int_equal(count_records(UNGUARDED), 1);
        stored_done(&stored);
}

static void test_guard(void **state) {
        Stored stored;
        Guard *guard;
        int fds[GUARD_FDS];

        (void)state;
        for (size_t i = 0; i < GUARD_FDS; i++)
                fds[i] = -EBADF;
        assert_int_equal(guard_new(fds, &guard), 0);
        context.guard = guard;
        is_guarded = true;
        stored = restore_one();
        assert_int_equal(fake_entries.n_entered, 1);
        assert_int_equal(fake_entries.flags, GUARD_PRIVATE_ALLOWED | GUARD_ALL_ALLOWED);

        /* A policy that denies something. */
        policy_free(policy);
        assert_int_equal(policy_new(2, &policy), 0);
        context.policy = policy;
        session_table_renew(table);
        assert_int_equal(fake_entries.n_entered, 2);
        assert_int_equal(fake_entries.flags, 0);
        assert_false(has_record(UNGUARDED));

        fake_entries.result = -E2BIG;
        session_table_renew(table);
        session_table_renew(table);
        assert_int_equal(count_records(UNGUARDED "Argument list too long"), 1);
        fake_entries.result = 0;
        session_table_renew(table);
        fake_entries.result = -E2BIG;
        session_table_renew(table);
        assert_int_equal(count_records(UNGUARDED), 2);

        assert_int_equal(fake_entries.n_removed, 0);
        stored.calls_fd = fd_close(stored.calls_fd); /* the last target is gone */
        while (session_table_size(table) > 0)
                run_once();
        assert_int_equal(fake_entries.n_removed, 1);
        stored_done(&stored);
        guard_free(guard);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_restore, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_idle, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stall, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_successor, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_deaths, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_begin_and_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_lost_guard, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_guard, set_up, tear_down),
        };

        (void)unsetenv("NOTIFY_SOCKET");
        harness_init();
        fake_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
