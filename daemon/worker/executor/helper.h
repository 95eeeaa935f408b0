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
#include "common/sandbox.h"
#include "worker/operation/operation.h"
#include "worker/request/request.h"

typedef struct Helper Helper;

/* What it is to become and to find.  helper_request_done() closes the three kinds of descriptors; the rest
 * is not owned. */
typedef struct HelperRequest {
        const Request *request;      /* the helper has a copy of everything but the slot */
        int user_namespace_fd;       /* the target's; -EBADF: the worker's own is right */
        int root_fd;                 /* the target's */
        int base_fds[LOCATIONS_MAX]; /* where relative paths start; -EBADF for an absolute one */
        const Sandbox *sandbox;
        int lock_fd; /* with which it takes the worker's lock: see ledger_open_lock() */
        uint32_t number;
        bool minds_autofs; /* see PathLookup */
} HelperRequest;

void helper_request_done(HelperRequest *orders);

/* Starts one and lets it find the parents.  Returns 0 with the caller's helper; with *ret_error set instead,
 * the errno that the target gets; or a negative errno: -EPIPE where it died, -ESRCH where nothing waits for
 * it any more. */
int helper_new(const HelperRequest *orders, Helper **ret, int *ret_error);

/* Hands over the caller's O_PATH fd of one parent, and what the helper sees of it; to be called once for
 * each. */
void helper_take_parent(Helper *helper, unsigned location, LedgerObject *ret_object, int *ret_fd);

/* Makes it exit, and frees it: once this returns 0 the process is gone, and holds nothing of the target's.
 * Returns -ETIME if it does not exit, because its user has stopped it or a file system does not answer.
 * The worker cannot kill it, nor any other process: the kernel does so when the worker ends, which therefore
 * must do that.  Takes NULL. */
int helper_dismiss(Helper *helper);

/* Lets it check or perform the operation of its request: see Operation.  Return 0 or a negative errno:
 * -EPIPE where it died. */
int helper_check(Helper *helper, const OperationCall *call, Outcome *ret);
int helper_perform(Helper *helper, const OperationCall *call, Outcome *ret);
