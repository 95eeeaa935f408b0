/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for the fates of answered calls.  Run by the worker.  Owns the slots that it was given.  Must never
 * hold up a call that waits, nor keep a slot that a call needs. */

#include "worker/pending.h"

#include <time.h>

#include "common/clock.h"
#include "guard/guard.h"
#include "worker/fate.h"
#include "worker/record.h"

/* The first pause, and the longest. */
#define PAUSE_USEC 1000U
#define PAUSE_MAX_USEC 50000U
/* A call that has not returned so long after its answer is recorded without its result. */
#define PATIENCE_USEC 100000U
/* So many slots may wait for a fate; the others are for calls. */
#define PENDING_MAX (LEDGER_SLOTS / 2)

static void record(Pending *pending, uint32_t index, const GuardFateRequest *fate, bool is_over) {
        const WorkerArguments *arguments = pending->arguments;
        Slot *slot = ledger_slot(pending->ledger, index);

        fate_apply(slot, fate->fate, fate->result, is_over);
        pending->reported_usec = record_decision(&arguments->session, ledger_header(pending->ledger), index,
                slot, arguments->profile, policy_limits(arguments->policy)->records_per_second,
                arguments->report);
        pending->slots &= ~(1U << index);
        ledger_release(pending->ledger, index, arguments->number + 1);
}

/* Asks the guard, unless another worker has been told the fate. */
static void look(Pending *pending, uint32_t index, uint64_t now_usec) {
        const Slot *slot = ledger_slot(pending->ledger, index);
        GuardFateRequest fate = {
                .id = slot->reply.response.id,
                .listener_fd = pending->arguments->listener_fd,
                .tid = slot->permit_tid,
        };
        bool is_over = ledger_read_fate(pending->ledger, index, &fate.fate, &fate.result);

        if (!is_over && guard_run_fate(pending->arguments->guard, &fate) < 0)
                fate.fate = 0;
        if (is_over || fate.fate & GUARD_RETURNED || now_usec - slot->sent_usec >= PATIENCE_USEC)
                record(pending, index, &fate, is_over);
}

void pending_add(Pending *pending, uint32_t index) {
        Slot *slot = ledger_slot(pending->ledger, index);

        if (slot_phase(slot) != SLOT_SENT) {
                slot->sent_usec = clock_usec(CLOCK_MONOTONIC);
                slot_set_phase(slot, SLOT_SENT);
        }
        __atomic_store_n(&slot->taken_usec, 0, __ATOMIC_RELAXED); /* no worker is at it any more */
        pending->slots |= 1U << index;
        pending->pause_usec = PAUSE_USEC;
        if ((unsigned)__builtin_popcount(pending->slots) > PENDING_MAX)
                (void)pending_give_up_oldest(pending);
}

void pending_settle(Pending *pending) {
        GuardFateRequest fate = {};
        uint64_t now_usec;

        if (!pending_is_any(pending))
                return;
        now_usec = clock_usec(CLOCK_MONOTONIC);
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                if (!(pending->slots >> i & 1))
                        continue;
                if (ledger_read_fate(pending->ledger, i, &fate.fate, &fate.result))
                        record(pending, i, &fate, true);
                else if (now_usec - ledger_slot(pending->ledger, i)->sent_usec < UINT64_MAX / 2 &&
                         now_usec - ledger_slot(pending->ledger, i)->sent_usec >= PATIENCE_USEC)
                        look(pending, i, now_usec);
        }
}

void pending_look(Pending *pending) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (pending->slots >> i & 1)
                        look(pending, i, now);
        pending->pause_usec =
                2 * pending->pause_usec < PAUSE_MAX_USEC ? 2 * pending->pause_usec : PAUSE_MAX_USEC;
}

bool pending_give_up_oldest(Pending *pending) {
        uint32_t oldest = LEDGER_SLOTS;

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (pending->slots >> i & 1 &&
                        (oldest == LEDGER_SLOTS || ledger_slot(pending->ledger, i)->sent_usec <
                                                           ledger_slot(pending->ledger, oldest)->sent_usec))
                        oldest = i;
        if (oldest == LEDGER_SLOTS)
                return false;
        look(pending, oldest, UINT64_MAX);
        return true;
}

void pending_finish(Pending *pending) {
        pending->pause_usec = PAUSE_USEC;
        pending_look(pending);
        while (pending_is_any(pending)) {
                const struct timespec pause = {.tv_nsec = (long)pending->pause_usec * 1000};

                (void)nanosleep(&pause, NULL);
                pending_look(pending);
        }
}
