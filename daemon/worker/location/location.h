/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A place in the file system that a call names: its parent directory, which is held open, and the last
 * component of its path. */

#include <stdbool.h>
#include <stddef.h>

#include "common/ledger.h"
#include "worker/location/parent.h"

/* What the last component of a path is, as the kernel tells them apart (enum in include/linux/namei.h). */
typedef enum LastKind {
        LAST_NORM, /* a name */
        LAST_ROOT, /* nothing: the path has slashes alone */
        LAST_DOT,
        LAST_DOTDOT,
        LAST_KINDS,
} LastKind;

typedef struct Location {
        /* The path without its last component, ending in "/.".  Empty where the directory that a relative
         * path starts at is the parent itself. */
        char directory[LEDGER_ARGUMENT_SIZE + 2];
        char name[LEDGER_ARGUMENT_SIZE]; /* of LAST_NORM, without slashes; else "." */
        LastKind last;
        bool has_trailing_slash;

        Parent parent; /* once it is pinned */

        /* What the target takes the place for, where its root is not the host's; empty where it has no path
         * for it, or none of its own.  It is read where it matters alone. */
        bool target_path_is_known;
        char target_path[LEDGER_PATH_SIZE];
} Location;

/* Takes a non-empty path of length bytes apart, and fills all but the parent.  Pure. */
void location_split(const char *path, size_t length, Location *ret);

/* Does a relative path start where the caller says? */
static inline bool location_is_relative(const Location *location) {
        return location->directory[0] != '/';
}
