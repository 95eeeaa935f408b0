/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A helper: a process for one request that takes on all of the target's credentials: its uids, its user
 * namespace, its capabilities.  A worker cannot do that, because it holds the listener.  The helper finds
 * the parents, passes them to the worker, which decides, and then does what the worker commands.
 *
 * The workload can send signals to a helper, as to itself, but cannot trace it; and a helper holds nothing
 * that the workload must not have. */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "worker/operation/operation.h"
#include "worker/request/request.h"

typedef struct Helper Helper;
typedef struct Impersonation Impersonation;

/* What a helper must become and find.  Owns user_namespace_fd, root_fd and base_fds, which
 * helper_request_done() closes; the rest is not owned. */
typedef struct HelperRequest {
        const Request *request; /* the helper has a copy of everything but the slot */
        const Impersonation *impersonation;
        int user_namespace_fd;       /* the target's; -EBADF: it is the worker's own */
        int root_fd;                 /* the target's */
        int base_fds[LOCATIONS_MAX]; /* where relative paths start; -EBADF for an absolute one */
} HelperRequest;

void helper_request_done(HelperRequest *helper_request);

/* Starts a helper, which finds the parents.  Returns 0 with the caller's helper, or a negative errno: -EPIPE
 * if the helper died, -ESRCH if the target does not wait for its call any more, -ETIME as helper_dismiss().
 * If it returns 0, *ret_error is 0, or the errno that the target gets because there is no such parent. */
int helper_new(const HelperRequest *helper_request, Helper **ret, int *ret_error);

/* Passes the O_PATH fd of one parent to the caller, which owns it from here on, and the identity that the
 * helper read of it.  Call this once for each parent. */
void helper_take_parent(Helper *helper, unsigned location, LedgerObject *ret_object, int *ret_fd);

/* Makes the helper exit, waits for that, and frees it in any case.  Takes NULL.  Returns 0 once the process
 * is gone and holds nothing of the target's.  Returns -ETIME if it does not exit, because its user has
 * stopped it or a file system does not answer.  A worker cannot kill any process.  But the kernel kills the
 * helper when the worker ends: after -ETIME the worker must end. */
int helper_dismiss(Helper *helper);

/* Let the helper check or perform the operation of its request: see Operation.  Return 0 with *ret, or a
 * negative errno: -EPIPE if the helper died, -ESRCH if the target does not wait for its call any more. */
int helper_check(Helper *helper, const OperationCall *call, Outcome *ret);
int helper_perform(Helper *helper, const OperationCall *call, Outcome *ret);
