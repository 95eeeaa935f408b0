/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the target gets for its call.  Never a return code: what a function of ours returns says how that
 * function went. */

#include <stdint.h>

typedef enum OutcomeKind {
        OUTCOME_RESULT,   /* an error or a value */
        OUTCOME_CONTINUE, /* the kernel performs the call */
} OutcomeKind;

typedef struct Outcome {
        OutcomeKind kind;
        int error;     /* 0 or a positive errno; of a call that continues: what the worker expects */
        int64_t value; /* where there is no error */
} Outcome;

static inline Outcome outcome_error(int error) {
        return (Outcome){.kind = OUTCOME_RESULT, .error = error};
}
