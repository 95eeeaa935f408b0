/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for a rule's delay.  Run by the worker.  Owns nothing.  Must never keep a worker that was told to
 * exit. */

#include "worker/delay.h"

#include <errno.h>
#include <poll.h>

#include "common/clock.h"

/* How often a waiting worker checks that its target still lives: the kernel does not report its death. */
#define NAP_USEC 1000000U

static int sleep_until(const Request *request, uint64_t until, Report *report, const sigset_t *waiting) {
        for (uint64_t now = clock_usec(CLOCK_MONOTONIC); now < until; now = clock_usec(CLOCK_MONOTONIC)) {
                uint64_t nap = until - now < NAP_USEC ? until - now : NAP_USEC;
                const struct timespec left = {
                        .tv_sec = (time_t)(nap / 1000000),
                        .tv_nsec = (long)(nap % 1000000) * 1000,
                };

                report_flush(report, 0);
                if (ppoll(NULL, 0, &left, waiting) < 0 && errno == EINTR)
                        return REQUEST_LEFT;
                if (notification_is_gone(&request->notification))
                        return REQUEST_GONE;
        }
        return REQUEST_PROCEED;
}

bool delay_is_over(const Request *request, uint64_t delay_usec) {
        return delay_usec == 0 || delay_usec <= clock_usec(CLOCK_MONOTONIC) - request->slot->received_usec;
}

int delay_wait(Request *request, LedgerHeader *header, uint64_t delay_usec, Report *report,
        const sigset_t *waiting) {
        Slot *slot = request->slot;
        uint64_t until = slot->received_usec + delay_usec;
        int r;

        atomic_store(&header->delayed_until_usec[request->index], until);
        slot->attempts--;
        r = sleep_until(request, until, report, waiting);
        if (r != REQUEST_LEFT)
                slot->attempts++;
        return r;
}
