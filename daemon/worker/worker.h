/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker: the process that receives one session's requests, performs and answers them.  Only
 * session_spawn_worker() makes one; it is forked from the daemon and inherits the policy. */

#include <stdint.h>
#include <sys/types.h>

#include "common/ledger.h"
#include "common/report.h"
#include "common/sandbox.h"
#include "common/session-identity.h"
#include "guard/guard.h"
#include "policy/policy.h"
#include "worker/executor/executor.h"

/* For how long a worker without requests stays. */
#define WORKER_IDLE_USEC 5000000U

/* How a worker leaves; anything else is a death. */
enum {
        WORKER_EXIT_IDLE =
                0, /* no request for a while, the session is over, or another has become the receiver */
        WORKER_EXIT_FAILED = 1, /* it could not set itself up; said why */
};

/* All that a worker gets; the daemon owns it. */
typedef struct WorkerArguments {
        int listener_fd;
        int ledger_fd;
        int daemon_fd;    /* a pidfd: readable once the daemon is dead */
        int host_root_fd; /* O_PATH, of PID 1's root */
        int cgroup_fd;    /* the session's; -EBADF: it has none */
        int reader_fd;    /* see reader/reader.h; -EBADF: there is no reader */
        uint32_t number;  /* which of the session's workers: below LEDGER_WORKERS */
        SessionIdentity session;
        const Policy *policy;
        const Profile *profile; /* NULL: the configuration no longer has it, everything is denied */
        Report *report;
        const Sandbox *sandbox;
        const Sandbox *helper_sandbox;
        const Executor *executor; /* how decisions are carried out */
        const Guard *guard;       /* NULL: there is none */
} WorkerArguments;

/* Runs until there is nothing left to do; returns the exit facts.  The process's signals are at their
 * defaults, SIGTERM is blocked and means: finish the request in hand and leave. */
int worker_run(const WorkerArguments *arguments);
