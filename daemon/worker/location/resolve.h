/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a path as passed to the parent directory and a last component. */

#include "common/ledger.h"
#include "worker/target/procfs.h"

typedef struct Resolved {
        char parent[LEDGER_ARGUMENT_SIZE + 2]; /* of the path, ending in "/."; empty: the base itself */
        const char *name; /* the last component; NULL where it is "/", "." or "..", which always exist */
        char room[LEDGER_ARGUMENT_SIZE];
} Resolved;

/* Takes a non-empty path of length bytes apart.  Pure. */
void resolve_split(const char *path, size_t length, Resolved *ret);

/* Finds the parent.  base_fd is what a relative path starts at, ignored for others.  The caller has become
 * the target and stands in its root.  Returns 0 and the caller's O_PATH fd, or the positive errno that the
 * target gets. */
int resolve_parent(const Resolved *resolved, int base_fd, ProcfsReader *reader, int *ret_fd);
