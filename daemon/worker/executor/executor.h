/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The executor: whoever is the target for the time of one request.  Usually that is the worker itself, with
 * the target's file system credentials; where these don't make it the target, it is a helper. */

#include <stdbool.h>
#include <stdint.h>

#include "common/sandbox.h"
#include "worker/executor/rootdir.h"
#include "worker/location/host-mounts.h"
#include "worker/location/parent.h"
#include "worker/location/resolve.h"
#include "worker/operation/operation.h"
#include "worker/target/target.h"

typedef struct Executor Executor;

/* Whose path it is, and where it starts. */
typedef struct ExecutorPart {
        Target *target;
        const TaskFacts *facts;
        const Resolved *resolved;
        int dirfd; /* as passed; AT_FDCWD */
        bool absolute;
        int listener_fd;
        uint64_t id; /* of the notification */
        int lock_fd; /* where a helper signs on, as this worker */
        uint32_t number;
        Intent *intent;
        uint64_t taken_usec; /* when the call began, for the worker (CLOCK_MONOTONIC) */
        Parent *parent;      /* released, at first */
} ExecutorPart;

/* Takes over the process's credentials, root and working directory; host_mounts stays the caller's.  Returns
 * 0 or a negative errno. executor_free() takes NULL and returns NULL. */
int executor_new(int host_root_fd, HostMounts *host_mounts, const Sandbox *helper_sandbox, Executor **ret);
Executor *executor_free(Executor *executor);

/* What judging needs: the worker's own credentials, and its root. */
CredentialsOverride *executor_override(Executor *executor);
RootDir *executor_rootdir(Executor *executor);

/* Pins the parent, as the target, and enters it in the host's root (see parent_enter()).  part and its
 * parent must stay until executor_leave().  Returns 0, with *ret_error set where the target gets an errno;
 * TARGET_GONE, -EBADF (the target has no such dirfd), or another negative errno. */
int executor_pin(Executor *executor, const ExecutorPart *part, int *ret_error);

/* Finds out what came of an intent that was begun in the noted parent: *ret_error as act_find() has it.
 * Returns 0, or -ESTALE where that parent is not the pinned one and cannot be opened again, or another
 * negative errno. */
int executor_find(Executor *executor, const LedgerObject *noted, int *ret_error);

/* Looks for the name in the parent, as the target: *ret_error as act_look() has it.  Returns 0 or a negative
 * errno. */
int executor_look(Executor *executor, int *ret_error);

/* Performs the call, unless it is over by now: *ret_error as act_perform() has it.  Returns 0, TARGET_GONE
 * with nothing done, or a negative errno. */
int executor_perform(Executor *executor, OperationKind act, uint32_t mode, int *ret_error);

/* Is itself again, with nothing of the target in hand.  Returns 0, or a negative errno: then the process
 * must end; -ETIME as helper_dismiss() has it. */
int executor_leave(Executor *executor);
