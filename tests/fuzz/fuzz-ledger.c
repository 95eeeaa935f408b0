/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the daemon a ledger that a compromised worker has changed: a valid one, with any bytes in any
 * places. The daemon accepts it or refuses it; the record of its session's end is one line; and whatever it
 * says about its workers, the daemon sends no signal and finds no process that cannot be one of them. */

#include "fuzz.h"

#include <errno.h>

#include "common/ledger.h"
#include "common/ownership.h"
#include "fake-journal.h"
#include "session/backlog.h"
#include "session/session-records.h"
#include "session/worker-pool.h"

#define PATCHES_MAX 32U

static FakeJournal *journal;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void)argc;
        (void)argv;
        journal = fake_journal_new();
        return 0;
}

static int new_ledger(void) {
        const NotifyRequest knock = {.notif = {.id = 1, .pid = 1}};
        int fd;

        HOLDS(ledger_new(1, &knock, 1, &fd) == 0);
        return fd;
}

/* Where something is that the daemon reads, by what, which one and which byte. */
static off_t place_of(uint8_t what, uint8_t which, uint8_t byte) {
        off_t slot = (1 + 2 * (off_t)(which % LEDGER_SLOTS)) * (off_t)LEDGER_UNIT;

        switch (what % 4) {
        case 0:
                return (off_t)(which % 2) * 256 + byte; /* the header */
        case 1:
                return (off_t)offsetof(LedgerHeader, holders) + (off_t)(which % LEDGER_SLOTS) * 4 + byte % 4;
        case 2:
                return slot + byte % 32;
        default:
                return slot + (off_t)offsetof(Slot, received_usec) + byte % 16;
        }
}

static void patch(int ledger_fd, Input *input) {
        for (unsigned i = 0; i < PATCHES_MAX && input->left > 0; i++) {
                uint8_t what = input_byte(input), which = input_byte(input), byte = input_byte(input),
                        bytes[256];
                size_t n = input_take(input, bytes, input_byte(input));

                HOLDS(pwrite(ledger_fd, bytes, n, place_of(what, which, byte)) == (ssize_t)n);
        }
}

static void check_header(int ledger_fd) {
        static const SessionIdentity identity = {.session_id = 1, .profile = "default", .label = "label"};
        LedgerTotals totals;
        int r = ledger_check(ledger_fd);

        HOLDS(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT);
        HOLDS(r == ledger_read_totals(ledger_fd, &totals));
        session_records_end(fake_journal_report(journal), &identity, ledger_fd);
        HOLDS(fake_journal_take(journal));
        fake_journal_check_message(journal);
}

static bool may_have_free(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_REJECTING; i++) /* which serves only where others hang */
                if (pool_unfinished(pool, i) == POOL_FINISHED)
                        return true;
        return false;
}

/* The pool has no workers, and forks none. */
int worker_run(const WorkerArguments *arguments) {
        (void)arguments;
        HOLDS(false);
        return 0;
}

static void on_died(pid_t pid, const siginfo_t *info, void *userdata) {
        (void)pid;
        (void)info;
        (void)userdata;
        HOLDS(false);
}

static void on_hangs(pid_t pid, uint32_t n_hanging, void *userdata) {
        (void)pid;
        (void)n_hanging;
        (void)userdata;
        HOLDS(false);
}

static void on_unanswered(uint32_t index, void *userdata) {
        (void)index;
        (void)userdata;
        HOLDS(false);
}

static void on_worker_gone(void *userdata) {
        (void)userdata;
        HOLDS(false);
}

/* Whatever the ledger says, a pool without workers has no process to end and nothing to wait for. */
static void check_pool(int ledger_fd, uint8_t byte) {
        static const WorkerPoolOwner owner = {on_died, on_hangs, on_unanswered, on_worker_gone};
        WorkerPool *pool;
        uint32_t number;

        HOLDS(pool_new(NULL, &owner, NULL, ledger_fd, &pool) == 0);
        HOLDS(pool_is_empty(pool) && !pool_has_receiver(pool));
        HOLDS(pool_stall_usec(pool) == 0);
        number = pool_find_free(pool);
        HOLDS((number < LEDGER_WORKERS) == may_have_free(pool));
        HOLDS(number < LEDGER_WORKERS || number == LEDGER_NO_RECEIVER);
        (void)pool_is_quiet(pool);
        pool_retire_all(pool);
        pool_enforce(pool, byte, byte % 2);
        HOLDS(pool_next_deadline(pool, byte) == UINT64_MAX);
        HOLDS(!pool_free(pool));
}

static void check_backlog(int ledger_fd, uint8_t byte) {
        Ledger *ledger;

        HOLDS(ledger_map(ledger_fd, &ledger) == 0);
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                HOLDS(backlog_worker(ledger, i) <= LEDGER_WORKERS);
                HOLDS(!backlog_is_free(ledger, i) || backlog_worker(ledger, i) == LEDGER_WORKERS);
                HOLDS(backlog_deadline(ledger, i, byte) >= byte);
        }
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                HOLDS(backlog_stall_usec(ledger, i, byte) <= byte);
        (void)backlog_has_knock(ledger);
        HOLDS(!ledger_unmap(ledger));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_close_ int ledger_fd = new_ledger();
        Input input = {bytes, size};
        uint8_t byte = input_byte(&input);

        patch(ledger_fd, &input);
        check_header(ledger_fd);
        check_pool(ledger_fd, byte);
        check_backlog(ledger_fd, byte);
        return 0;
}
