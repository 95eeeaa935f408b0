/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A quota: so many in a second, and a count of those that were too many.  It may lie in memory that several
 * processes share; all of it zero is a fresh one. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Quota {
        /* When the second began, in milliseconds, and in the lower QUOTA_BITS how many there were in it. */
        _Atomic uint64_t second;
        _Atomic uint64_t excess; /* since it was collected */
} Quota;

#define QUOTA_BITS 24U

/* Counts one.  limit is below 1 << QUOTA_BITS, now_usec CLOCK_MONOTONIC.  Returns false, and counts it as
 * excess, where it is one too many. */
bool quota_take(Quota *quota, uint64_t limit, uint64_t now_usec);

/* Is there excess of a second that is over? */
bool quota_is_due(const Quota *quota, uint64_t now_usec);

/* Returns the excess and begins to count it anew: each one is returned once, to whoever asks first. */
uint64_t quota_collect(Quota *quota);
