/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The executor: how a decision is carried out.  What comes before it (reading, pinning, deciding) and after
 * it (the reply, the record, recovery by the phases of a slot) does not depend on which one it is.  A
 * session has one executor from its start to its end. */

#include "worker/executor/impersonation.h"
#include "worker/request/request.h"

typedef struct Executor {
        /* The worker performs the call as the target: it needs the target's credentials to find its places,
         * and the memory that a created directory takes is charged to the worker. */
        bool acts;
        /* What it needs to know of every caller: sets of TaskFactSet. */
        unsigned facts;
        /* The decision allows the call.  Returns REQUEST_DONE, REQUEST_GONE or REQUEST_ANEW with nothing
         * performed, or a negative errno. */
        int (*perform)(Impersonation *impersonation, Request *request);
        /* The decision denies it.  What the kernel says before it asks a security module comes first, and
         * the slot's verdict tells which it was.  Returns REQUEST_DECIDED, REQUEST_DONE, REQUEST_GONE,
         * REQUEST_ANEW, or a negative errno. */
        int (*refuse)(Impersonation *impersonation, Request *request);
        /* The outcome was decided before the rules were asked, by what was read or looked up, and nothing
         * was performed.  Returns REQUEST_DONE, REQUEST_GONE, REQUEST_ANEW, or a negative errno. */
        int (*conclude)(Impersonation *impersonation, Request *request);
        /* A process died over the request when the call may have been performed.  Returns REQUEST_DECIDED
         * with the outcome of that call, REQUEST_PROCEED where it was not performed, or a negative errno:
         * -ESTALE where the parent that the slot notes is not the pinned one, and cannot be found again. */
        int (*find_out)(Impersonation *impersonation, Request *request);
} Executor;

/* Acts for the target: a worker, or its helper, performs the call with the target's credentials. */
extern const Executor executor_acting;

/* Leaves a permit with the guard in the kernel (guard/guard.h), and lets the target perform its own call:
 * the kernel asks the guard at the moment of creation.  perform() and refuse() fail with -ENOTCONN where the
 * guard does not have the session, and with -ENOSPC where the session has as many permits as it may. */
extern const Executor executor_guarded;
