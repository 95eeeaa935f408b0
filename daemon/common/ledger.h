/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* clang-format off */
/* The ledger: one small sealed memfd per session, the only memory of what is in flight.  It outlives workers
 * and the daemon (it lies in systemd's file descriptor store beside the listener), because the kernel
 * delivers a notification only once: who forgets its id leaves the target hanging.
 *
 * It holds a header; LEDGER_SLOTS slots, each a request in flight; and for each of up to LEDGER_WORKERS
 * workers an outbox of records that are still to be sent.  It does not say what the session is: see
 * session-identity.h.  Who writes what:
 *
 *   1. The daemon writes the header when it makes the ledger, `receiver` whenever that changes, `overdue`,
 *      and the first slot until the knock in there is answered.
 *   2. A worker writes the slots that it holds, its own outbox, and the totals; its helper the intent in the
 *      slot, and it has no more than that page.
 *   3. Where a worker was killed and hangs in the kernel, never to come back from it, the daemon answers in
 *      its place, and says so in the slot: DONE.  After a stop the rejecting worker does that.
 *   4. The daemon otherwise only looks: who holds which slot, since when, which outboxes are empty.  It
 *      believes nothing that could hurt it.
 *
 * Whoever is at work on it has a lock of its own on the memfd, by which a daemon that did not fork it finds
 * it: see ledger_lock_worker().
 *
 * Each slot has a holder, in the header:
 *
 *   SLOT_FREE     nobody's, and empty.
 *   SLOT_WAITING  nobody's, with a request that was received: the receiver takes it.
 *   else          a worker's, by its number plus one.  Where that worker is dead its successor, which has
 *                 the same number, goes on.
 *
 * And it goes through four phases.  Whoever starts on a slot that isn't empty finishes it first: that is all
 * of recovery.
 *
 *   EMPTY     notif is all zero.  RECV writes the request straight into it: a slot whose phase is still
 *             EMPTY but whose notif isn't zero has RECEIVED.  (SIGKILL acts on the way back to user space,
 *             after the copy.)
 *   RECEIVED  nothing was done yet: judge it, do it.
 *   ACTING    the system call may or may not have been performed; `argument`, `parent` and the intent say how
 *             to tell.  Its successor may find out; it may perform the call only with an allowing verdict of
 *             its own.
 *   DONE      `reply` is the answer: send it; if it was sent already the kernel says so.  Then report it.
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
#define LEDGER_VERSION 1U
#define LEDGER_SLOTS 16U
#define LEDGER_WORKERS 16U
/* The header, a slot and an intent each begin at a multiple of this, which no page of a kernel exceeds that
 * the daemon runs on.  Memory that is never touched costs nothing. */
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
        _Atomic uint64_t delayed_until_usec[LEDGER_SLOTS]; /* CLOCK_MONOTONIC: it isn't worked at before */
        _Atomic uint32_t overdue; /* a bit for each slot: its worker was killed for taking too long */
        uint32_t reserved;
        RateLimit records;                 /* that the session makes */
        LedgerTotals totals[LEDGER_SLOTS]; /* of the requests that were in each slot; its holder writes it */
} LedgerHeader;
static_assert(sizeof(LedgerHeader) == 1016, "crosses a process boundary");

/* Holders of a slot, beside the workers. */
#define SLOT_FREE 0U
#define SLOT_WAITING UINT32_MAX

typedef enum SlotPhase {
        SLOT_EMPTY,
        SLOT_RECEIVED,
        SLOT_ACTING,
        SLOT_DONE,
} SlotPhase;

typedef enum SlotVerdict {
        SLOT_UNDECIDED, /* there was nothing to decide: the handshake's knock, or a call that is only noted
                         */
        SLOT_ALLOWED,   /* performed, or failed before any effect with the kernel's own error: see `error` */
        SLOT_DENIED,
        SLOT_TROUBLE, /* could not be judged or performed */
} SlotVerdict;

/* An object of a file system, told apart from every other that it ever had: an inode number may be given
 * anew, but not with the same time of birth, nor with the same handle. */
typedef struct LedgerObject {
        uint32_t dev_major;
        uint32_t dev_minor;
        uint64_t ino;     /* 0: unknown; such an object equals none */
        int64_t born_sec; /* 0: the file system has no times of birth */
        uint32_t born_nsec;
        int32_t handle_type;  /* see name_to_handle_at(2) */
        uint32_t handle_size; /* 0: the file system has no handles */
        uint32_t reserved;
        uint64_t mount_id; /* where it was seen; says nothing of the object */
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

/* Written by its holder alone. */
typedef struct Slot {
        _Atomic uint32_t phase; /* SlotPhase */
        uint32_t attempts;      /* workers that started on this request; the last few may have died of it */
        NotifyRequest request;
        NotifyReply reply; /* valid in DONE */
        /* The decision, for the record that is made after the answer. */
        uint64_t received_usec; /* CLOCK_MONOTONIC; 0 while the slot is empty */
        uint64_t taken_usec;    /* when its holder began with it; 0 while it waits */
        uint64_t generation;
        uint32_t verdict; /* SlotVerdict */
        int32_t error;    /* what the target got: 0 or a positive errno */
        uint32_t uid;
        uint32_t pid; /* thread group */
        Arguments arguments;
        /* The slot's totals without this request, valid in DONE: a worker that finds it there, counted or
         * not, sets them to what they are with it. */
        LedgerTotals before;
        char comm[LEDGER_COMM_SIZE];
        char rule[LEDGER_RULE_SIZE]; /* empty: the profile's default decided, or nothing had to be decided */
        char why[128];               /* SLOT_TROUBLE: a clause for the record */
        SlotLocation locations[LOCATIONS_MAX];
        char text[LEDGER_ARGUMENT_SIZE]; /* of a call that passes one, NUL-terminated */
} Slot;

typedef enum IntentState {
        INTENT_NOT_BEGUN,
        INTENT_BEGUN, /* it may have been performed, or not: see act_find() */
        INTENT_DONE,
} IntentState;

/* What an object was at a location when the call began. */
typedef enum IntentSight {
        INTENT_UNSEEN, /* it was not looked for */
        INTENT_ABSENT, /* nothing had the name */
        INTENT_PRESENT,
} IntentSight;

/* The system call that carries out a request, as noted just before it and just after it by the process that
 * performs it: a worker or its helper.  All of it zero is one that is not begun. */
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

/* Makes the ledger of a session, whose id is in the name of the memfd, for those that look for it in /proc.
 * The knock becomes the first slot's request, answered with knock_answer in phase DONE, so that the
 * session's first worker answers it.  Returns 0 and the caller's fd, or a negative errno. */
int ledger_new(uint64_t session_id, const NotifyRequest *knock, int64_t knock_answer, int *ret_fd);

/* Checks that a stored fd is a ledger.  Returns 0, -EBADMSG (this is no ledger of ours), -EPROTONOSUPPORT
 * (of another version), or a negative errno of pread(2). */
int ledger_check(int ledger_fd);

/* Reads the session's totals.  Returns 0, or what ledger_check() returns. */
int ledger_read_totals(int ledger_fd, LedgerTotals *ret);
void ledger_sum_totals(const LedgerHeader *header, LedgerTotals *ret);

/* Maps and unmaps it; a forked child doesn't have the mapping.  Returns 0 or a negative errno.
 * ledger_unmap() takes NULL and returns NULL. */
int ledger_map(int ledger_fd, Ledger **ret);
Ledger *ledger_unmap(Ledger *ledger);

LedgerHeader *ledger_header(Ledger *ledger);

/* index below LEDGER_SLOTS. */
Slot *ledger_slot(Ledger *ledger, uint32_t index);

/* Says that this process is at work as a worker with this number, or for it, until it ends: by a lock
 * (fcntl(2)) that its children don't inherit, and that the kernel takes away only when its memory is gone,
 * so that it writes no more.  Returns 0 or a negative errno. */
int ledger_lock_worker(int ledger_fd, uint32_t number);

/* Who is?  Returns a pid, 0 where nobody is, or a negative errno.  It may have ended since: look again once
 * there is a pidfd. */
pid_t ledger_lock_holder(int ledger_fd, uint32_t number);

/* A read-only fd of the ledger, with which another process can sign on and do no more than that.  Returns
 * the caller's fd or a negative errno. */
int ledger_open_lock(int ledger_fd);

/* Changes hands, if it is in those that are expected.  Returns whether it was. */
bool ledger_pass(Ledger *ledger, uint32_t index, uint32_t from, uint32_t to);

/* Nothing is left of the request in the slot, which has this holder: clears it and sets it free. */
void ledger_release(Ledger *ledger, uint32_t index, uint32_t holder);

/* The unsent records of a worker.  number below LEDGER_WORKERS. */
Outbox ledger_outbox(Ledger *ledger, uint32_t number);

/* What the holder of a slot, or its helper, is at; no other process's memory has a part of it in the same
 * page.  index below LEDGER_SLOTS. */
Intent *ledger_intent(Ledger *ledger, uint32_t index);

/* Lets processes that are forked from now on have it, and no more of the ledger than that; or no
 * longer.  Returns 0 or a negative errno. */
int intent_lend(Intent *intent, bool lend);

/* A state that is none of ours counts as BEGUN. */
IntentState intent_state(const Intent *intent);
void intent_set_state(Intent *intent, IntentState state);

/* The phase, with a request that was received but not yet marked counting as RECEIVED.  A phase that is none
 * of ours (only a worker gone mad writes one) counts as RECEIVED too: done again from the start. */
SlotPhase slot_phase(const Slot *slot);
void slot_set_phase(Slot *slot, SlotPhase phase);

/* Makes it empty again. */
void slot_clear(Slot *slot);

/* For how long somebody has been at its request, or it has waited for somebody: 0 where the slot is empty.
 */
uint64_t slot_busy_usec(const Slot *slot, uint64_t now_usec);

/* Was its worker killed for taking too long? */
bool ledger_is_overdue(Ledger *ledger, uint32_t index);
void ledger_set_overdue(Ledger *ledger, uint32_t index, bool overdue);

/* Give the memory of an empty slot, an empty outbox, back to the system. */
void slot_trim(Slot *slot);
void ledger_trim_outbox(Ledger *ledger, uint32_t number);
