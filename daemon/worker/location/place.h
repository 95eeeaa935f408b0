/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the pinned parent really is: its paths on the host, whatever path the target used.  "The name" is
 * the last component of the target's path. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "worker/location/host-mounts.h"
#include "worker/location/host-paths.h"
#include "worker/location/parent.h"
#include "worker/target/target.h"

/* Results, beside 0 and a negative errno.  They differ from those of targets and requests. */
enum {
        PLACE_DELETED = 16, /* the parent has been removed: the target gets ENOENT */
        PLACE_ELSEWHERE,    /* no path leads to it from the worker's present root */
        PLACE_PRIVATE,      /* it is on a tmpfs that is not mounted on the host */
        PLACE_INERT,  /* it is on a /proc, /sys or similar that is not the host's: see place_is_inert() */
        PLACE_SHARED, /* it may have several paths; only the worker's own credentials find them all */
};

/* Writes to ret the path of the working directory from the worker's present root, then "/" and name.
 * *ret_length is its length in bytes.  Returns 0, PLACE_DELETED, PLACE_ELSEWHERE, -ENAMETOOLONG or another
 * negative errno. */
int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length);

/* The same for a directory that is not the working directory.  If it is not below the worker's present root,
 * this returns a path all the same. */
int place_read_unentered(Target *target, int parent_fd, const char *name, char ret[static LEDGER_PATH_SIZE],
        size_t *ret_length);

/* Visits all paths of the name in a parent that is the working directory.  reverted: the worker has its own
 * credentials, and is in the host's root.  With overridden credentials this visits only the path of a parent
 * that has a single one, and else returns PLACE_SHARED.  Returns 0, what visit returned, PLACE_DELETED,
 * PLACE_ELSEWHERE, PLACE_SHARED, or as host_paths_visit(). */
int place_visit(HostMounts *mounts, const Parent *parent, const char *name, bool reverted,
        HostPathVisit visit, void *userdata);

/* Is the parent on a mount of the host that shows the whole of its file system, and that alone shows it?
 * Then place_visit_by_link() tells where it is.  Makes no system call. */
bool place_is_told_by_link(const HostMounts *mounts, const Parent *parent);

/* Visits the path of the name in a parent that is not the working directory, as the link in /proc tells it.
 * Returns 0, what visit returned, PLACE_DELETED, PLACE_ELSEWHERE where the link tells nothing that is
 * certain, or as host_paths_visit(). */
int place_visit_by_link(Target *target, HostMounts *mounts, const Parent *parent, const char *name,
        HostPathVisit visit, void *userdata);

/* The same for a parent whose own path says nothing certain, as in a mount namespace which is not the
 * host's. Finds the same directory on the host's mounts of its file system.  The worker must have its own
 * credentials and be in the host's root.  If the parent is the working directory, it is so afterwards, too;
 * else another directory may be. Returns 0, what visit returned, PLACE_DELETED, PLACE_PRIVATE, PLACE_INERT,
 * PLACE_ELSEWHERE (no path of the host leads to it), or as host_paths_visit(). */
int place_visit_on_host(Target *target, HostMounts *mounts, const Parent *parent, const char *name,
        HostPathVisit visit, void *userdata);

/* Opens the same directory again, on one of the host's mounts of its file system.  The worker must have its
 * own credentials and be in the host's root.  Returns 0 with the caller's O_PATH fd, -ESTALE if the
 * directory cannot be found again, or another negative errno. */
int place_open_object(HostMounts *mounts, const LedgerObject *object, int *ret_fd);

/* Is the directory on a file system of a type on which no process can create a directory? */
bool place_is_inert(int fd);
