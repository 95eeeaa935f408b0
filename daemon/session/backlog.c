/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a session's ledger for its WorkerPool.  Run by the daemon.  Owns nothing.  Must never look into a
 * slot that is free: that would give it memory. */

#include "session/backlog.h"

static uint32_t holder(Ledger *ledger, uint32_t index) {
        return atomic_load(&ledger_header(ledger)->holders[index]);
}

uint32_t backlog_worker(Ledger *ledger, uint32_t index) {
        uint32_t number = holder(ledger, index) - 1;

        return number < LEDGER_WORKERS ? number : LEDGER_WORKERS;
}

bool backlog_is_free(Ledger *ledger, uint32_t index) {
        return holder(ledger, index) == SLOT_FREE;
}

bool backlog_has_slot(Ledger *ledger, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(ledger, i) == number + 1)
                        return true;
        return false;
}

bool backlog_has_request(Ledger *ledger, uint32_t number) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(ledger, i) == number + 1 && slot_phase(ledger_slot(ledger, i)) != SLOT_EMPTY)
                        return true;
        return false;
}

bool backlog_has_records(Ledger *ledger, uint32_t number) {
        const Outbox outbox = ledger_outbox(ledger, number);

        return !outbox_is_empty(&outbox);
}

bool backlog_has_waiting(Ledger *ledger) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                if (holder(ledger, i) == SLOT_WAITING)
                        return true;
        return false;
}

bool backlog_has_knock(Ledger *ledger) {
        return holder(ledger, 0) == SLOT_WAITING && slot_phase(ledger_slot(ledger, 0)) == SLOT_DONE;
}

uint64_t backlog_stall_usec(Ledger *ledger, uint32_t number, uint64_t now_usec) {
        uint64_t held = 0, waiting = 0;

        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t at = holder(ledger, i);
                uint64_t usec;

                if (at != number + 1 && at != SLOT_WAITING)
                        continue;
                usec = slot_busy_usec(ledger_slot(ledger, i), now_usec);
                if (at != SLOT_WAITING)
                        held = usec > held ? usec : held;
                else
                        waiting = usec > waiting ? usec : waiting;
        }
        /* What waits behind quick requests is only late. */
        return held > 0 ? held : waiting;
}

uint64_t backlog_deadline(Ledger *ledger, uint32_t index, uint64_t timeout_usec) {
        uint64_t taken = __atomic_load_n(&ledger_slot(ledger, index)->taken_usec, __ATOMIC_RELAXED);
        uint64_t delayed = atomic_load(&ledger_header(ledger)->delayed_until_usec[index]);
        uint64_t since = delayed > taken ? delayed : taken;

        return taken == 0 || since > UINT64_MAX - timeout_usec ? UINT64_MAX : since + timeout_usec;
}
