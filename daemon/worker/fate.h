/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of a call that the target performed itself, for its record. */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"

/* Writes into the slot of such a call what its record tells: verdict, error, why.  fate is that of the
 * permit (GuardFate), and result what the call returned, where the fate says that it has.  is_over: the
 * thread has gone on, whether or not the guard saw the call return.  Once for each slot. */
void fate_apply(Slot *slot, uint32_t fate, int32_t result, bool is_over);
