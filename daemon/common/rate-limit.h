/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A rate limit: so many in a second, and a count of those that were too many.  It may lie in memory that
 * several processes share; all of it zero is a fresh one. */

#include <stdbool.h>
#include <stdint.h>

typedef struct RateLimit {
        /* When the second began, in milliseconds, and in the lower RATE_LIMIT_BITS how many there were in
         * it. */
        _Atomic uint64_t second;
        _Atomic uint64_t excess; /* since it was collected */
} RateLimit;

#define RATE_LIMIT_BITS 24U

/* Counts one.  limit is below 1 << RATE_LIMIT_BITS, now_usec CLOCK_MONOTONIC.  Returns false, and counts it
 * as excess, where it is one too many. */
bool rate_limit_take(RateLimit *rate_limit, uint64_t limit, uint64_t now_usec);

/* Is there excess of a second that is over? */
bool rate_limit_is_due(const RateLimit *rate_limit, uint64_t now_usec);

/* Returns the excess and begins to count it anew: each one is returned once, to whoever asks first. */
uint64_t rate_limit_collect(RateLimit *rate_limit);
