/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A helper: a process for one request that becomes the target altogether - uids, user namespace and all -
 * which a worker cannot, for it holds the listener.  It finds the parents, hands them to the worker to
 * decide on, and then does what the worker says.
 *
 * The workload may signal a helper, as it may signal itself, but not trace it; and there is nothing in it
 * worth having. */

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
        const Request *request;      /* the helper has a copy, but for the slot */
        int user_namespace_fd;       /* the target's; -EBADF: the worker's own is right */
        int root_fd;                 /* the target's */
        int base_fds[LOCATIONS_MAX]; /* where relative paths start; -EBADF for an absolute one */
        const Sandbox *sandbox;
        int lock_fd; /* where it locks for the worker, see ledger_open_lock() */
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

/* Dismisses it, and frees it: once this returns 0 it is gone, and nothing of the target's is in its hands.
 * Returns -ETIME where it does not leave, because its user has stopped it or a file system does not answer.
 * The worker cannot kill it, nor any other process: the kernel does so when the worker ends, which therefore
 * must do that.  Takes NULL. */
int helper_dismiss(Helper *helper);

/* Lets it check or perform the operation of its request: see Operation.  Return 0 or a negative errno:
 * -EPIPE where it died. */
int helper_check(Helper *helper, const OperationCall *call, Outcome *ret);
int helper_perform(Helper *helper, const OperationCall *call, Outcome *ret);
