/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A helper: a process for one request that becomes the target altogether - uids, user namespace and all -
 * which a worker cannot, for it holds the listener.  It resolves the path, hands the pinned parent to the
 * worker to judge, and then does what the worker says.
 *
 * The workload may signal a helper, as it may signal itself, but not trace it; and there is nothing in it
 * worth having. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "common/sandbox.h"
#include "worker/location/resolve.h"
#include "worker/operation/operation.h"
#include "worker/target/target.h"

typedef struct Helper Helper;

/* What it is to become and to find; nothing is taken over. */
typedef struct HelperRequest {
        const TaskFacts *facts;
        int user_namespace_fd; /* the target's; -EBADF: the worker's own is right */
        int root_fd;           /* the target's */
        int base_fd;           /* what a relative path starts at; -EBADF for an absolute one */
        const Resolved *resolved;
        ProcfsReader *reader;
        const Sandbox *sandbox;
        int listener_fd; /* the worker looks there now and then whether anybody still waits */
        uint64_t id;
        int lock_fd; /* where it signs on for the worker, see ledger_open_lock() */
        uint32_t number;
        Intent *intent; /* in memory that it inherits */
} HelperRequest;

/* Starts one and lets it find the parent.  Returns 0 with the caller's helper, O_PATH fd of the parent, and
 * in ret_object what the helper sees of that; with *ret_error set instead, the errno that the target gets;
 * or a negative errno: -EPIPE where it died, -ESRCH where nobody waits for it any more. */
int helper_new(const HelperRequest *orders, Helper **ret, LedgerObject *ret_object, int *ret_parent_fd,
        int *ret_error);

/* Dismisses it, and frees it: once this returns 0 it is gone, and nothing of the target's is in its hands.
 * Returns -ETIME where it does not leave, because its user has stopped it or a file system does not answer.
 * The worker cannot kill it, nor any other process: the kernel does so when the worker ends, which therefore
 * must do that.  Takes NULL. */
int helper_dismiss(Helper *helper);

/* Lets it look for the name, or perform the call: *ret_error is what act_look() and act_perform() return.
 * Return 0 or a negative errno: -EPIPE where it died. */
int helper_look(Helper *helper, int *ret_error);
int helper_perform(Helper *helper, OperationKind act, uint32_t mode, bool may_look, int *ret_error);
