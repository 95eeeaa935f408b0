/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The actor: whoever is the target for the time of one request.  Usually that is the worker itself, with the
 * target's file system credentials; where these don't make it the target, it is a deputy. */

#include <stdbool.h>
#include <stdint.h>

#include "act.h"
#include "common/confinement.h"
#include "resolve.h"
#include "site.h"
#include "target.h"

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
} ActorPart;

/* Takes over the process's credentials, root and working directory.  Returns 0 or a negative errno.
 * actor_free() takes NULL and returns NULL. */
int actor_new(int host_root_fd, const Confinement *deputy_confinement, Actor **ret);
Actor *actor_free(Actor *actor);

/* Makes the parent the working directory, as the target, in the host's root.  part must stay until
 * actor_leave().  *ret_checked says whether the notification was checked after all that was read; where
 * nothing had to be done as the target yet, that is left to the caller, who may have more to read.  Returns
 * 0, with *ret_error set where the target gets an errno; TARGET_GONE, SITE_DELETED, -EBADF (the target has
 * no such dirfd), or another negative errno. */
int actor_pin(Actor *actor, const ActorPart *part, Site *site, bool *ret_checked, int *ret_error);

/* The functions of act.h for the name in the parent.  *ret_error is what those return.  Return 0 or a
 * negative errno. */
int actor_look(Actor *actor, int *ret_error);
int actor_perform(Actor *actor, Act act, uint32_t mode, int *ret_error);

/* Is itself again, with nothing of the target in hand.  Returns 0, or a negative errno: then the process
 * must end. */
int actor_leave(Actor *actor);
