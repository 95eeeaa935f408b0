/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The actor: whoever is the target for the time of one request.  Usually that is the worker itself, with the
 * target's file system credentials; where these don't make it the target, it is a deputy. */

#include <stdbool.h>
#include <stdint.h>

#include "common/sandbox.h"
#include "worker/executor/rootdir.h"
#include "worker/location/host-mounts.h"
#include "worker/location/parent.h"
#include "worker/location/resolve.h"
#include "worker/operation/operation.h"
#include "worker/target/target.h"

typedef struct Actor Actor;

/* Whose path it is, and where it starts. */
typedef struct ActorPart {
        Target *target;
        const TargetStatus *status;
        const Resolved *resolved;
        int dirfd; /* as passed; AT_FDCWD */
        bool absolute;
        int listener_fd;
        uint64_t id; /* of the notification */
        int roll_fd; /* where a deputy signs on, as this worker */
        uint32_t number;
        Deed *deed;
        uint64_t taken_usec; /* when the call began, for the worker (CLOCK_MONOTONIC) */
        Parent *parent;      /* released, at first */
} ActorPart;

/* Takes over the process's credentials, root and working directory; host_mounts stays the caller's.  Returns
 * 0 or a negative errno. actor_free() takes NULL and returns NULL. */
int actor_new(int host_root_fd, HostMounts *host_mounts, const Confinement *deputy_confinement, Actor **ret);
Actor *actor_free(Actor *actor);

/* What judging needs: the worker's own credentials, and its root. */
Becomer *actor_becomer(Actor *actor);
Standing *actor_standing(Actor *actor);

/* Pins the parent, as the target, and enters it in the host's root (see parent_enter()).  part and its
 * parent must stay until actor_leave().  Returns 0, with *ret_error set where the target gets an errno;
 * TARGET_GONE, -EBADF (the target has no such dirfd), or another negative errno. */
int actor_pin(Actor *actor, const ActorPart *part, int *ret_error);

/* Finds out what came of a deed that was begun in the noted parent: *ret_error as act_find() has it. Returns
 * 0, or -ESTALE where that parent is not the pinned one and cannot be opened again, or another negative
 * errno. */
int actor_find(Actor *actor, const LedgerObject *noted, int *ret_error);

/* Looks for the name in the parent, as the target: *ret_error as act_look() has it.  Returns 0 or a negative
 * errno. */
int actor_look(Actor *actor, int *ret_error);

/* Performs the call, unless it is over by now: *ret_error as act_perform() has it.  Returns 0, TARGET_GONE
 * with nothing done, or a negative errno. */
int actor_perform(Actor *actor, Act act, uint32_t mode, int *ret_error);

/* Is itself again, with nothing of the target in hand.  Returns 0, or a negative errno: then the process
 * must end; -ETIME as deputy_dismiss() has it. */
int actor_leave(Actor *actor);
