/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decides on a request by the rules: where the places that it names really are, and what the rules say of
 * them. */

#include "policy/policy.h"
#include "worker/executor/impersonation.h"
#include "worker/location/host-mounts.h"
#include "worker/request/request.h"

typedef struct Decider {
        const Profile *profile; /* NULL: everything is denied */
        HostMounts *host_mounts;
        Impersonation *impersonation;
        Request *request;
        /* CLOCK_MONOTONIC: mounts of the host count that are HOST_MOUNTS_LOOK_USEC older */
        uint64_t now_usec;
} Decider;

/* Finds where the pinned places are now and decides, as the first of them that is denied says.  Fills the
 * request's decision and the slot's paths, rule and why.  The path of a place that the host does not have
 * begins with DECISION_PRIVATE, so that it is no path of the host's.  The worker stays in the host's root,
 * with the first parent as its working directory, and may have reverted its credentials.  Returns
 * REQUEST_PROCEED, REQUEST_DECIDED (a parent has been removed: ENOENT), REQUEST_GONE, -ENAMETOOLONG (a path
 * is too long for the rules), or another negative errno. */
#define DECISION_PRIVATE "(private)"
int decider_decide(Decider *decider);

/* Time has passed: what the target takes the places for is read again. */
void decider_forget(Decider *decider);
