/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a path as passed to the parent directory and a last component. */

#include "worker/location/location.h"
#include "worker/target/procfs.h"

/* Finds the parent.  base_fd is what a relative path starts at, ignored for others.  The caller has become
 * the target and is in its root.  Either *ret_error is 0 and *ret_fd the caller's O_PATH fd, or *ret_error
 * is the errno that the target gets. */
void resolve_parent(const Location *location, int base_fd, PathLookup *lookup, int *ret_fd, int *ret_error);
