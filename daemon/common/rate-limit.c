/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts events of a second.  Run by the daemon and by workers, which may count in the same place at the
 * same time.  Owns nothing.  Must never wait, and never miss an event. */

#include "common/rate-limit.h"

#include <stdatomic.h>

#define COUNT_MASK ((UINT64_C(1) << RATE_LIMIT_BITS) - 1)
#define SECOND_MSEC 1000

/* A process that was interrupted after it had read the clock may come with a time before the second began:
 * that second is not over. */
static bool is_over(uint64_t second, uint64_t now_msec) {
        return second == 0 || (int64_t)(now_msec - (second >> RATE_LIMIT_BITS)) >= SECOND_MSEC;
}

bool rate_limit_take(RateLimit *rate_limit, uint64_t limit, uint64_t now_usec) {
        uint64_t now_msec = now_usec / 1000, next;
        uint64_t second = atomic_load_explicit(&rate_limit->second, memory_order_relaxed);

        do {
                if (is_over(second, now_msec))
                        next = (now_msec << RATE_LIMIT_BITS) + 1;
                else if ((second & COUNT_MASK) < limit)
                        next = second + 1;
                else {
                        atomic_fetch_add_explicit(&rate_limit->excess, 1, memory_order_relaxed);
                        return false;
                }
        } while (!atomic_compare_exchange_weak_explicit(
                &rate_limit->second, &second, next, memory_order_relaxed, memory_order_relaxed));
        return true;
}

bool rate_limit_is_due(const RateLimit *rate_limit, uint64_t now_usec) {
        return atomic_load_explicit(&rate_limit->excess, memory_order_relaxed) > 0 &&
               is_over(atomic_load_explicit(&rate_limit->second, memory_order_relaxed), now_usec / 1000);
}

uint64_t rate_limit_collect(RateLimit *rate_limit) {
        return atomic_exchange_explicit(&rate_limit->excess, 0, memory_order_relaxed);
}
