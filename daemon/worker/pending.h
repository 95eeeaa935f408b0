/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that a worker has answered and not yet recorded: the target performs them itself, and what came of
 * that is told by the guard, when the thread calls again or when the worker asks.  Each stays in its slot,
 * in phase SENT. */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "worker/worker.h"

typedef struct Pending {
        const WorkerArguments *arguments;
        Ledger *ledger;
        uint32_t slots;         /* a bit for each */
        uint64_t pause_usec;    /* until the guard is asked next, if no call comes */
        uint64_t reported_usec; /* when one was recorded last; 0: never */
} Pending;

static inline bool pending_is_any(const Pending *pending) {
        return pending->slots != 0;
}

/* The call of the slot, which the worker holds, was answered. */
void pending_add(Pending *pending, uint32_t index);

/* Records the calls whose fate another call has told, and those that should be over by now.  Their slots are
 * free then.  Where none is pending, as in a session that acts, it does not even look at the clock. */
void pending_settle(Pending *pending);

/* Asks the guard for the fate of each, and records those that have returned, or should have. */
void pending_look(Pending *pending);

/* Records the oldest one as it is: slots are short.  Returns whether there was one. */
bool pending_give_up_oldest(Pending *pending);

/* The worker leaves: waits, not for long, and records all. */
void pending_finish(Pending *pending);
