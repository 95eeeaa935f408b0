/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the worker impersonates a target: by its credentials and root directory, or by a helper process.
 *
 * A worker that acts for its targets usually takes their file system credentials.  Where that does not make
 * it the target - in another user namespace, on file systems that look at the real uid - a helper does.
 *
 * A worker that does not act keeps its own credentials, and finds places with them: the target's own walk
 * decides what the target may reach.  A helper finds those that the worker may not enter. */

#include <stdbool.h>
#include <stdint.h>

#include "common/sandbox.h"
#include "guard/guard.h"
#include "worker/executor/helper.h"
#include "worker/executor/rootdir.h"
#include "worker/location/host-mounts.h"
#include "worker/request/request.h"
#include "worker/target/credentials.h"

struct Impersonation {
        bool acts;          /* the worker performs the calls of its targets, as the targets */
        const Guard *guard; /* not owned; NULL: there is none */
        CredentialsOverride *override;
        RootDir rootdir;
        Helper *helper;          /* NULL: the worker itself impersonates the target */
        HostMounts *host_mounts; /* not owned */
        LedgerHeader *ledger;    /* not owned */
        const Sandbox *helper_sandbox;
        WorkerLock lock; /* with which a helper locks the ledger */
        LedgerObject
                noted[LOCATIONS_MAX]; /* parents of the last call that it performed, with their handles */
};

/* Takes over the credentials, the root and the working directory of the process.  All but override, rootdir
 * and helper are filled in by the caller.  Returns 0 or a negative errno.  impersonation_done() takes one
 * that failed, too. */
int impersonation_init(Impersonation *impersonation, int host_root_fd);
void impersonation_done(Impersonation *impersonation);

/* The worker's own credentials, in the host's root.  Returns 0 or a negative errno: then the process must
 * end. */
int impersonation_revert(Impersonation *impersonation);

/* Does the worker take the target's root directory for the host's without a look?  It does so if it does not
 * act, and the root was the host's when it looked last: the guard makes sure of that when it writes the
 * permit, and otherwise the request begins anew.  The worker must be in the host's root. */
bool impersonation_presumes_host_root(const Impersonation *impersonation, Request *request);

/* Makes sure that TASK_ROOT is known.  Returns as request_need_facts(). */
int impersonation_need_root(const Impersonation *impersonation, Request *request);

/* Also lets go of all that is the target's.  Returns 0, or a negative errno: then the process must end;
 * -ETIME as helper_dismiss() has it. */
int impersonation_end(Impersonation *impersonation, Request *request);
