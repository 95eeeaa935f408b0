/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns the table of calls into BPF programs, with libseccomp.  Run by the daemon once, at start.  Must
 * never let through an ABI whose numbers it doesn't know. */

#include "sandbox/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "common/calls.h"
#include "common/ownership.h"
#include "sandbox/bpf-program.h"

/* Only a new limit is of interest, and only this one. */
static int add_limit_call(scmp_filter_ctx context, const Call *call) {
        const LimitArguments *limit = call->limit;
        const struct scmp_arg_cmp arguments[] = {
                SCMP_CMP(limit->resource_at, SCMP_CMP_MASKED_EQ, UINT32_MAX, RLIMIT_LOCKS),
                SCMP_CMP(limit->new_at < 0 ? 0U : (unsigned)limit->new_at, SCMP_CMP_NE, 0),
        };

        return seccomp_rule_add_array(
                context, SCMP_ACT_NOTIFY, call->nr, limit->new_at < 0 ? 1 : 2, arguments);
}

/* libseccomp translates native numbers to those of the other architectures in the filter. */
static int add_calls(scmp_filter_ctx context) {
        int r;

        for (size_t i = 0; i < n_calls; i++) {
                r = calls[i].limit ? add_limit_call(context, &calls[i])
                                   : seccomp_rule_add(context, SCMP_ACT_NOTIFY, calls[i].nr, 0);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_refused_calls; i++) {
                r = seccomp_rule_add(
                        context, SCMP_ACT_ERRNO((uint32_t)refused_calls[i].error), refused_calls[i].nr, 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_ioctls(scmp_filter_ctx context) {
        int r;

        for (size_t i = 0; i < n_refused_ioctls; i++) {
                /* The kernel takes the command from the lower half of the register. */
                const struct scmp_arg_cmp command = SCMP_A1(SCMP_CMP_MASKED_EQ, REFUSED_IOCTL_MASK,
                        refused_ioctls[i].command & REFUSED_IOCTL_MASK);

                r = seccomp_rule_add_array(context, SCMP_ACT_ERRNO((uint32_t)refused_ioctls[i].error),
                        SCMP_SYS(ioctl), 1, &command);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_namespaces(scmp_filter_ctx context) {
        int r;

        for (size_t i = 0; i < n_namespace_calls; i++) {
                const NamespaceCall *call = &namespace_calls[i];
                const struct scmp_arg_cmp flags =
                        SCMP_CMP(call->flags_at < 0 ? 0U : (unsigned)call->flags_at, SCMP_CMP_MASKED_EQ,
                                call->mask, call->value);

                r = seccomp_rule_add_array(context, SCMP_ACT_ERRNO((uint32_t)call->error), call->nr,
                        call->flags_at < 0 ? 0 : 1, &flags);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int build(Action namespaces, Filter *ret) {
        _cleanup_(seccomp_release_p) scmp_filter_ctx context = NULL;
        int r;

        context = seccomp_init(SCMP_ACT_ALLOW);
        if (!context)
                return -ENOMEM;
        /* x32, and whatever else is neither of the two, looks like an older kernel's "no such call". */
        r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        if (r < 0)
                return r;
        r = seccomp_arch_add(context, SCMP_ARCH_X86);
        if (r < 0)
                return r;
        r = add_calls(context);
        if (r < 0)
                return r;
        r = add_ioctls(context);
        if (r < 0)
                return r;
        r = namespaces == ACTION_DENY ? add_namespaces(context) : 0;
        if (r < 0)
                return r;
        r = program_export(context, ret->instructions, PROTOCOL_FILTER_MAX);
        if (r < 0)
                return r;
        ret->n_instructions = (uint32_t)r;
        return 0;
}

int filters_build(Filters *ret) {
        int r;

        r = build(ACTION_ALLOW, &ret->by_namespaces[ACTION_ALLOW]);
        return r < 0 ? r : build(ACTION_DENY, &ret->by_namespaces[ACTION_DENY]);
}
