/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a path as passed to the parent directory and a last component. */

#include "worker/location/location.h"
#include "worker/target/procfs.h"

/* Finds the parent.  base_fd is what a relative path starts at, ignored for others.  The caller has become
 * the target and stands in its root.  Returns 0 and the caller's O_PATH fd, or the positive errno that the
 * target gets. */
int resolve_parent(const Location *location, int base_fd, ProcfsReader *reader, int *ret_fd);
