/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds the guard in the kernel, or loads and pins it: see pins.h. */

#include <stdint.h>

#include "guard/pins.h"
#include "guard/set-up.h"

typedef struct GuardLoadResult {
        char name[PINS_NAME_SIZE]; /* of the guard's directory; "": there is none, and reason says why */
        char reason[GUARD_REASON_SIZE]; /* a clause for people */
        uint32_t n_sessions;            /* in all guards */
        uint32_t n_foreign;             /* in those of another version */
} GuardLoadResult;

/* Run by a child of the daemon's, which does nothing else.  A guard of this version that has sessions is
 * taken as it is, although its programs may be older.  One without sessions, of any version, is replaced if
 * its programs differ.  Another version's that has sessions stays until a later start finds it empty. */
void guard_load(GuardLoadResult *result);

/* Loads the programs that processes run, without the hooks, which not each kernel takes: for tests.  Pins
 * nothing.  Returns 0 and the caller's guard, or a negative errno after writing result->reason. */
int guard_load_programs(GuardLoadResult *result, Guard **ret);
