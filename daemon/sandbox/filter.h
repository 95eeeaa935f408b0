/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seccomp filters that launchers install, made from the table of calls. */

#include <linux/filter.h>

#include "common/protocol.h"
#include "policy/policy.h"

typedef struct Filter {
        uint32_t n_instructions;
        struct sock_filter instructions[PROTOCOL_FILTER_MAX];
} Filter;

/* One for each answer to `namespaces =` of a profile. */
typedef struct Filters {
        Filter by_namespaces[2]; /* by Action */
} Filters;

/* Builds them.  Returns 0 or a negative errno. */
int filters_build(Filters *ret);
