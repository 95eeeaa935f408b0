/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answers requests without performing anything of them.
 *
 * Three situations need that: a call took longer than call-timeout=; as many workers of a session hang in
 * the kernel as it may have; or the daemon has stopped while a worker hangs, which keeps the listener open,
 * so that the kernel itself does not fail the session's calls.  reject_slot() answers one request in each of
 * them.  It is run by the worker that holds the request, by the daemon in the place of a worker that hangs,
 * or by the session's rejecting worker. */

#include <stdint.h>

#include "common/ledger.h"
#include "common/report.h"
#include "common/session-identity.h"
#include "policy/policy.h"
#include "worker/target/target.h"
#include "worker/target/task-reader.h"
#include "worker/worker.h"

/* Why a request is rejected, as a clause for its record. */
#define REJECT_TIMED_OUT                                                                                    \
        "it took longer than call-timeout=: a file system, or memory that it was called with, does not "    \
        "answer"
#define REJECT_ALL_HANG "as many calls of its session hang as may"
#define REJECT_STOPPED "snotifyd has stopped, and a worker of the session hangs in the kernel"

/* All of it stays the caller's. */
typedef struct RejectContext {
        int listener_fd;
        Ledger *ledger;
        const SessionIdentity *session;
        const Profile *profile; /* NULL: every record is wanted */
        uint64_t records_per_second;
        Report *report;       /* NULL: no record is made */
        TargetCache *targets; /* NULL: of a request that no worker has begun with, the record says little */
        TaskReader *task_reader; /* only with targets */
} RejectContext;

/* Answers the request in the slot with error, a positive errno, and records that with why.  Where the slot
 * holds an answer already (DONE), that one is sent and recorded.  Where the target is gone and nothing can
 * have been performed, nothing is sent or recorded.
 *
 * Afterwards the slot is DONE.  Its verdict is UNDECIDED where nothing is left to be recorded, so that a
 * worker that finds it only has to release it.  If this process is killed at any point, repeating the call
 * finishes it.  The caller must hold the slot, or know that its holder never returns to user space.
 *
 * Returns 0, or a negative errno of notify_send(). */
int reject_slot(const RejectContext *context, uint32_t index, int error, const char *why);

/* Has reject_slot() finished with the slot? */
bool reject_is_finished(const Slot *slot);

/* Why a rejecting worker runs. */
typedef enum RejectReason {
        /* All other workers of the session hang.  It rejects calls with ETIMEDOUT while it is the receiver;
         * where it is not, it only sends the records that its predecessor left, and exits. */
        REJECT_WHILE_ALL_HANG,
        /* The daemon stops.  It waits for call-timeout=, during which another daemon ends it.  Then it
         * rejects with ENOSYS, as the kernel does where nothing holds the listener, until the last target is
         * gone.  It records only the requests that were received before the stop. */
        REJECT_AFTER_STOP,
} RejectReason;

/* Runs a rejecting worker, whose number is LEDGER_REJECTING.  It gives up all capabilities.  The conditions
 * of worker_run() hold.  Returns the exit status. */
int reject_run(const WorkerArguments *arguments, RejectReason reason);
