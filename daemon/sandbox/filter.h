/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seccomp filters that launchers install.  They trap the calls of the table in common/calls.h, refuse a
 * few others, and let all else pass. */

#include <stdbool.h>

#include "common/abi.h"
#include "common/bpf-program.h"
#include "policy/policy.h"
#include "sandbox/rules.h"

typedef BpfProgram Filter;

/* What keeps a session's workload from creating directories unseen. */
typedef enum FilterWay {
        FILTER_ACTING,  /* the filter alone */
        FILTER_GUARDED, /* the guard in the kernel, whatever way the workload takes */
        FILTER_WAYS,
} FilterWay;

/* One for each way, and for each answer to `namespaces =` of a profile. */
typedef struct Filters {
        Filter by_way[FILTER_WAYS][2]; /* by Action */
} Filters;

/* The rules beside those for the supervised calls.  Their programs are these. */
enum {
        FILTER_ALL = 1U << 0,
        FILTER_NAMESPACES_DENIED = 1U << 1,
        FILTER_UNGUARDED = 1U << 2,
};
extern const SeccompRule filter_rules[];
extern const size_t n_filter_rules;

/* Builds the filters of this machine, those of FILTER_GUARDED only where there is a guard.  Returns 0 or a
 * negative errno: -EPROTO where libseccomp knows a supervised call by another number than the table of
 * calls. */
int filters_build(bool has_guard, Filters *ret);

/* Builds one filter, for any machine.  Returns as filters_build(). */
int filter_build(const Machine *machine, FilterWay way, Action namespaces, Filter *ret);
