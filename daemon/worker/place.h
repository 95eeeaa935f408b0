/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the pinned parent (the working directory) really is: its path on the host, whatever the target calls
 * it. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "host-mounts.h"
#include "target.h"

/* Positive outcomes, apart from those of a target and a request. */
enum {
        PLACE_DELETED = 16, /* the parent has been removed: ENOENT */
        PLACE_ELSEWHERE,    /* it is in no directory that can be reached from the root we stand in */
        PLACE_PRIVATE,      /* it is on a tmpfs that the host does not have mounted */
        PLACE_INERT,        /* it is on a /proc, a /sys or the like of its own, see place_is_inert() */
};

/* Writes the working directory's path from the root that we stand in, followed by "/" and name, to ret.
 * Returns 0, PLACE_DELETED, PLACE_ELSEWHERE, -ENAMETOOLONG, or another negative errno. */
int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length);

/* The same for a directory in a mount namespace of the target's own: finds the very directory on the host's
 * mount of its file system.  Raised, in the host's root.  Keeps the working directory.  Returns 0,
 * PLACE_DELETED, PLACE_PRIVATE, PLACE_INERT, PLACE_ELSEWHERE (the host has no way to it), -ENAMETOOLONG, or
 * another negative errno. */
int place_read_on_host(Target *target, HostMounts *mounts, const char *name,
        char ret[static LEDGER_PATH_SIZE], size_t *ret_length);

/* Is the working directory in a file system where no process can create a directory, by its type?  Raised.
 */
bool place_is_inert(void);
