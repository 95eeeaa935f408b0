/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the pinned parent (the working directory) really is: its path on the host, whatever the target calls
 * it. */

#include <stddef.h>

#include "common/ledger.h"
#include "target.h"

/* Positive outcomes. */
enum {
        PLACE_DELETED = 1, /* the parent has been removed: ENOENT */
        PLACE_ELSEWHERE,   /* it is in no directory that can be reached from the root we stand in */
};

/* Writes the working directory's path from the root that we stand in, followed by "/" and name, to ret.
 * Returns 0, one of the above, -ENAMETOOLONG, or another negative errno. */
int place_read(const char *name, char ret[static LEDGER_PATH_SIZE], size_t *ret_length);
