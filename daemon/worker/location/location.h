/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A place in the file system that a call names by a path: the parent directory, which the worker holds open,
 * and the last component of the path. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "worker/location/parent.h"

/* The kind of a path's last component, as in the kernel (LAST_NORM etc. in include/linux/namei.h). */
typedef enum LastKind {
        LAST_NORM, /* a name */
        LAST_ROOT, /* there is none: the path consists of slashes */
        LAST_DOT,
        LAST_DOTDOT,
        LAST_KINDS,
} LastKind;

typedef struct Location {
        /* The path without its last component, ending in "/.".  Empty if a relative path has only one
         * component: then the directory that it starts at is the parent. */
        char directory[LEDGER_ARGUMENT_SIZE + 2];
        char name[LEDGER_ARGUMENT_SIZE]; /* the last component without slashes; "." if it is not LAST_NORM */
        LastKind last;
        bool has_trailing_slash;

        Parent parent; /* its fd is -EBADF until the worker has pinned it */

        /* The path of the place from the target's root, valid if target_path_is_known.  Empty if the
         * target's root is the host's, or if no path leads from there to the place.  The worker reads it
         * only if the decision depends on it. */
        bool target_path_is_known;
        char target_path[LEDGER_PATH_SIZE];
} Location;

/* Splits a path of length bytes, which must not be empty, and fills all fields except the parent.  Pure. */
void location_split(const char *path, size_t length, Location *ret);

/* Is the path relative, to a directory that the target passes or to its working directory? */
static inline bool location_is_relative(const Location *location) {
        return location->directory[0] != '/';
}
