/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The executor: how a decision is carried out.  What comes before it (reading, pinning, deciding) and after
 * it (the reply, the record, recovery by the phases of a slot) does not depend on which one it is. */

#include "worker/executor/impersonation.h"
#include "worker/request/request.h"

typedef struct Executor {
        /* The decision allows the call, and the slot says ACTING.  The check of the notification is the last
         * step before the call is performed.  Returns REQUEST_DONE, REQUEST_GONE with nothing performed, or
         * a negative errno. */
        int (*perform)(Impersonation *impersonation, Request *request);
        /* The decision denies it.  What the kernel says before it asks a security module comes first, and
         * the slot's verdict tells which it was.  Returns REQUEST_DECIDED, REQUEST_DONE, REQUEST_GONE, or a
         * negative errno. */
        int (*refuse)(Impersonation *impersonation, Request *request);
        /* A process died over the request when the call may have been performed.  Returns REQUEST_DECIDED
         * with the outcome of that call, REQUEST_PROCEED where it was not performed, or a negative errno:
         * -ESTALE where the parent that the slot notes is not the pinned one, and cannot be found again. */
        int (*find_out)(Impersonation *impersonation, Request *request);
} Executor;

/* Acts for the target: a worker, or its helper, performs the call with the target's credentials. */
extern const Executor executor_acting;
