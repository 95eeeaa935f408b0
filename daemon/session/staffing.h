/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which workers a session needs, and when they may be spawned.  Times are CLOCK_MONOTONIC in microseconds.
 */

#include <stdbool.h>
#include <stdint.h>

#include "session/worker-pool.h"

typedef struct Staffing {
        /* Returns 0 or a negative errno. */
        int (*spawn)(uint32_t number, PoolRole role, void *userdata);
        void *userdata;
        uint64_t pause_until_usec; /* spawn nothing before; 0: no reason to wait */
        uint64_t records_due_usec; /* when unsent records may have a worker again */
        uint64_t deaths_usec;      /* until then there were too many, or would be with some more */
} Staffing;

/* Rate-limits respawning where workers keep dying. */
void staffing_note_death(Staffing *staffing);

/* No worker can be spawned now. */
void staffing_pause(Staffing *staffing);

/* Spawns a successor for each worker that is gone and has left something.  Returns 0 or a negative errno. */
int staffing_spawn_successors(Staffing *staffing, const WorkerPool *pool);

/* A call waits: sees that a worker is there to receive it, or to take it out of the ledger, unless the pool
 * is complete; then it waits until a worker has finished.  Returns 0 or a negative errno. */
int staffing_receive(Staffing *staffing, WorkerPool *pool);

/* Has a worker that is gone left nothing but records? */
bool staffing_has_records(const WorkerPool *pool);
