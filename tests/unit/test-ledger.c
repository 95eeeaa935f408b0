/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests daemon/common/ledger.c: what is written is read back, what is no valid ledger is refused, and the
 * phases of a slot are those that recovery relies on. */

#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ledger.h"
#include "common/ownership.h"

DEFINE_CLEANUP(Ledger, ledger_unmap)

#define SESSION_ID UINT64_C(0x0123456789abcdef)

/* No page is smaller. */
#define PAGE 4096U

static int new_ledger(void) {
        const NotifyRequest knock = {.notif = {.id = 99, .pid = 4321, .data.nr = 258}};
        int fd = -EBADF;

        assert_int_equal(ledger_new(SESSION_ID, &knock, 77, &fd), 0);
        assert_true(fd >= 0);
        return fd;
}

static Ledger *map(int fd) {
        Ledger *ledger = NULL;

        assert_int_equal(ledger_map(fd, &ledger), 0);
        assert_non_null(ledger);
        return ledger;
}

static void test_new(void **state) {
        _cleanup_close_ int fd = new_ledger();
        char path[64], name[64] = "";
        LedgerTotals totals;
        struct stat st;

        (void)state;
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, LEDGER_SIZE);
        /* Shrinking it would kill the processes that have it mapped. */
        assert_int_equal(ftruncate(fd, LEDGER_UNIT), -1);
        assert_int_equal(ftruncate(fd, 2 * LEDGER_SIZE), -1);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);

        assert_int_equal(ledger_check(fd), 0);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        assert_true(readlink(path, name, sizeof(name) - 1) > 0);
        assert_string_equal(name, "/memfd:snotify-ledger-0123456789abcdef (deleted)");
        assert_int_equal(ledger_read_totals(fd, &totals), 0);
        assert_memory_equal(&totals, (&(const LedgerTotals){}), sizeof(totals));
}

static void test_knock_is_done(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);
        const Slot *slot = ledger_slot(ledger, 0);

        (void)state;
        assert_int_equal(ledger_header(ledger)->receiver, LEDGER_NO_RECEIVER);
        assert_int_equal(slot_phase(slot), SLOT_DONE);
        assert_int_equal(slot->verdict, SLOT_UNDECIDED);
        assert_int_equal(slot->request.notif.id, 99);
        assert_int_equal(slot->request.notif.data.nr, 258);
        assert_int_equal(slot->reply.response.id, 99);
        assert_int_equal(slot->reply.response.val, 77);
        assert_int_equal(slot->reply.response.error, 0);
        assert_int_equal(slot->reply.response.flags, 0);
        assert_int_equal(slot->attempts, 0);
        for (uint32_t i = 1; i < LEDGER_SLOTS; i++) {
                assert_int_equal(slot_phase(ledger_slot(ledger, i)), SLOT_EMPTY);
                assert_int_equal(ledger_slot(ledger, i)->request.notif.id, 0);
        }
}

/* SECCOMP_IOCTL_NOTIF_RECV writes a notification atomically only if it is on one page. */
static void test_slots_lie_apart(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);

        (void)state;
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uintptr_t at = (uintptr_t)ledger_slot(ledger, i),
                          request = (uintptr_t)&ledger_slot(ledger, i)->request;

                assert_int_equal(at - (uintptr_t)ledger_header(ledger), (1 + 2 * i) * LEDGER_UNIT);
                assert_int_equal(request / PAGE, (request + NOTIFY_REQUEST_SIZE - 1) / PAGE);
        }
}

static void test_mapping_is_shared(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *one = map(fd), *other = map(fd);
        LedgerTotals totals;

        (void)state;
        assert_ptr_not_equal(one, other);
        atomic_fetch_add(&ledger_header(one)->lost, 5);
        ledger_header(one)->totals[0] = (LedgerTotals){100, 200, 300, 400, 500};
        ledger_header(one)->totals[LEDGER_SLOTS - 1] = (LedgerTotals){1000, 2000, 3000, 4000, 5000};
        assert_int_equal(ledger_header(other)->lost, 5);
        assert_int_equal(ledger_read_totals(fd, &totals), 0);
        assert_int_equal(totals.allowed, 1100);
        assert_int_equal(totals.denied, 2200);
        assert_int_equal(totals.failed, 3300);
        assert_int_equal(totals.suppressed, 4400);
        assert_int_equal(totals.lost, 5505);

        slot_set_phase(ledger_slot(one, LEDGER_SLOTS - 1), SLOT_ACTING);
        assert_int_equal(slot_phase(ledger_slot(other, LEDGER_SLOTS - 1)), SLOT_ACTING);
}

/* Whatever the store holds, only what we wrote is believed. */
typedef struct Corruption {
        const char *name;
        off_t at;
        const char *bytes;
        size_t n_bytes;
        int expected;
} Corruption;

#define HEADER(field) offsetof(LedgerHeader, field)
#define BYTES(text) text, sizeof(text) - 1

static const Corruption corruptions[] = {
        {"nothing", 0, BYTES(""), 0},
        {"magic's first byte", HEADER(magic), BYTES("\x01"), -EBADMSG},
        {"magic's last byte", HEADER(magic) + 7, BYTES("\x01"), -EBADMSG},
        {"version 0", HEADER(version), BYTES("\0"), -EPROTONOSUPPORT},
        {"the version before", HEADER(version), BYTES("\x01"), -EPROTONOSUPPORT},
        {"the next version", HEADER(version), BYTES("\x04"), -EPROTONOSUPPORT},
        {"our version + 2^24", HEADER(version) + 3, BYTES("\x01"), -EPROTONOSUPPORT},
        {"another version's size", HEADER(version), BYTES("\x04\0\0\0\xff\xff\xff\xff"), -EPROTONOSUPPORT},
        {"size + 1", HEADER(size), BYTES("\x01"), -EBADMSG},
        {"size of 4 GiB", HEADER(size), BYTES("\xff\xff\xff\xff"), -EBADMSG},
        {"size 0", HEADER(size), BYTES("\0\0\0\0"), -EBADMSG},
        {"a receiver that is none", HEADER(receiver), BYTES("\x99\x99\x99\x99"), 0},
};

static void test_corrupt(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(corruptions); i++) {
                const Corruption *corruption = &corruptions[i];
                _cleanup_close_ int fd = new_ledger();
                LedgerTotals totals;

                assert_int_equal(pwrite(fd, corruption->bytes, corruption->n_bytes, corruption->at),
                        corruption->n_bytes);
                if (ledger_check(fd) != corruption->expected ||
                        ledger_read_totals(fd, &totals) != corruption->expected)
                        fail_msg("%s: %d, %d", corruption->name, ledger_check(fd),
                                ledger_read_totals(fd, &totals));
        }
}

/* A copy of a good ledger in a memfd of size bytes with seals.  A negative seals is a file that can't have
 * any. */
static int copy_ledger(size_t size, int seals) {
        _cleanup_close_ int from = new_ledger();
        static char bytes[LEDGER_SIZE];
        int fd;

        fd = memfd_create("copy", MFD_CLOEXEC | (seals >= 0 ? MFD_ALLOW_SEALING : 0));
        assert_true(fd >= 0);
        assert_int_equal(pread(from, bytes, sizeof(bytes), 0), sizeof(bytes));
        assert_int_equal(pwrite(fd, bytes, size < sizeof(bytes) ? size : sizeof(bytes), 0),
                size < sizeof(bytes) ? size : sizeof(bytes));
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        if (seals > 0)
                assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}

static const struct {
        const char *name;
        size_t size;
        int seals;
        int expected;
} copies[] = {
        {"a true copy", LEDGER_SIZE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 0},
        {"no seals", LEDGER_SIZE, 0, -EBADMSG},
        {"no seals possible", LEDGER_SIZE, -1, -EBADMSG},
        {"may shrink", LEDGER_SIZE, F_SEAL_GROW, -EBADMSG},
        {"empty", 0, F_SEAL_SHRINK, -EBADMSG},
        {"half a header", sizeof(LedgerHeader) / 2, F_SEAL_SHRINK, -EBADMSG},
        {"all but a byte of the header", sizeof(LedgerHeader) - 1, F_SEAL_SHRINK, -EBADMSG},
        {"a header alone", sizeof(LedgerHeader), F_SEAL_SHRINK, -EBADMSG},
        {"a page short", LEDGER_SIZE - LEDGER_UNIT, F_SEAL_SHRINK, -EBADMSG},
        {"a byte short", LEDGER_SIZE - 1, F_SEAL_SHRINK, -EBADMSG},
        {"a byte long", LEDGER_SIZE + 1, F_SEAL_SHRINK, -EBADMSG},
};

static void test_copies(void **state) {
        LedgerTotals totals;

        (void)state;
        for (size_t i = 0; i < COUNT(copies); i++) {
                _cleanup_close_ int fd = copy_ledger(copies[i].size, copies[i].seals);

                if (ledger_check(fd) != copies[i].expected ||
                        ledger_read_totals(fd, &totals) != copies[i].expected)
                        fail_msg("%s: %d, %d", copies[i].name, ledger_check(fd),
                                ledger_read_totals(fd, &totals));
        }
}

static void test_no_memfd(void **state) {
        _cleanup_close_ int pipe_end = -EBADF, other_end = -EBADF, dir = -EBADF, null = -EBADF;
        LedgerTotals totals;
        int fds[2];

        (void)state;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pipe_end = fds[0];
        other_end = fds[1];
        dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_int_equal(ledger_check(pipe_end), -EBADMSG);
        assert_int_equal(ledger_read_totals(pipe_end, &totals), -EBADMSG);
        assert_int_equal(ledger_check(dir), -EBADMSG);
        assert_int_equal(ledger_check(null), -EBADMSG);
        assert_true(ledger_check(-EBADF) < 0);
}

static const struct {
        uint32_t phase;
        uint64_t id;
        uint32_t pid;
        SlotPhase expected;
} phases[] = {
        {SLOT_EMPTY, 0, 0, SLOT_EMPTY},
        /* RECV has written it, and then the worker died. */
        {SLOT_EMPTY, 5, 7, SLOT_RECEIVED},
        {SLOT_EMPTY, UINT64_MAX, 0, SLOT_RECEIVED},
        {SLOT_EMPTY, 0, 7, SLOT_RECEIVED},
        {SLOT_RECEIVED, 5, 7, SLOT_RECEIVED},
        {SLOT_ACTING, 5, 7, SLOT_ACTING},
        {SLOT_DONE, 5, 7, SLOT_DONE},
        /* slot_clear() was interrupted. */
        {SLOT_RECEIVED, 0, 0, SLOT_RECEIVED},
        {SLOT_ACTING, 0, 0, SLOT_ACTING},
        {SLOT_DONE, 0, 0, SLOT_DONE},
        /* Written by a compromised worker. */
        {SLOT_SENT, 5, 7, SLOT_SENT},
        {SLOT_SENT + 1, 5, 7, SLOT_RECEIVED},
        {SLOT_SENT + 1, 0, 0, SLOT_RECEIVED},
        {UINT32_MAX, 5, 7, SLOT_RECEIVED},
};

static void test_phase(void **state) {
        (void)state;
        for (size_t i = 0; i < COUNT(phases); i++) {
                Slot *slot = calloc(1, sizeof(*slot));

                assert_non_null(slot);
                slot->phase = phases[i].phase;
                slot->request.notif.id = phases[i].id;
                slot->request.notif.pid = phases[i].pid;
                if (slot_phase(slot) != phases[i].expected)
                        fail_msg("row %zu: %d", i, slot_phase(slot));
                free(slot);
        }
}

/* Afterwards the kernel takes the buffer for RECV, which must be all zero, and the next request starts with
 * a clean count. */
static void test_clear(void **state) {
        static const SlotPhase from[] = {SLOT_EMPTY, SLOT_RECEIVED, SLOT_ACTING, SLOT_DONE, SLOT_SENT};
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);
        const struct seccomp_notif zero = {};
        Slot *slot = ledger_slot(ledger, 3);

        (void)state;
        for (size_t i = 0; i < COUNT(from); i++) {
                memset(&slot->request.notif, 0xff, sizeof(slot->request.notif));
                slot->received_usec = 17;
                slot->attempts = 3;
                slot_set_phase(slot, from[i]);
                slot_clear(slot);
                assert_int_equal(slot->phase, SLOT_EMPTY);
                assert_int_equal(slot_phase(slot), SLOT_EMPTY);
                assert_memory_equal(&slot->request.notif, &zero, sizeof(zero));
                assert_int_equal(slot->received_usec, 0);
                assert_int_equal(slot->attempts, 0);
        }
}

/* What came of a call is told by its id, to the slot that waits for it and to no other. */
static void test_fates(void **state) {
        static const uint64_t ids[] = {1, 2, 0x7b846b05df102b1d, UINT64_MAX / 2};
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);
        uint32_t fate = 0;
        int32_t result = 0;

        (void)state;
        for (uint32_t i = 0; i < COUNT(ids); i++)
                ledger_await_fate(ledger, i, ids[i]);
        ledger_tell_fate(ledger_header(ledger), 4711, 0xf, 0);
        for (uint32_t i = 0; i < COUNT(ids); i++) {
                assert_false(ledger_read_fate(ledger, i, &fate, &result));
                ledger_tell_fate(ledger_header(ledger), ids[i], 0xa, -(int32_t)i - 1);
                assert_true(ledger_read_fate(ledger, i, &fate, &result));
                assert_int_equal(fate, 0xa);
                assert_int_equal(result, -(int32_t)i - 1);
        }
        ledger_tell_fate(ledger_header(ledger), ids[0], 0, 0); /* too late: it is told */
        assert_true(ledger_read_fate(ledger, 0, &fate, &result));
        assert_int_equal(fate, 0xa);
}

/* A slot has one holder at a time. */
static void test_pass(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);
        const LedgerHeader *header = ledger_header(ledger);

        (void)state;
        assert_int_equal(header->holders[0], SLOT_WAITING); /* the knock */
        assert_int_equal(header->holders[1], SLOT_FREE);
        assert_false(ledger_pass(ledger, 0, SLOT_FREE, 1));
        assert_true(ledger_pass(ledger, 0, SLOT_WAITING, 1));
        assert_false(ledger_pass(ledger, 0, SLOT_WAITING, 2));
        assert_int_equal(header->holders[0], 1);
        assert_true(ledger_pass(ledger, 0, 1, SLOT_FREE));
        assert_int_equal(header->holders[0], SLOT_FREE);
        assert_int_equal(header->holders[1], SLOT_FREE);
}

static void test_busy(void **state) {
        static const struct {
                uint64_t received, now, expected;
        } rows[] = {
                {0, 0, 0},
                {0, 1000, 0},
                {1000, 1000, 0},
                {1000, 1001, 1},
                {1000, 5000, 4000},
                /* a time that a compromised worker has written */
                {1001, 1000, 0},
                {UINT64_MAX, 1000, 0},
        };
        Slot *slot = calloc(1, sizeof(*slot));

        (void)state;
        assert_non_null(slot);
        for (size_t i = 0; i < COUNT(rows); i++) {
                slot->received_usec = rows[i].received;
                assert_int_equal(slot_busy_usec(slot, rows[i].now), rows[i].expected);
        }
        free(slot);
}

static blkcnt_t blocks(int fd) {
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_blocks;
}

static void test_trim(void **state) {
        static uint8_t read[LEDGER_UNIT], zeros[LEDGER_UNIT];
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);
        Slot *slot = ledger_slot(ledger, 2), *next = ledger_slot(ledger, 3),
             *before = ledger_slot(ledger, 1);
        blkcnt_t at_first;

        (void)state;
        next->attempts = 5;
        before->locations[1].path[LEDGER_PATH_SIZE - 1] = 'x';
        at_first = blocks(fd);
        memset(slot, 0xff, LEDGER_UNIT);
        assert_true(blocks(fd) > at_first);
        slot_trim(slot);
        assert_int_equal(blocks(fd), at_first);
        /* Not through the mapping, which would allocate pages. */
        assert_int_equal(pread(fd, read, sizeof(read), 5 * LEDGER_UNIT), sizeof(read));
        assert_memory_equal(read, zeros, sizeof(read));
        assert_int_equal(slot_phase(slot), SLOT_EMPTY);

        /* the neighbours' pages are still theirs */
        assert_int_equal(next->attempts, 5);
        assert_int_equal(before->locations[1].path[LEDGER_PATH_SIZE - 1], 'x');
        assert_int_equal(slot_phase(ledger_slot(ledger, 0)), SLOT_DONE);

        /* and it can be used again */
        slot->request.notif.id = 1;
        assert_int_equal(slot_phase(slot), SLOT_RECEIVED);
}

/* Runs in a child: takes the worker's lock, reports that, and stays until it is killed. */
static int sign_on_and_stay(int fd, uint32_t number, int ready_fd) {
        if (ledger_lock_worker(fd, number) < 0 || write(ready_fd, "", 1) != 1)
                return 1;
        (void)pause();
        return 1;
}

static pid_t fork_signed_on(int fd, uint32_t number) {
        int pipe_fds[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(sign_on_and_stay(fd, number, pipe_fds[1]));
        (void)close(pipe_fds[1]);
        assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        (void)close(pipe_fds[0]);
        return pid;
}

static void end(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_signed_on(void **state) {
        _cleanup_close_ int fd = new_ledger(), lock_fd = ledger_open_lock(fd);
        pid_t first, second, found;

        (void)state;
        assert_true(lock_fd >= 0);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                assert_int_equal(ledger_lock_holder(fd, i), 0);

        /* A helper has the same number as its worker, and may outlive it. */
        first = fork_signed_on(fd, 3);
        assert_int_equal(ledger_lock_holder(fd, 3), first);
        second = fork_signed_on(lock_fd, 3);
        found = ledger_lock_holder(fd, 3);
        assert_true(found == first || found == second);
        end(first);
        assert_int_equal(ledger_lock_holder(fd, 3), second);
        assert_int_equal(ledger_lock_holder(fd, 2), 0);
        assert_int_equal(ledger_lock_holder(fd, 4), 0);
        end(second);
        assert_int_equal(ledger_lock_holder(fd, 3), 0);
}

static void test_lock_is_read_only(void **state) {
        _cleanup_close_ int fd = new_ledger(), lock_fd = ledger_open_lock(fd);

        (void)state;
        assert_int_equal(write(lock_fd, "x", 1), -1);
        assert_ptr_equal(
                mmap(NULL, LEDGER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, lock_fd, 0), MAP_FAILED);
        assert_int_equal(ledger_open_lock(-1), -ENOENT);
}

/* Does a child die of writing there? */
static bool is_out_of_reach(void *address) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                (void)signal(SIGSEGV, SIG_DFL); /* cmocka has a handler */
                *(volatile uint8_t *)address = 1;
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void test_lend_intent(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);

        (void)state;
        assert_true(is_out_of_reach(ledger_intent(ledger, 3)));
        assert_int_equal(intent_lend(ledger_intent(ledger, 3), true), 0);
        assert_int_equal(intent_state(ledger_intent(ledger, 3)), INTENT_NOT_BEGUN);
        assert_false(is_out_of_reach(ledger_intent(ledger, 3)));
        assert_int_equal(intent_state(ledger_intent(ledger, 3)), INTENT_BEGUN);
        assert_true(is_out_of_reach(ledger_intent(ledger, 2)));
        assert_true(is_out_of_reach(ledger_intent(ledger, 4)));
        assert_true(is_out_of_reach(ledger_header(ledger)));
        assert_true(is_out_of_reach(ledger_slot(ledger, 0)));
        assert_true(is_out_of_reach(ledger_outbox(ledger, 3).bytes));
        assert_true(is_out_of_reach(ledger_slot(ledger, 3)));
        assert_true(is_out_of_reach(&ledger_slot(ledger, 3)->locations[0].path));
        assert_int_equal(intent_lend(ledger_intent(ledger, 3), false), 0);
        assert_true(is_out_of_reach(ledger_intent(ledger, 3)));
        slot_trim(ledger_slot(ledger, 3));
        assert_int_equal(intent_state(ledger_intent(ledger, 3)), INTENT_NOT_BEGUN);
}

static void test_intent_state(void **state) {
        Intent intent = {};

        (void)state;
        assert_int_equal(intent_state(&intent), INTENT_NOT_BEGUN);
        intent_set_state(&intent, INTENT_DONE);
        assert_int_equal(intent_state(&intent), INTENT_DONE);
        intent_set_state(&intent, INTENT_DONE + 1); /* by a compromised worker */
        assert_int_equal(intent_state(&intent), INTENT_BEGUN);
}

static void test_overdue(void **state) {
        _cleanup_close_ int fd = new_ledger();
        _cleanup_(ledger_unmap_p) Ledger *ledger = map(fd);

        (void)state;
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                assert_false(ledger_is_overdue(ledger, i));
        ledger_set_overdue(ledger, 5, true);
        ledger_set_overdue(ledger, 6, true);
        ledger_set_overdue(ledger, 6, false);
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                assert_int_equal(ledger_is_overdue(ledger, i), i == 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new),
                cmocka_unit_test(test_knock_is_done),
                cmocka_unit_test(test_slots_lie_apart),
                cmocka_unit_test(test_mapping_is_shared),
                cmocka_unit_test(test_corrupt),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_no_memfd),
                cmocka_unit_test(test_phase),
                cmocka_unit_test(test_clear),
                cmocka_unit_test(test_pass),
                cmocka_unit_test(test_busy),
                cmocka_unit_test(test_trim),
                cmocka_unit_test(test_signed_on),
                cmocka_unit_test(test_lock_is_read_only),
                cmocka_unit_test(test_lend_intent),
                cmocka_unit_test(test_intent_state),
                cmocka_unit_test(test_overdue),
                cmocka_unit_test(test_fates),
        };

        harness_init();
        return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
