/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the pinned parent (the working directory) really is: its path on the host, by whatever path the
 * target has named it. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "worker/location/host-mounts.h"
#include "worker/location/host-paths.h"
#include "worker/location/parent.h"
#include "worker/target/target.h"

/* Positive outcomes, apart from those of a target and a request. */
enum {
        PLACE_DELETED = 16, /* the parent has been removed: ENOENT */
        PLACE_ELSEWHERE,    /* it cannot be reached from the worker's root */
        PLACE_PRIVATE,      /* it is on a tmpfs that the host does not have mounted */
        PLACE_INERT,        /* it is on a /proc, a /sys or the like of its own, see place_is_inert() */
        PLACE_SHARED,       /* it may have more than one path, and to find them the worker must be raised */
};

/* Writes the working directory's path from the root that we stand in, followed by "/" and name, to ret.
 * Returns 0, PLACE_DELETED, PLACE_ELSEWHERE, -ENAMETOOLONG, or another negative errno. */
int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length);

/* The same for a directory that is not entered, whether or not it is below that root. */
int place_read_unentered(Target *target, int parent_fd, const char *name, char ret[static LEDGER_PATH_SIZE],
        size_t *ret_length);

/* Visits all paths of the name in a parent that is entered.  Where the worker is not raised it visits the
 * one path of a directory that has no more.  Else it must be in the host's root.  Returns 0, what visit
 * returned, PLACE_DELETED, PLACE_ELSEWHERE, PLACE_SHARED (only where the worker is not raised), or as
 * host_paths_visit(). */
int place_visit(HostMounts *mounts, const Parent *parent, const char *name, bool raised, HostPathVisit visit,
        void *userdata);

/* The same for a parent that is not entered, or is in a mount namespace of the target's own: finds the very
 * directory on the host's mounts of its file system.  Raised, in the host's root.  Keeps the working
 * directory.  Returns 0, what visit returned, PLACE_DELETED, PLACE_PRIVATE, PLACE_INERT, PLACE_ELSEWHERE
 * (the host has no way to it), or as host_paths_visit(). */
int place_visit_on_host(Target *target, HostMounts *mounts, const Parent *parent, const char *name,
        HostPathVisit visit, void *userdata);

/* Opens the very directory again, on one of the host's mounts of its file system.  Raised, in the host's
 * root.  Returns 0 and the caller's O_PATH fd, -ESTALE where that cannot be, or another negative errno. */
int place_open_object(HostMounts *mounts, const LedgerObject *object, int *ret_fd);

/* Is the directory in a file system where no process can create one, by its type? */
bool place_is_inert(int fd);
