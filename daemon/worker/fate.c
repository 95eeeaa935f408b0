/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the fate of a permit to what the record says.  Run by the worker.  Pure. */

#include "worker/fate.h"

#include <errno.h>
#include <stdio.h>

#include "guard/guard-abi.h"

#define ERRNO_MAX 4095

/* The rules are not asked where the kernel fails before. */
static void forget_audit(Slot *slot) {
        if (slot->verdict != SLOT_AUDITED)
                return;
        slot->verdict = SLOT_ALLOWED;
        slot->rule[0] = slot->why[0] = '\0';
}

static void explain(Slot *slot, const char *why) {
        (void)snprintf(slot->why, sizeof(slot->why), "%s", why);
}

/* With a reason why, no rule has decided. */
static void decide(Slot *slot, SlotVerdict verdict, int error, const char *why) {
        slot->verdict = verdict;
        slot->error = error;
        if (why) {
                slot->rule[0] = '\0';
                explain(slot, why);
        }
}

/* The guard was never asked, or was asked for another place. */
static void apply_failure(Slot *slot, uint32_t fate, int error) {
        if (!(fate & GUARD_MISMATCHED))
                decide(slot, slot_performed(slot), error, slot->verdict == SLOT_DENIED ? "" : NULL);
        else if (slot->permit == SLOT_PERMIT_VOID)
                decide(slot, SLOT_DENIED, EPERM, "its path led nowhere when snotifyd followed it");
        else
                decide(slot, SLOT_DENIED, EPERM, "its path led elsewhere when the kernel followed it");
}

/* The call succeeded. */
static void apply_success(Slot *slot, bool is_permitted) {
        if (is_permitted)
                decide(slot, slot_performed(slot), 0, NULL);
        else
                decide(slot, SLOT_TROUBLE, 0, "the kernel did not ask its guard");
}

/* The guard has not seen the call return. */
static void apply_unseen(Slot *slot, bool is_asked, bool is_over) {
        if (!is_over) {
                /* The rule has decided, whatever comes of it. */
                slot->error = SLOT_ERROR_PENDING;
                explain(slot, "what came of it is not known yet");
        } else if (is_asked)
                decide(slot, slot_performed(slot), 0, NULL);
        else if (slot->error == 0) /* else the worker saw the error that the kernel must have found */
                decide(slot, slot_performed(slot), SLOT_ERROR_UNTOLD, NULL);
}

void fate_apply(Slot *slot, uint32_t fate, int32_t result, bool is_over) {
        bool is_asked = fate & GUARD_ASKED, is_denied = slot->verdict == SLOT_DENIED;
        int error = result < -ERRNO_MAX || result > 0 ? SLOT_ERROR_UNTOLD : -result;

        if (!is_asked && (fate & GUARD_RETURNED || is_over))
                forget_audit(slot);
        if (fate & GUARD_RETURNED && error == 0)
                apply_success(slot, is_asked && !is_denied);
        else if (fate & GUARD_MISMATCHED && !is_asked)
                apply_failure(slot, fate, EPERM);
        else if (is_asked && is_denied)
                return;
        else if (fate & GUARD_RETURNED)
                apply_failure(slot, 0, error);
        else
                apply_unseen(slot, is_asked, is_over);
}
