/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The supervised system calls themselves, made in the working directory, which is the pinned parent.  The
 * caller has become the target (identity.h). */

#include <stdbool.h>
#include <stdint.h>

#include "common/calls.h"

/* What a worker notes before it acts, so that another can tell afterwards whether it has. */
typedef struct ActStart {
        bool absent; /* there was nothing of that name */
        int64_t sec; /* CLOCK_REALTIME_COARSE */
        int64_t nsec;
        uint32_t owner; /* fsuid */
} ActStart;

/* Returns 0 where there is something of that name, else a positive errno: ENOENT, or why it can't be looked
 * up. */
int act_look(const char *name);

/* Fills *ret. */
void act_start(const char *name, uint32_t owner, ActStart *ret);

/* Performs the call.  Returns 0 or the positive errno that the target gets. */
int act_perform(Act act, const char *name, uint32_t mode);

/* The same for a worker that doesn't know whether its dead predecessor, which began as start says, came to
 * it: what was made by that one isn't made again. */
int act_perform_again(Act act, const char *name, uint32_t mode, const ActStart *start);
