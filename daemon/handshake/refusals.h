/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of launchers that were refused: strangers can come as often as they like, and no more of them
 * than one session may make become records. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/vetting.h"

typedef struct Refusals Refusals;

/* report stays the caller's.  Returns 0 or a negative errno.  refusals_free() takes NULL and returns NULL.
 */
int refusals_new(sd_event *event, Report *report, Refusals **ret);
Refusals *refusals_free(Refusals *refusals);

/* Records one, for the reason in findings->text, unless there were limit of them in this second; how many
 * those were is recorded when it is over. */
void refusals_record(Refusals *refusals, const VettingFindings *findings, uint64_t limit);

/* Counts further ones that get none. */
void refusals_suppress(Refusals *refusals, uint64_t n);
