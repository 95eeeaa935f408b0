/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal record of one decision. */

#include "common/ledger.h"
#include "common/report.h"
#include "common/session-identity.h"
#include "policy/policy.h"

/* Where the profile's log = wants it, and the session has made fewer than limit in this second, reports the
 * decision that the slot holds; then counts it in the totals of the slot with that index, once however often
 * that is done.  profile may be NULL.  Returns when that was (CLOCK_MONOTONIC). */
uint64_t record_decision(const SessionIdentity *session, LedgerHeader *header, uint32_t index,
        const Slot *slot, const Profile *profile, uint64_t limit, Report *report);

/* Reports how many were above the limit, if any were since it was reported last. */
void record_excess(const SessionIdentity *session, LedgerHeader *header, Report *report);
