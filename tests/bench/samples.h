/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Many measurements of one thing, in nanoseconds. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef struct Samples {
        uint32_t *ns;
        size_t n;
        size_t room;
} Samples;

/* Exits if there is no memory. */
void samples_add(Samples *samples, uint32_t ns);

/* Returns the quantile at share (0 to 1), or 0 if there are no samples.  Sorts them. */
double samples_quantile(Samples *samples, double share);

static inline uint64_t clock_ns(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
