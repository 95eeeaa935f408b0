/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session's memory of its requests in flight.  A Ledger is a mapping of the memfd, owned by the process
 * that called ledger_map(): the session's workers, and the daemon while the session has any.  Must never
 * assume that the bytes are sane: a worker that was taken over can write anything at any time. */

#include "common/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"

struct Ledger {
        union {
                LedgerHeader header;
                uint8_t header_unit[LEDGER_UNIT];
        };
        struct {
                union {
                        Slot slot;
                        uint8_t slot_unit[LEDGER_UNIT];
                };
                union {
                        Intent intent;
                        uint8_t intent_unit[LEDGER_UNIT];
                };
        } slots[LEDGER_SLOTS];
        uint8_t outboxes[LEDGER_WORKERS][LEDGER_OUTBOX_SIZE];
};
static_assert(sizeof(Ledger) == LEDGER_SIZE, "the mapping is the memfd");
static_assert(offsetof(Ledger, slots) == LEDGER_UNIT, "slots are page-aligned");
static_assert(offsetof(Ledger, outboxes) % LEDGER_UNIT == 0, "outboxes are page-aligned");

static int write_all(int fd, const void *data, size_t size, off_t offset) {
        ssize_t written = pwrite(fd, data, size, offset);

        if (written < 0)
                return -errno;
        return (size_t)written == size ? 0 : -ENOSPC;
}

static int write_knock(int fd, const NotifyRequest *knock, int64_t answer) {
        _cleanup_free_ Slot *slot = calloc(1, sizeof(*slot));

        if (!slot)
                return -ENOMEM;
        slot->request = *knock;
        slot->verdict = SLOT_UNDECIDED;
        notify_reply(&slot->reply, knock->notif.id, answer, 0);
        atomic_store(&slot->phase, SLOT_DONE);
        return write_all(fd, slot, offsetof(Slot, locations), LEDGER_UNIT);
}

int ledger_new(uint64_t session_id, const NotifyRequest *knock, int64_t knock_answer, int *ret_fd) {
        LedgerHeader header = {
                .magic = LEDGER_MAGIC,
                .version = LEDGER_VERSION,
                .size = LEDGER_SIZE,
                .receiver = LEDGER_NO_RECEIVER,
                .holders = {SLOT_WAITING},
        };
        _cleanup_close_ int fd = -EBADF;
        char name[64];
        int r;

        (void)snprintf(name, sizeof(name), "snotify-ledger-%016" PRIx64, session_id);
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        if (ftruncate(fd, LEDGER_SIZE) < 0)
                return -errno;
        /* No process may shrink it: that would kill the processes that have it mapped. */
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;
        r = write_all(fd, &header, sizeof(header), 0);
        if (r < 0)
                return r;
        r = write_knock(fd, knock, knock_answer);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int read_header(int fd, LedgerHeader *ret) {
        int seals = fcntl(fd, F_GET_SEALS);
        struct stat st;
        ssize_t n;

        if (seals < 0 || !(seals & F_SEAL_SHRINK))
                return -EBADMSG;
        if (fstat(fd, &st) < 0)
                return -errno;
        n = pread(fd, ret, sizeof(*ret), 0);
        if (n < 0)
                return -errno;
        if (n != sizeof(*ret) || ret->magic != LEDGER_MAGIC)
                return -EBADMSG;
        if (ret->version != LEDGER_VERSION)
                return -EPROTONOSUPPORT;
        if (ret->size != LEDGER_SIZE || st.st_size != LEDGER_SIZE)
                return -EBADMSG;
        return 0;
}

int ledger_check(int ledger_fd) {
        LedgerHeader header;

        return read_header(ledger_fd, &header);
}

int ledger_read_totals(int ledger_fd, LedgerTotals *ret) {
        LedgerHeader header;
        int r;

        r = read_header(ledger_fd, &header);
        if (r < 0)
                return r;
        ledger_sum_totals(&header, ret);
        return 0;
}

void ledger_sum_totals(const LedgerHeader *header, LedgerTotals *ret) {
        *ret = (LedgerTotals){
                .lost = header->lost,
        };
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                ret->allowed += header->totals[i].allowed;
                ret->denied += header->totals[i].denied;
                ret->failed += header->totals[i].failed;
                ret->suppressed += header->totals[i].suppressed;
                ret->lost += header->totals[i].lost;
                ret->audited += header->totals[i].audited;
        }
}

int ledger_map(int ledger_fd, Ledger **ret) {
        void *address = mmap(NULL, LEDGER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ledger_fd, 0);

        if (address == MAP_FAILED)
                return -errno;
        /* What forks has more ledgers mapped than its child may see. */
        if (madvise(address, LEDGER_SIZE, MADV_DONTFORK) < 0) {
                int r = -errno;

                (void)munmap(address, LEDGER_SIZE);
                return r;
        }
        *ret = address;
        return 0;
}

Ledger *ledger_unmap(Ledger *ledger) {
        if (ledger)
                (void)munmap(ledger, LEDGER_SIZE);
        return NULL;
}

LedgerHeader *ledger_header(Ledger *ledger) {
        return &ledger->header;
}

Slot *ledger_slot(Ledger *ledger, uint32_t index) {
        assert(index < LEDGER_SLOTS);
        return &ledger->slots[index].slot;
}

static struct flock lock_of(uint32_t number, short type) {
        assert(number < LEDGER_WORKERS);
        return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
}

int ledger_lock_worker(int ledger_fd, uint32_t number) {
        struct flock lock = lock_of(number, F_RDLCK);

        return fcntl(ledger_fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

pid_t ledger_lock_holder(int ledger_fd, uint32_t number) {
        struct flock lock = lock_of(number, F_WRLCK);

        if (fcntl(ledger_fd, F_GETLK, &lock) < 0)
                return -errno;
        if (lock.l_type == F_UNLCK)
                return 0;
        return lock.l_pid > 0 ? lock.l_pid : -ESRCH; /* not one of our PID namespace */
}

int ledger_open_lock(int ledger_fd) {
        char path[sizeof("/proc/self/fd/") + 10];
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ledger_fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool ledger_pass(Ledger *ledger, uint32_t index, uint32_t from, uint32_t to) {
        /* Looking costs less than trying, and few slots have the holder that is looked for. */
        if (atomic_load_explicit(&ledger->header.holders[index], memory_order_relaxed) != from)
                return false;
        return atomic_compare_exchange_strong(&ledger->header.holders[index], &from, to);
}

void ledger_release(Ledger *ledger, uint32_t index, uint32_t holder) {
        slot_clear(ledger_slot(ledger, index));
        atomic_store_explicit(&ledger->header.delayed_until_usec[index], 0, memory_order_relaxed);
        if (ledger_is_overdue(ledger, index))
                ledger_set_overdue(ledger, index, false);
        (void)ledger_pass(ledger, index, holder, SLOT_FREE);
}

Outbox ledger_outbox(Ledger *ledger, uint32_t number) {
        LedgerHeader *header = &ledger->header;

        assert(number < LEDGER_WORKERS);
        return (Outbox){
                .start = &header->outboxes[number].start,
                .used = &header->outboxes[number].used,
                .bytes = ledger->outboxes[number],
                .size = LEDGER_OUTBOX_SIZE,
        };
}

Intent *ledger_intent(Ledger *ledger, uint32_t index) {
        assert(index < LEDGER_SLOTS);
        return &ledger->slots[index].intent;
}

int intent_lend(Intent *intent, bool lend) {
        return madvise(intent, LEDGER_UNIT, lend ? MADV_DOFORK : MADV_DONTFORK) < 0 ? -errno : 0;
}

IntentState intent_state(const Intent *intent) {
        switch (atomic_load_explicit(&intent->state, memory_order_acquire)) {
        case INTENT_NOT_BEGUN:
                return INTENT_NOT_BEGUN;
        case INTENT_DONE:
                return INTENT_DONE;
        default:
                return INTENT_BEGUN;
        }
}

void intent_set_state(Intent *intent, IntentState state) {
        atomic_store_explicit(&intent->state, state, memory_order_release);
}

SlotPhase slot_phase(const Slot *slot) {
        switch (atomic_load_explicit(&slot->phase, memory_order_acquire)) {
        case SLOT_EMPTY:
                /* Zero means "none" for both: a task's number is never 0 where we can act for it, and
                 * should it be, the id is as good as certainly not. */
                return slot->request.notif.id == 0 && slot->request.notif.pid == 0 ? SLOT_EMPTY
                                                                                   : SLOT_RECEIVED;
        case SLOT_ACTING:
                return SLOT_ACTING;
        case SLOT_DONE:
                return SLOT_DONE;
        case SLOT_SENT:
                return SLOT_SENT;
        default:
                return SLOT_RECEIVED;
        }
}

void slot_set_phase(Slot *slot, SlotPhase phase) {
        atomic_store_explicit(&slot->phase, phase, memory_order_release);
}

void slot_clear(Slot *slot) {
        __atomic_store_n(&slot->received_usec, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->taken_usec, 0, __ATOMIC_RELAXED);
        slot->sent_usec = 0;
        slot->attempts = 0;
        /* The request goes first: while the phase says DONE, the kernel's answer to a second SEND is GONE.
         */
        slot->request.notif.id = 0;
        slot->request.notif.pid = 0;
        /* And these two before the rest: by them a successor sees that it is to be cleared. */
        atomic_signal_fence(memory_order_seq_cst);
        memset(&slot->request.notif, 0, sizeof(slot->request.notif));
        slot_set_phase(slot, SLOT_EMPTY);
}

/* An odd number waits for the fate of the call with the id that it has but for one bit; an even one is the
 * fate. */
static uint64_t awaited(uint64_t id) {
        return id << 1 | 1;
}

void ledger_await_fate(Ledger *ledger, uint32_t index, uint64_t id) {
        atomic_store(&ledger->header.fates[index], awaited(id));
}

void ledger_tell_fate(LedgerHeader *header, uint64_t id, uint32_t fate, int32_t result) {
        uint64_t told = (uint64_t)(uint32_t)result << 32 | (fate & 0xffff) << 1;

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint64_t expected = awaited(id);

                if (atomic_compare_exchange_strong(&header->fates[i], &expected, told))
                        return;
        }
}

bool ledger_read_fate(Ledger *ledger, uint32_t index, uint32_t *ret_fate, int32_t *ret_result) {
        uint64_t told = atomic_load(&ledger->header.fates[index]);

        if (told & 1)
                return false;
        *ret_fate = (uint32_t)told >> 1;
        *ret_result = (int32_t)(uint32_t)(told >> 32);
        return true;
}

uint64_t slot_busy_usec(const Slot *slot, uint64_t now_usec) {
        uint64_t taken = __atomic_load_n(&slot->taken_usec, __ATOMIC_RELAXED);
        uint64_t since = slot_phase(slot) == SLOT_SENT ? 0
                         : taken != 0                  ? taken
                                      : __atomic_load_n(&slot->received_usec, __ATOMIC_RELAXED);

        return since == 0 || since > now_usec ? 0 : now_usec - since;
}

bool ledger_is_overdue(Ledger *ledger, uint32_t index) {
        return atomic_load(&ledger->header.overdue) >> index & 1;
}

void ledger_set_overdue(Ledger *ledger, uint32_t index, bool overdue) {
        if (overdue)
                (void)atomic_fetch_or(&ledger->header.overdue, 1U << index);
        else
                (void)atomic_fetch_and(&ledger->header.overdue, ~(1U << index));
}

void slot_trim(Slot *slot) {
        (void)madvise(slot, 2 * (size_t)LEDGER_UNIT, MADV_REMOVE); /* its intent, too */
}

void ledger_trim_outbox(Ledger *ledger, uint32_t number) {
        assert(number < LEDGER_WORKERS);
        (void)madvise(ledger->outboxes[number], LEDGER_OUTBOX_SIZE, MADV_REMOVE);
}
