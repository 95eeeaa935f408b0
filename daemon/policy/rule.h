/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One rule: what happens to calls whose path it covers. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/calls.h"

typedef enum Action {
        ACTION_DENY,
        ACTION_ALLOW,
        ACTION_AUDIT, /* allow, and record what would have been denied: see profile_enforced() */
} Action;

/* The longest name of a rule or a profile, without its NUL. */
#define POLICY_NAME_MAX 40

static inline bool policy_name_is_valid(const char *name) {
        return name[0] != '\0' && strlen(name) <= POLICY_NAME_MAX;
}

typedef struct Rule {
        const char *name;
        const char *path; /* see rule-path.h */
        Action action;
        uint64_t delay_usec; /* how long the answer is held back */
        uint32_t operations; /* what it speaks of, a bit for each OperationKind; 0: of all */
} Rule;

/* For any other operation the rule is not there. */
static inline bool rule_speaks_of(const Rule *rule, OperationKind kind) {
        return rule->operations == 0 || (rule->operations >> kind & 1);
}
