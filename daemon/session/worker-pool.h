/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session's workers, of which at most one may receive: forks them, notices their ends, and ends those that
 * take too long.  Only a session that has workers, or needs one, has a pool: an idle session should cost
 * next to nothing.
 *
 * Workers take requests without telling the daemon, which would cost each call a wake-up.  So the pool has
 * to look into the ledger: pool_enforce() at the time that pool_next_deadline() gives. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"
#include "worker/worker.h"

/* A call that takes longer than this no longer holds up those behind it. */
#define POOL_STALL_USEC 10000U

typedef struct WorkerPool WorkerPool;

/* What the pool tells its owner, with the userdata of pool_new(). */
typedef struct WorkerPoolOwner {
        /* A worker ended otherwise than it should. */
        void (*on_died)(pid_t pid, const siginfo_t *info, void *userdata);
        /* A worker was killed in vain; so many of the session's hang now. */
        void (*on_hangs)(pid_t pid, uint32_t n_hanging, void *userdata);
        /* The worker that holds this slot hangs in an overdue request, which has no answer yet. */
        void (*on_unanswered)(uint32_t index, void *userdata);
        /* A process ended; what it held may be unfinished.  Called last: the owner may free the pool. */
        void (*on_worker_gone)(void *userdata);
} WorkerPoolOwner;

/* Maps the ledger, whose fd stays the caller's, and adopts the processes that work on it: systemd starts a
 * daemon without waiting for the workers of the one before, which may hang.  owner and userdata outlive the
 * pool. Returns 0 or a negative errno.  pool_free() takes NULL and returns NULL; workers that are left go on
 * without the daemon. */
int pool_new(sd_event *event, const WorkerPoolOwner *owner, void *userdata, int ledger_fd, WorkerPool **ret);
WorkerPool *pool_free(WorkerPool *pool);

Ledger *pool_ledger(WorkerPool *pool);

/* What a new worker is for. */
typedef enum PoolRole {
        POOL_RECEIVES,           /* it becomes the receiver where there is none */
        POOL_FINISHES,           /* only what its predecessor left */
        POOL_REJECTS_AFTER_STOP, /* see worker/reject.h */
} PoolRole;

/* Forks a worker with arguments->number, which must have no process.  LEDGER_REJECTING is the rejecting
 * worker. Returns 0 or a negative errno. */
int pool_spawn(WorkerPool *pool, const WorkerArguments *arguments, PoolRole role);

bool pool_is_empty(const WorkerPool *pool);
/* Has it a process that does not hang? */
bool pool_has_live(const WorkerPool *pool);
bool pool_has_receiver(const WorkerPool *pool);
bool pool_has_process(const WorkerPool *pool, uint32_t number);

/* Does a rejecting worker of an earlier daemon still have to end?  It rejects what our workers would
 * perform. */
bool pool_has_foreign_rejecting(const WorkerPool *pool);

/* What a worker that is gone has left: it died over it, or the daemon did. */
typedef enum PoolUnfinished {
        POOL_FINISHED,
        POOL_UNFINISHED_REQUEST,
        POOL_UNFINISHED_RECORDS, /* unsent ones, and no request */
} PoolUnfinished;

PoolUnfinished pool_unfinished(const WorkerPool *pool, uint32_t number);

/* Is no request in the ledger, but for those that were answered in the place of a worker that hangs? */
bool pool_is_quiet(const WorkerPool *pool);

/* Returns a number without a process that has left nothing; LEDGER_REJECTING where all other workers hang;
 * or LEDGER_NO_RECEIVER where the pool is complete. */
uint32_t pool_find_free(const WorkerPool *pool);

/* How many workers were killed in vain? */
uint32_t pool_count_hanging(const WorkerPool *pool);

/* For how long has the receiver been at one request, or, at none, let one wait?  The receiver is stalled
 * from POOL_STALL_USEC on.  0 where there is no receiver. */
uint64_t pool_stall_usec(const WorkerPool *pool);

/* No worker is the receiver any more; the one that was exits when it has finished the request in hand, if it
 * has one. */
void pool_relieve_receiver(WorkerPool *pool);

/* The same, and it does not wait for the end of a delay. */
void pool_retire_receiver(WorkerPool *pool);
/* The same for all workers. */
void pool_retire_all(WorkerPool *pool);

/* Kills workers that have been at one request for longer than call_timeout_usec, and retired workers that
 * should have exited, even over a request where the session is over.  Tells the owner which requests need an
 * answer and which workers hang. */
void pool_enforce(WorkerPool *pool, uint64_t call_timeout_usec, bool is_over);

/* The daemon did not run for a while, and so the workers may not have run either: the machine or the service
 * was frozen.  The requests that they have in hand get the whole time again. */
void pool_excuse(WorkerPool *pool);

/* When pool_enforce() may have something to do, as far as the ledger tells now (CLOCK_MONOTONIC,
 * microseconds); UINT64_MAX: not unless a worker takes another request. */
uint64_t pool_next_deadline(const WorkerPool *pool, uint64_t call_timeout_usec);

void pool_kill_all(WorkerPool *pool);
