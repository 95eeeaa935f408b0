/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stage for one request: a target with the real filter, its listener, a ledger, and workers that can be
 * stopped at each of their system calls.  A traced worker needs no hooks in the product. */

#include <stdbool.h>
#include <sys/types.h>

#include "worker/reject.h"
#include "worker/worker.h"

/* Who calls, and how. */
typedef struct Workload {
        const char *name;
        uid_t uid;    /* 0: stays root */
        bool jailed;  /* lives in a root directory of its own */
        bool foreign; /* lives in a user namespace of its own */
        bool knocks;
        bool removes; /* calls rmdir(2), where others call mkdir(2) */
        bool twin;    /* forks, and the two make a directory each */
} Workload;

typedef struct Stage {
        const Workload *workload;
        char dir[32];
        char path[48];
        char twin_path[48];
        int listener_fd;
        int ledger_fd;
        int daemon_fd;
        int host_root_fd;
        int target_fd; /* a socket to the target */
        int record_fd; /* the workers' stderr */
        Ledger *ledger;
        pid_t target;
        const Executor *executor; /* of its workers; NULL: the one that acts for the target */
} Stage;

#define STAGE_MODE 0775
#define STAGE_UMASK 0027
#define STAGE_KNOCK_ANSWER 4711

/* What a target's call came to. */
typedef struct StageResult {
        int error;
        long value;
        bool twin;
} StageResult;

/* A worker's stop at a system call. */
typedef struct Stop {
        bool entry;
        long nr;
        long result; /* at the exit */
} Stop;

/* Asserts that all goes well.  stage_strike() kills the target and removes what was made; it takes a stage
 * of zeros, too. */
void stage_set(const Workload *workload, Stage *ret);
void stage_strike(Stage *stage);

/* Lets the target make its call, and waits until that is pending. */
void stage_call(Stage *stage);

/* Waits for the call's end.  Asserts that there is one. */
StageResult stage_result(const Stage *stage);
bool stage_has_result(const Stage *stage);

/* Does a call wait to be received? */
bool stage_has_call(const Stage *stage);

void stage_kill_target(Stage *stage);

/* The policies of the stages' workers: everything is allowed, denied, or allowed after a delay of a day; or
 * the session's profile is no more. */
typedef enum StagePolicy {
        STAGE_ALLOW,
        STAGE_DENY,
        STAGE_DELAY,
        STAGE_NO_PROFILE,
        STAGE_KEEP, /* a rule that speaks of rmdir alone denies everything */
} StagePolicy;

/* Starts a worker with this number, and makes it the receiver.  A traced one stands before worker_run(). */
pid_t stage_start_worker(const Stage *stage, uint32_t number, StagePolicy policy);
pid_t stage_trace_worker(const Stage *stage, StagePolicy policy);

/* Starts a rejecting worker, whose call-timeout= is 0.  The receiver is what it was.  A traced one stops
 * before reject_run(). */
pid_t stage_start_rejecting(const Stage *stage, RejectReason reason);
pid_t stage_trace_rejecting(const Stage *stage, RejectReason reason);

/* Goes on to the next stop.  Returns false where the worker has ended instead; then it is reaped. */
bool worker_step(pid_t worker, Stop *ret);

/* Goes on to the next stop of this kind. */
void worker_step_to(pid_t worker, long nr, bool entry);

/* Goes on without stops. */
void worker_release(pid_t worker);

/* Waits for the worker's end and asserts that it left of its own will. */
void worker_left(const Stage *stage, pid_t worker);

/* The records, one a line. */
const char *stage_records(const Stage *stage);

/* How many directories there are. */
unsigned stage_count(const Stage *stage);
