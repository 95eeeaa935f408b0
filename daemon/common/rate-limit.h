/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A rate limit: how many events may happen in a second, and how many were too many.  It may lie in memory
 * that several processes share.  A new one is all zero. */

#include <stdbool.h>
#include <stdint.h>

typedef struct RateLimit {
        /* When the second began, in milliseconds; and in the lower RATE_LIMIT_BITS, its number of events. */
        _Atomic uint64_t second;
        _Atomic uint64_t excess; /* events that were too many, since the last rate_limit_collect() */
} RateLimit;

#define RATE_LIMIT_BITS 24U

/* Counts an event.  limit is below 1 << RATE_LIMIT_BITS, now_usec is CLOCK_MONOTONIC.  Returns false, and
 * counts the event as excess, where it is one too many. */
bool rate_limit_take(RateLimit *rate_limit, uint64_t limit, uint64_t now_usec);

/* Is there excess, and is its second over? */
bool rate_limit_is_due(const RateLimit *rate_limit, uint64_t now_usec);

/* Returns the excess and resets it.  Each event is returned once, to one caller. */
uint64_t rate_limit_collect(RateLimit *rate_limit);
