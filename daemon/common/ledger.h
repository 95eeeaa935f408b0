/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* The ledger: one sealed memfd per session, the only memory of the requests in flight.  It outlives workers and
 * the daemon: systemd's file descriptor store holds it beside the listener.  The kernel delivers a notification
 * only once, so that a target would hang for ever if its id were forgotten.
 *
 * It holds a header; LEDGER_SLOTS slots, each with one request in flight and its intent; and for each of up to
 * LEDGER_WORKERS workers an outbox of records that are not sent yet.  What the session is stands elsewhere: see
 * session-identity.h.  These processes write to it:
 *
 *   1. The daemon writes the header when it creates the ledger, `receiver` whenever that changes, `overdue`, and
 *      the first slot until the knock in there is answered.
 *   2. A worker writes the slots that it holds, its own outbox, and the totals.  Its helper writes the intent of
 *      the slot, and has nothing else of the ledger mapped.
 *   3. Where a killed worker hangs in the kernel and never returns from it, the daemon answers in its place, and
 *      sets the slot to DONE.  After a stop the rejecting worker does that.
 *   4. Otherwise the daemon only reads: which worker holds which slot, since when, which outboxes are empty.  It
 *      believes nothing that could harm it.
 *
 * Each process that works on a ledger holds a lock on the memfd.  By that lock a daemon finds the workers that an
 * earlier daemon forked: see ledger_lock_worker().
 *
 * The header names the holder of each slot:
 *
 *   SLOT_FREE     none; the slot is empty.
 *   SLOT_WAITING  none; the slot has a request that was received.  The receiver takes it.
 *   else          the number of a worker plus one.  Where that worker is dead its successor, which has the same
 *                 number, goes on.
 *
 * A slot goes through these phases.  A worker that starts on a slot which is not empty finishes that request first:
 * that is all of recovery.
 *
 *   EMPTY     notif is all zero.  RECV writes the request straight into it: a slot whose phase is still EMPTY but
 *             whose notif is not zero has RECEIVED.  (SIGKILL acts on the way back to user space, after the copy.)
 *   RECEIVED  nothing was done yet: the request is handled from its beginning.
 *   ACTING    the system call may or may not have been performed; the arguments, the parents and the intent say how
 *             to tell.  A successor may find out; it may perform the call only with an allowing verdict of its own.
 *   DONE      `reply` is the answer.  It is sent - if it was sent already, the kernel says so - and then recorded.
 *   SENT      of a call that the target performs itself, where the guard in the kernel stands: the answer was sent,
 *             and the record waits for what came of it.  It stays with its worker, or that one's successor.
 */
/* clang-format on */

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arguments.h"
#include "common/notify.h"
#include "common/outbox.h"
#include "common/protocol.h"
#include "common/rate-limit.h"

/* A daemon takes over the ledgers of the one before, which may be of an earlier version.  Until the first
 * release LEDGER_VERSION goes up with each change: an upgrade then ends the sessions that run, and says how
 * many.  From the release on fields are only appended, to the header, to Slot and to Intent, where an
 * earlier version has left zeros; and zero must mean what it meant without the field. */
#define LEDGER_MAGIC 0x72656764656c6e73ULL /* "snledger" */
#define LEDGER_VERSION 3U
#define LEDGER_SLOTS 16U
#define LEDGER_WORKERS 16U
/* The header, each slot and each intent begin at a multiple of this.  No kernel that the daemon runs on has
 * larger pages.  Memory that is never touched costs nothing. */
#define LEDGER_UNIT 65536U
#define LEDGER_NO_RECEIVER UINT32_MAX

/* The number of the rejecting worker, which performs nothing, so that it cannot hang: see worker/reject.h.
 */
#define LEDGER_REJECTING (LEDGER_WORKERS - 1)

#define LEDGER_HANDLE_SIZE 128 /* MAX_HANDLE_SZ */
#define LEDGER_RULE_SIZE 48
#define LEDGER_COMM_SIZE 16
#define LEDGER_ARGUMENT_SIZE 4096 /* PATH_MAX, with the NUL */
#define LEDGER_PATH_SIZE 4608     /* a parent's path, "/" and a name, with the NUL */

/* Decisions since the session began. */
typedef struct LedgerTotals {
        uint64_t allowed;
        uint64_t denied;
        uint64_t failed;
        uint64_t suppressed; /* decisions without a record: `log` said so, or there were too many */
        uint64_t lost;       /* records that their reader did not take */
        uint64_t audited;
} LedgerTotals;

typedef struct LedgerHeader {
        uint64_t magic;
        uint32_t version;
        uint32_t size; /* of the whole ledger, in bytes */
        /* The number of the worker that may RECV, or LEDGER_NO_RECEIVER: the others finish what they hold
         * and leave. */
        _Atomic uint32_t receiver;
        _Atomic uint32_t landlocked; /* some process of the session has restricted itself: see landlock.h */
        _Atomic uint64_t lost; /* records, after their requests were finished: `totals` does not have them */
        _Atomic uint32_t holders[LEDGER_SLOTS];
        struct {
                _Atomic uint32_t start; /* see outbox.h */
                _Atomic uint32_t used;
        } outboxes[LEDGER_WORKERS];
        _Atomic uint64_t
                delayed_until_usec[LEDGER_SLOTS]; /* CLOCK_MONOTONIC: its rule delays it until then */
        _Atomic uint32_t overdue; /* a bit for each slot: its worker was killed for taking too long */
        uint32_t reserved;
        /* By slot: what became of the call in SENT.  See ledger_await_fate(). */
        _Atomic uint64_t fates[LEDGER_SLOTS];
        RateLimit records;                 /* of the session's decisions */
        LedgerTotals totals[LEDGER_SLOTS]; /* of the requests that were in each slot; the holder writes it */
} LedgerHeader;
static_assert(sizeof(LedgerHeader) == 1272, "crosses a process boundary");

/* Holders of a slot, beside the workers. */
#define SLOT_FREE 0U
#define SLOT_WAITING UINT32_MAX

typedef enum SlotPhase {
        SLOT_EMPTY,
        SLOT_RECEIVED,
        SLOT_ACTING,
        SLOT_DONE,
        SLOT_SENT,
} SlotPhase;

typedef enum SlotVerdict {
        SLOT_UNDECIDED, /* there was nothing to decide: a knock, or a call that only tells something */
        SLOT_ALLOWED,   /* performed, or failed before any effect with the kernel's own error: see `error` */
        SLOT_DENIED,
        SLOT_TROUBLE, /* could not be decided on or performed */
        SLOT_AUDITED, /* as SLOT_ALLOWED; the profile audits what would be denied, and it would */
} SlotVerdict;

/* What the target got is not known. */
enum SlotError {
        SLOT_ERROR_PENDING = -1, /* the call goes on */
        SLOT_ERROR_UNTOLD = -2,  /* it failed; no process knows how */
};

/* An object of a file system, told apart from every other that it ever had.  A file system may use an inode
 * number again, but not with the same time of birth, nor with the same handle. */
typedef struct LedgerObject {
        uint32_t dev_major;
        uint32_t dev_minor;
        uint64_t ino;     /* 0: unknown; such an object equals none */
        int64_t born_sec; /* 0: the file system has no times of birth */
        uint32_t born_nsec;
        int32_t handle_type;  /* see name_to_handle_at(2) */
        uint32_t handle_size; /* 0: the file system has no handles */
        uint32_t reserved;
        uint64_t mount_id; /* where it was seen; no part of its identity */
        uint8_t handle[LEDGER_HANDLE_SIZE];
} LedgerObject;
static_assert(sizeof(LedgerObject) == 176, "crosses a process boundary");

/* One of the places that a call names. */
typedef struct SlotLocation {
        LedgerObject parent; /* valid in ACTING: the directory that the call is performed in */
        uint32_t argument_length;
        uint32_t path_length;                /* 0: the call failed before its path was known */
        char argument[LEDGER_ARGUMENT_SIZE]; /* as passed, NUL-terminated */
        char path[LEDGER_PATH_SIZE];         /* where it really is, NUL-terminated */
} SlotLocation;

/* Which permit a worker has left with the guard, where the target performs its own call. */
typedef enum SlotPermit {
        SLOT_PERMIT_NONE,
        SLOT_PERMIT_JUDGED, /* the guard gives the answer that was decided */
        SLOT_PERMIT_VOID, /* there was nothing to judge: the kernel says why, and the guard lets nothing pass
                           */
} SlotPermit;

/* A request in flight.  Its holder alone writes it. */
typedef struct Slot {
        _Atomic uint32_t phase; /* SlotPhase */
        uint32_t attempts;      /* workers that started on this request; all but the last died */
        NotifyRequest request;
        NotifyReply reply; /* valid in DONE */
        /* The decision, for the record that follows the answer. */
        uint64_t received_usec; /* CLOCK_MONOTONIC; 0 while the slot is empty */
        uint64_t taken_usec;    /* when its holder began with it; 0 while it waits */
        uint64_t sent_usec;     /* in SENT: when it was answered */
        uint64_t generation;
        uint32_t verdict; /* SlotVerdict */
        int32_t error;    /* what the target got: 0 or a positive errno, or SlotError */
        uint32_t uid;
        uint32_t pid;        /* thread group */
        uint32_t permit;     /* SlotPermit */
        uint32_t permit_tid; /* whose permit it is; in the initial PID namespace */
        Arguments arguments;
        /* Valid in DONE: the slot's totals without this request.  A worker that finds the request DONE sets
         * the totals to this and the request, so that it is counted once, however often that is done. */
        LedgerTotals before;
        char comm[LEDGER_COMM_SIZE];
        char rule[LEDGER_RULE_SIZE]; /* empty: the profile's default decided, or nothing had to be decided */
        char why[128];               /* SLOT_TROUBLE: a clause for the record */
        SlotLocation locations[LOCATIONS_MAX];
        char text[LEDGER_ARGUMENT_SIZE]; /* of a call that passes one, NUL-terminated */
} Slot;

/* The verdict on a call that was let through. */
static inline uint32_t slot_performed(const Slot *slot) {
        return slot->verdict == SLOT_AUDITED ? SLOT_AUDITED : SLOT_ALLOWED;
}

typedef enum IntentState {
        INTENT_NOT_BEGUN,
        INTENT_BEGUN, /* it may have been performed, or not: see Operation.find_out() */
        INTENT_DONE,
} IntentState;

/* What had the last component's name at a location just before the call. */
typedef enum IntentSight {
        INTENT_UNSEEN, /* it was not looked for */
        INTENT_ABSENT, /* nothing had the name */
        INTENT_PRESENT,
} IntentSight;

/* The system call that carries out a request.  The process that performs it - a worker or its helper - notes
 * it just before the call and just after it.  An intent of zeros is one that is not begun. */
typedef struct Intent {
        _Atomic uint32_t state; /* IntentState */
        int32_t error;          /* DONE: what it returned, 0 or a positive errno */
        int64_t begun_sec;      /* CLOCK_REALTIME_COARSE, which is what inodes are stamped with */
        int64_t begun_nsec;
        uint32_t owner; /* the fsuid that acts, as the worker's user namespace has it */
        uint32_t reserved;
        struct {
                uint32_t sight; /* IntentSight */
                uint32_t reserved;
                LedgerObject object; /* valid in PRESENT; without its handle */
        } locations[LOCATIONS_MAX];
} Intent;

#define LEDGER_OUTBOX_SIZE 65536U
#define LEDGER_SIZE ((1 + 2 * LEDGER_SLOTS) * LEDGER_UNIT + LEDGER_WORKERS * LEDGER_OUTBOX_SIZE)
static_assert(sizeof(LedgerHeader) <= LEDGER_UNIT, "a header must fit");
static_assert(sizeof(Intent) == 400, "crosses a process boundary");
static_assert(sizeof(Slot) <= LEDGER_UNIT, "a slot must fit");
/* Slots are page-aligned, and no page is smaller. */
static_assert(offsetof(Slot, reply) + NOTIFY_REPLY_SIZE <= 4096, "RECV must not cross a page");

typedef struct Ledger Ledger;

/* Creates the ledger of a session.  The name of the memfd has the session's id, for a person who looks in
 * /proc.  The knock becomes the request of the first slot, in phase DONE with knock_answer, so that the
 * session's first worker answers it.  Returns 0 and the caller's fd, or a negative errno. */
int ledger_new(uint64_t session_id, const NotifyRequest *knock, int64_t knock_answer, int *ret_fd);

/* Checks that a stored fd is a ledger.  Returns 0, -EBADMSG (this is no ledger of ours), -EPROTONOSUPPORT
 * (of another version), or a negative errno of pread(2). */
int ledger_check(int ledger_fd);

/* Reads the session's totals.  Returns 0, or what ledger_check() returns. */
int ledger_read_totals(int ledger_fd, LedgerTotals *ret);
void ledger_sum_totals(const LedgerHeader *header, LedgerTotals *ret);

/* Map and unmap it.  A forked child does not have the mapping.  Returns 0 or a negative errno.
 * ledger_unmap() takes NULL and returns NULL. */
int ledger_map(int ledger_fd, Ledger **ret);
Ledger *ledger_unmap(Ledger *ledger);

LedgerHeader *ledger_header(Ledger *ledger);

/* index below LEDGER_SLOTS. */
Slot *ledger_slot(Ledger *ledger, uint32_t index);

/* Locks the ledger as the worker with this number, or as its helper, until this process ends.  Children do
 * not inherit the lock (fcntl(2)), and the kernel releases it only when the memory of the process is gone,
 * so that it writes no more.  Returns 0 or a negative errno. */
int ledger_lock_worker(int ledger_fd, uint32_t number);

/* Returns the pid of a process that holds this lock, 0 where none does, or a negative errno.  It may have
 * ended since: a caller that opens a pidfd must ask again. */
pid_t ledger_lock_holder(int ledger_fd, uint32_t number);

/* Opens the ledger read-only, so that a helper can lock it and do no more than that.  Returns the caller's
 * fd or a negative errno. */
int ledger_open_lock(int ledger_fd);

/* How a process that works for a worker locks the ledger. */
typedef struct WorkerLock {
        int fd; /* see ledger_open_lock() */
        uint32_t number;
} WorkerLock;

/* Passes the slot from one holder to another.  Returns false, and changes nothing, where `from` does not
 * hold it. */
bool ledger_pass(Ledger *ledger, uint32_t index, uint32_t from, uint32_t to);

/* Clears the slot, which has this holder, and sets it free: its request is finished. */
void ledger_release(Ledger *ledger, uint32_t index, uint32_t holder);

/* The unsent records of a worker.  number below LEDGER_WORKERS. */
Outbox ledger_outbox(Ledger *ledger, uint32_t number);

/* The intent of a slot.  Nothing else lies in the same page.  index below LEDGER_SLOTS. */
Intent *ledger_intent(Ledger *ledger, uint32_t index);

/* Lets the processes that are forked from now on have the intent, and nothing else of the ledger; or no
 * longer. Returns 0 or a negative errno. */
int intent_lend(Intent *intent, bool lend);

/* A value that is no state, which a compromised process may have written, counts as BEGUN. */
IntentState intent_state(const Intent *intent);
void intent_set_state(Intent *intent, IntentState state);

/* A request that was received but is not marked so yet counts as RECEIVED.  A value that is no phase, which
 * only a compromised worker writes, counts as RECEIVED, too: the request is handled from its beginning. */
SlotPhase slot_phase(const Slot *slot);
void slot_set_phase(Slot *slot, SlotPhase phase);

/* The slot's call, the notification with this id, is about to continue in the kernel.  Another worker of the
 * session may learn what came of it before the slot's own does, and then tells the ledger. */
void ledger_await_fate(Ledger *ledger, uint32_t index, uint64_t id);

/* Tells what came of the call with this id, if a slot waits for that: the fate of its permit, of GuardFate,
 * and its result. */
void ledger_tell_fate(LedgerHeader *header, uint64_t id, uint32_t fate, int32_t result);

/* Returns whether the slot's call was told of. */
bool ledger_read_fate(Ledger *ledger, uint32_t index, uint32_t *ret_fate, int32_t *ret_result);

/* Empties the slot. */
void slot_clear(Slot *slot);

/* For how long a worker has been at the request of the slot, or the request has waited for one.  0 where the
 * slot is empty. */
uint64_t slot_busy_usec(const Slot *slot, uint64_t now_usec);

/* Did the daemon kill the worker of this slot because it took too long? */
bool ledger_is_overdue(Ledger *ledger, uint32_t index);
void ledger_set_overdue(Ledger *ledger, uint32_t index, bool overdue);

/* Return the memory of an empty slot, or of an empty outbox, to the kernel. */
void slot_trim(Slot *slot);
void ledger_trim_outbox(Ledger *ledger, uint32_t number);
