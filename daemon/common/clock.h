/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

/* Returns the time of the clock in microseconds.  The clock must be one that every kernel has.  Restarts of
 * the daemon do not reset CLOCK_MONOTONIC, so that the ledger may hold its times. */
static inline uint64_t clock_usec(clockid_t clock) {
        struct timespec now;

        (void)clock_gettime(clock, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
