/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of launchers that were refused.  Strangers can connect as often as they like.  All of them
 * together get as many records as one session may have. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/verifier.h"

typedef struct Refusals Refusals;

/* report stays the caller's.  Returns 0 or a negative errno.  refusals_free() takes NULL and returns NULL.
 */
int refusals_new(sd_event *event, Report *report, Refusals **ret);
Refusals *refusals_free(Refusals *refusals);

/* Records that one was refused, for the reason in result->text, unless there were as many as limit in this
 * second. A second later one record says how many had none. */
void refusals_record(Refusals *refusals, const HandshakeResult *result, uint64_t limit);

/* Counts n that get no record. */
void refusals_suppress(Refusals *refusals, uint64_t n);
