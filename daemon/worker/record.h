/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal record of one decision. */

#include "common/ledger.h"
#include "common/report.h"
#include "common/session-identity.h"
#include "policy/policy.h"

/* Reports the decision in the slot to the journal, if the profile's log = asks for it and the session has
 * fewer than limit records in this second.  Then counts the decision in the totals of the slot with this
 * index; a worker that repeats this after a death does not count the decision twice.  profile may be NULL:
 * then every decision is reported.  Returns the time of the record (CLOCK_MONOTONIC, in microseconds). */
uint64_t record_decision(const SessionIdentity *session, LedgerHeader *header, uint32_t index,
        const Slot *slot, const Profile *profile, uint64_t limit, Report *report);

/* Reports how many records the limit has suppressed since the last such report, if any. */
void record_excess(const SessionIdentity *session, LedgerHeader *header, Report *report);
