/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guards that stand in the kernel already, left by earlier daemons. */

#include <stdint.h>

#include "guard/pins.h"

typedef struct StandingGuards {
        char name[PINS_NAME_SIZE]; /* of the directory of one that can be used as it is; "": none */
        uint32_t n_sessions;       /* in all guards */
        uint32_t n_foreign;        /* in those of another version */
} StandingGuards;

/* Looks at each guard, has it forget the sessions that no process belongs to any more, and removes it where
 * it has none and is not own_name.  A guard of this version that has sessions can be used although its
 * programs are not those of own_name.  Returns 0 or a negative errno. */
int standing_guards_find(int all_fd, const char *own_name, StandingGuards *ret);
