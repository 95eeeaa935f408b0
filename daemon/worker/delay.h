/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Holding back an answer, as a rule's delay= says. */

#include <signal.h>
#include <stdint.h>

#include "common/report.h"
#include "worker/request/request.h"

/* Is the delay, counted from when the call was received, over? */
bool delay_is_over(const Request *request, uint64_t delay_usec);

/* Waits until it is; meanwhile report's records are sent.  A worker that is killed meanwhile, or leaves, has
 * not tried the request: waiting does not count as an attempt.  waiting is the signal mask while it sleeps.
 * Returns REQUEST_PROCEED, REQUEST_GONE, or REQUEST_LEFT where a signal told the worker to leave. */
int delay_wait(Request *request, LedgerHeader *header, uint64_t delay_usec, Report *report,
        const sigset_t *waiting);
