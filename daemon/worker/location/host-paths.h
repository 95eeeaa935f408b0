/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All paths that the host has for a directory: one for each of its mounts that shows it. */

#include <stdbool.h>
#include <stddef.h>

#include "common/directory-id.h"
#include "worker/location/host-mounts.h"

/* The working directory, on a mount of the host's, and a name in it. */
typedef struct HostDirectory {
        DirectoryId id;
        const char *path; /* as getcwd(2) has it; "" for the root directory */
        const char *name;
        bool own; /* the target reached it by this path */
} HostDirectory;

/* One of the paths of the name. */
typedef struct HostPath {
        const HostDirectory *directory;
        const HostMount *mount; /* that shows it; NULL where that is not known */
        const char *path;       /* valid while it is visited */
        size_t length;
        size_t rest; /* where in path the part begins that lies on the mount, with its slash */
        bool own;
} HostPath;

/* Returns 0 to go on. */
typedef int (*HostPathVisit)(const HostPath *path, void *userdata);

/* Does the directory have one path, which is what directory->path says?  Costs no system call. */
bool host_paths_has_one(const HostMounts *mounts, const HostDirectory *directory);

/* Visits all paths, that of the directory first, and some possibly twice.  A path is among them, too, where
 * another mount on the way hides the directory: see host_path_is_shown().  The worker must be raised, in the
 * host's root.  May read the list of mounts again.  Returns 0, what visit returned, -ESTALE where the
 * directory was moved meanwhile, -ENAMETOOLONG where one of the paths is too long to be judged, or another
 * negative errno. */
int host_paths_visit(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata);

/* The same for a directory that the worker may not enter: path is all that is known of it. */
int host_paths_visit_by_text(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata);

/* Does the path lead to the directory, by no link?  If that cannot be determined, returns false.  The worker
 * must be raised, in the host's root. */
bool host_path_is_shown(const HostPath *path);
