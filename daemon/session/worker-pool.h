/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session's workers, of whom one at most may receive.  Only a session that has workers, or needs one, has
 * a pool: an idle session should cost next to nothing. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"

/* A call that takes longer than this no longer holds up those behind it. */
#define POOL_STALL_USEC 10000U

/* Who isn't gone so long after SIGKILL hangs in the kernel: in a file system that doesn't answer. */
#define POOL_HANG_USEC 1000000U

typedef struct WorkerProcess {
        pid_t pid;               /* 0: there is none */
        sd_event_source *source; /* NULL: not our child, see pool_adopt() */
        uint64_t retired_usec;   /* CLOCK_MONOTONIC; 0: in service */
        uint64_t killed_usec;    /* by us, which is no death to speak of; 0: it wasn't */
        bool said_hang;
        void *userdata;
} WorkerProcess;

typedef struct WorkerPool {
        Ledger *ledger;
        int ledger_fd; /* the session's */
        /* Its number, or LEDGER_NO_RECEIVER; the ledger's copy is for the workers to read. */
        uint32_t receiver;
        uint32_t n_processes;
        WorkerProcess processes[LEDGER_WORKERS]; /* by number */
} WorkerPool;

/* Maps the ledger, whose fd stays the caller's, and adopts who is at work on it: systemd starts a daemon
 * without waiting for the workers of the one before, for they may hang.  Returns 0 or a negative errno.
 * pool_free() takes NULL and returns NULL; workers that are left go on without us. */
int pool_new(int ledger_fd, WorkerPool **ret);
WorkerPool *pool_free(WorkerPool *pool);

void pool_set_receiver(WorkerPool *pool, uint32_t number);

/* What a worker that is no more has left: it died over it, or the daemon did. */
typedef enum PoolUnfinished {
        POOL_FINISHED,
        POOL_UNFINISHED_REQUEST,
        POOL_UNFINISHED_RECORDS, /* unsent ones, and no request */
} PoolUnfinished;

PoolUnfinished pool_unfinished(const WorkerPool *pool, uint32_t number);

/* Does a request wait for the receiver in the ledger, apart from those in the kernel? */
bool pool_has_waiting(const WorkerPool *pool);

/* Does the knock still wait for its answer?  Nothing else waits with its answer there. */
bool pool_has_knock(const WorkerPool *pool);

/* Returns the number of a worker that isn't and has left nothing; LEDGER_REJECTING where all others hang; or
 * LEDGER_NO_RECEIVER where the pool is complete. */
uint32_t pool_find_free(const WorkerPool *pool);

/* Is somebody at work as this number who isn't our child - a worker of a daemon before us, or the helper of
 * one that is dead?  Until it is gone too nobody takes its place: it may still be about to act.  It is
 * killed, and counts as the process, which must have no process of ours.  Returns whether there is somebody;
 * to be asked again now and then (pool_reap_adopted()), for nobody tells us of its end. */
bool pool_adopt(WorkerPool *pool, uint32_t number);

/* Returns the number of an adopted process that is gone now, or LEDGER_NO_RECEIVER. */
uint32_t pool_reap_adopted(WorkerPool *pool);

/* Kills those that have been at one request for longer than that, and marks it overdue. */
void pool_kill_late(WorkerPool *pool, uint64_t timeout_usec);

/* Returns the first slot, at from or after it, of an overdue request whose worker hangs and does not answer
 * it; or LEDGER_SLOTS. */
uint32_t pool_find_unanswered(const WorkerPool *pool, uint32_t from);

/* Does this process hang, killed in vain?  How many do? */
bool pool_process_hangs(const WorkerPool *pool, uint32_t number);
uint32_t pool_count_hanging(const WorkerPool *pool);

/* Has the receiver been at one request for longer than POOL_STALL_USEC, or, at none, let one wait as long?
 */
bool pool_is_stalled(const WorkerPool *pool);

/* Nobody is the receiver any more; who was leaves, when it has done with the request in hand if it has one.
 */
void pool_relieve_receiver(WorkerPool *pool);

/* Nobody is the receiver any more; who was finishes what it has in hand, if it has anything, and leaves. */
void pool_retire_receiver(WorkerPool *pool);
/* The same for all of them, also those that wait for a delay to be over. */
void pool_retire_all(WorkerPool *pool);

/* To be called now and then while workers are retired: kills those that should have left and didn't, even
 * over a request where that doesn't matter to anybody any more. */
void pool_kill_stragglers(WorkerPool *pool, bool over_requests);
/* All of them. */
void pool_kill_all(WorkerPool *pool);
