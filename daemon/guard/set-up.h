/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guard at the daemon's start: the one that stands in the kernel already, or a new one. */

#include <stdint.h>

#include "guard/guard.h"

#define GUARD_REASON_SIZE 256

typedef struct GuardSetUp {
        Guard *guard;                   /* NULL: there is none, sessions act */
        char reason[GUARD_REASON_SIZE]; /* why; a clause for people */
        int dir_fd;                     /* of the guard's pins, which this process has locked */
        uint32_t n_sessions;            /* that the guard, or that of another version, has already */
        uint32_t n_foreign;             /* of these, those in guards of another version */
} GuardSetUp;

/* Has a child (snotifyd-guard) find or load the guard, waits for it, and opens the guard.  Must be called
 * while the process has its capabilities: CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN are needed, and only by the
 * child.  Where another daemon has locked the pins, it reads the refusals, and this one's guard comes
 * without GUARD_FD_REFUSALS. ret->guard and ret->dir_fd are the caller's. */
void guard_set_up(GuardSetUp *ret);
