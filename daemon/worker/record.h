/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal record of one decision. */

#include "common/ledger.h"
#include "common/policy.h"
#include "common/report.h"

/* Counts the decision that the slot holds and, where the profile's log = wants it, reports it.  profile may
 * be NULL. */
void record_decision(LedgerHeader *header, const Slot *slot, const Profile *profile, Report *report);
