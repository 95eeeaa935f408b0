/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All paths that lead to a directory on the host: one for each of the host's mounts that shows it. */

#include <stdbool.h>
#include <stddef.h>

#include "common/directory-id.h"
#include "worker/location/host-mounts.h"

/* A directory on one of the host's mounts, and a name in it. */
typedef struct HostDirectory {
        DirectoryId id;
        const char *path; /* as getcwd(2) returns it, but "" for the root directory */
        const char *name;
        bool own; /* the target reached the directory by this path */
} HostDirectory;

/* One of the paths of the name.  Valid during the visit. */
typedef struct HostPath {
        const HostDirectory *directory;
        const HostMount *mount; /* the mount that shows the directory; NULL: it is not known */
        const char *path;
        size_t length; /* of path, in bytes */
        size_t rest;   /* the offset in path of the part that lies on the mount, which begins with a slash */
        bool own;      /* the target used this path */
} HostPath;

/* Returns 0 to continue; any other value ends the visits. */
typedef int (*HostPathVisit)(const HostPath *path, void *userdata);

/* Is directory->path certainly the only path of the directory?  Makes no system call. */
bool host_paths_has_one(const HostMounts *mounts, const HostDirectory *directory);

/* Visits all paths of the name in the directory, which must be the working directory.  Starts with
 * directory->path if that is the target's own.  May visit a path twice.  Also visits paths where another
 * mount hides the directory: see host_path_is_shown().  The worker must have its own credentials and be in
 * the host's root.  May read the list of mounts again.  Returns 0, what visit returned, -ESTALE if the
 * directory was moved meanwhile, -ENAMETOOLONG if one of the paths is too long to be judged, or another
 * negative errno. */
int host_paths_visit(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata);

/* The same for a directory that the worker cannot enter.  Finds its paths by directory->path alone. */
int host_paths_visit_by_text(
        HostMounts *mounts, const HostDirectory *directory, HostPathVisit visit, void *userdata);

/* Does the path lead to the directory, without a symbolic link on the part that lies on the mount?  Returns
 * false if it cannot find out.  The worker must have its own credentials and be in the host's root. */
bool host_path_is_shown(const HostPath *path);
