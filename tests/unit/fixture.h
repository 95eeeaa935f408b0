/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fixture for one request: a target with the real filter, its listener, a ledger, and workers that can be
 * stopped at each of their system calls.  A traced worker needs no hooks in the product. */

#include <stdbool.h>
#include <sys/types.h>

#include "worker/reject.h"
#include "worker/worker.h"

/* From here on workers run the reader in the kernel.  Returns NULL, or why there is none. */
const char *fixture_use_reader(void);

/* The kind of target, and how it calls. */
typedef struct Workload {
        const char *name;
        uid_t uid;              /* 0: stays root */
        bool chrooted;          /* its root directory is not the host's */
        bool in_user_namespace; /* its own */
        bool knocks;
        bool removes;     /* calls rmdir(2), where others call mkdir(2) */
        bool limits;      /* sets RLIMIT_LOCKS, where others call mkdir(2) */
        bool forks;       /* forks, and each of the two creates a directory */
        bool moves;       /* changes its root directory before it does so */
        bool repeats;     /* calls mkdir(2) once more when it is told to, having removed what it made */
        bool is_relative; /* passes a name in its working directory */
} Workload;

typedef struct Fixture {
        const Workload *workload;
        char dir[32];
        char path[48];
        char child_path[48];
        int listener_fd;
        int ledger_fd;
        int daemon_fd;
        int host_root_fd;
        int target_fd; /* a socket to the target */
        int record_fd; /* the workers' stderr */
        Ledger *ledger;
        pid_t target;
        const Executor *executor; /* of its workers; NULL: the one that acts for the target */
        const Guard *guard;
        int reader_fd; /* of the reader in the kernel; 0: its workers ask /proc */
} Fixture;

#define FIXTURE_MODE 0775
#define FIXTURE_UMASK 0027
#define FIXTURE_KNOCK_ANSWER 4711

/* The result of a target's call. */
typedef struct FixtureResult {
        int error;
        long value;
        bool from_child; /* of a workload that forks */
} FixtureResult;

/* A worker's stop at a system call. */
typedef struct Stop {
        bool entry;
        long nr;
        long result; /* at the exit */
} Stop;

/* Asserts that all goes well.  fixture_tear_down() kills the target and removes what was made; it takes a
 * fixture of zeros, too. */
void fixture_set_up(const Workload *workload, Fixture *ret);
void fixture_tear_down(Fixture *fixture);

/* Lets the target make its call, and waits until that is pending. */
void fixture_call(Fixture *fixture);

/* Lets a target that repeats make its second call. */
void fixture_call_again(const Fixture *fixture);

/* Waits for the call's end.  Asserts that there is one. */
FixtureResult fixture_result(const Fixture *fixture);
bool fixture_has_result(const Fixture *fixture);

/* Does a call wait to be received? */
bool fixture_has_call(const Fixture *fixture);

void fixture_kill_target(Fixture *fixture);

/* The policies of the fixtures' workers: everything is allowed, denied, or allowed after a delay of a day;
 * or the session's profile is no more. */
typedef enum FixturePolicy {
        FIXTURE_ALLOW,
        FIXTURE_DENY,
        FIXTURE_DELAY,
        FIXTURE_NO_PROFILE,
        FIXTURE_KEEP,   /* a rule that speaks of rmdir alone denies everything */
        FIXTURE_PARTLY, /* allowed, but not at another place */
        FIXTURE_AUDIT,
} FixturePolicy;

/* Starts a worker with this number, and makes it the receiver.  A traced one stands before worker_run(). */
pid_t fixture_start_worker(const Fixture *fixture, uint32_t number, FixturePolicy policy);
pid_t fixture_trace_worker(const Fixture *fixture, FixturePolicy policy);

/* Starts a rejecting worker, whose call-timeout= is 0.  The receiver is what it was.  A traced one stops
 * before reject_run(). */
pid_t fixture_start_rejecting(const Fixture *fixture, RejectReason reason);
pid_t fixture_trace_rejecting(const Fixture *fixture, RejectReason reason);

/* Goes on to the next stop.  Returns false where the worker has ended instead; then it is reaped. */
bool worker_step(pid_t worker, Stop *ret);

/* Goes on to the next stop of this kind. */
void worker_step_to(pid_t worker, long nr, bool entry);

/* Goes on without stops. */
void worker_release(pid_t worker);

/* Waits for the worker's end and asserts that it left of its own will. */
void worker_left(const Fixture *fixture, pid_t worker);

/* The records, one a line. */
const char *fixture_records(const Fixture *fixture);

/* How many directories there are. */
unsigned fixture_count(const Fixture *fixture);
