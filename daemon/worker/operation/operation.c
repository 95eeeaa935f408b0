/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of operations, and what they have in common.  Run by the worker and by helpers, as the target.
 * Owns nothing. */

#include "worker/operation/operation.h"

#include <time.h>

static const Operation *const operations[] = {
        [OPERATION_MKDIR] = &operation_mkdir,
#ifdef TEST_OPERATIONS
        [OPERATION_RMDIR] = &operation_rmdir,
#endif
};

const Operation *operation_of(OperationKind kind) {
        return (unsigned)kind < sizeof(operations) / sizeof(operations[0]) ? operations[kind] : NULL;
}

void operation_note(const Operation *operation, const OperationCall *call) {
        Intent *intent = call->intent;
        struct timespec now;

        /* The coarse clock is the one that inodes are stamped with: never later than a stamp that comes
         * after it. */
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
        intent->begun_sec = now.tv_sec;
        intent->begun_nsec = now.tv_nsec;
        intent->owner = call->owner;
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                intent->locations[i].sight = INTENT_UNSEEN;
        operation->note(call);
}

void operation_perform(const Operation *operation, const OperationCall *call, Outcome *ret) {
        intent_set_state(call->intent, INTENT_BEGUN);
        operation->perform(call, ret);
        call->intent->error = ret->error;
        intent_set_state(call->intent, INTENT_DONE);
}
