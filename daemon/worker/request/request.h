/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call of a target, from its notification to its outcome.  What a successor needs to know of it, and
 * what its record tells, stands in its slot of the ledger; the rest stands here, for as long as a worker is
 * at it. */

#include "common/calls.h"
#include "common/ledger.h"
#include "common/notify.h"
#include "policy/policy.h"
#include "worker/location/location.h"
#include "worker/operation/operation.h"
#include "worker/target/target.h"
#include "worker/target/task-reader.h"

/* How a stage of the pipeline went; or a negative errno: the worker failed. */
typedef enum RequestStatus {
        REQUEST_PROCEED = 0,        /* the next stage follows */
        REQUEST_GONE = STATUS_GONE, /* nothing waits for an answer any more, and nothing was done */
        REQUEST_DECIDED,            /* the outcome stands, and nothing was performed */
        REQUEST_DONE,               /* the outcome stands */
        REQUEST_LEFT,               /* the worker was told to leave: the next one begins anew */
        REQUEST_ANEW,               /* what was presumed of the target is not so: the worker begins anew */
} RequestStatus;

typedef struct Request {
        Notification notification;
        const Call *call;           /* the row of the system call that was trapped; NULL: it is not known */
        const Operation *operation; /* NULL: there is nothing to be performed */
        uint32_t index;             /* of the slot */
        Slot *slot;
        Intent *intent;
        TaskReader *task_reader;
        Target *target;
        TaskFacts facts;
        bool presumes_host_root; /* no worker has looked at the target's root: see impersonation.h */
        Location locations[LOCATIONS_MAX];
        Verdict decision;
        Outcome outcome;
} Request;

/* Makes sure that these sets of facts about the caller, of TaskFactSet, are known.  Returns as
 * task_reader_read(). */
static inline int request_need_facts(Request *request, unsigned sets) {
        return task_reader_read(request->task_reader, request->target, sets, &request->facts);
}

/* How many places does the call name? */
static inline unsigned request_n_locations(const Request *request) {
        return request->operation ? request->operation->n_locations : 0;
}

/* The outcome is an error that the kernel would give, and nothing was performed. */
static inline RequestStatus request_fails(Request *request, int error) {
        request->outcome = outcome_error(error);
        request->slot->verdict = SLOT_ALLOWED;
        return REQUEST_DECIDED;
}
