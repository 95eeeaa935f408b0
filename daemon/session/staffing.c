/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides which workers a session has.  Run by the daemon.  Owns nothing.  Must never have a worker spawned
 * in the place of one that is not gone. */

#include "session/staffing.h"

#include "common/clock.h"

/* A worker that dies has a successor at once; but in the long run there is one death in that time, and only
 * so many more at once. */
#define DEATH_PAUSE_USEC 50000U
#define DEATHS_AT_ONCE 5U
/* How often a worker is spawned for nothing but unsent records. */
#define RECORDS_PAUSE_USEC 1000000U

void staffing_note_death(Staffing *staffing) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), at_once = DEATHS_AT_ONCE * DEATH_PAUSE_USEC;

        if (staffing->deaths_usec < now)
                staffing->deaths_usec = now;
        staffing->deaths_usec += DEATH_PAUSE_USEC;
        if (staffing->deaths_usec > now + at_once)
                staffing->pause_until_usec = staffing->deaths_usec - at_once;
}

void staffing_pause(Staffing *staffing) {
        staffing->pause_until_usec = clock_usec(CLOCK_MONOTONIC) + DEATH_PAUSE_USEC;
}

int staffing_spawn_successors(Staffing *staffing, const WorkerPool *pool) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        bool due = staffing->records_due_usec <= now;
        int r;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                PoolUnfinished unfinished = pool_unfinished(pool, i);

                if (unfinished == POOL_FINISHED || (unfinished == POOL_UNFINISHED_RECORDS && !due))
                        continue;
                /* Do not fork all the time for records that the journal does not take. */
                if (unfinished == POOL_UNFINISHED_RECORDS)
                        staffing->records_due_usec = now + RECORDS_PAUSE_USEC;
                r = staffing->spawn(
                        i, i == LEDGER_REJECTING ? POOL_FINISHES : POOL_RECEIVES, staffing->userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

int staffing_receive(Staffing *staffing, WorkerPool *pool) {
        uint32_t number = pool_find_free(pool);

        if (number == LEDGER_NO_RECEIVER)
                return 0;
        if (pool_stall_usec(pool) >= POOL_STALL_USEC)
                pool_relieve_receiver(pool);
        if (pool_has_receiver(pool))
                return 0;
        return staffing->spawn(number, POOL_RECEIVES, staffing->userdata);
}

bool staffing_has_records(const WorkerPool *pool) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_unfinished(pool, i) == POOL_UNFINISHED_RECORDS)
                        return true;
        return false;
}
