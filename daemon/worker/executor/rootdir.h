/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the worker stands: its root directory.  It is the host's except while a path of a target with
 * another root is resolved. */

#include <stdbool.h>

#include "worker/target/credentials.h"
#include "worker/target/target.h"

typedef struct Standing {
        Becomer *becomer; /* not ours */
        int host_root_fd; /* O_PATH; not ours */
        TargetRoot host;
        TargetRoot now;
} Standing;

/* Goes to the host's root.  Returns 0 or a negative errno. */
int standing_init(Standing *standing, Becomer *becomer, int host_root_fd);

bool standing_is_host(const Standing *standing);

/* Is the root where we stand the target's?  Returns STANDING_IS_TARGETS, 0, TARGET_GONE, or a negative
 * errno. */
#define STANDING_IS_TARGETS 32
int standing_is_targets(const Standing *standing, Target *target);

/* Goes to the target's root, where it isn't there already.  Changes the working directory.  Returns 0,
 * TARGET_GONE or a negative errno. */
int standing_enter(Standing *standing, Target *target);

/* Goes back to the host's root, working directory and all.  Returns 0 or a negative errno. */
int standing_leave(Standing *standing);
