/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Turns rules into a BPF program, with libseccomp.  A caller begins a program, adds rules and exports it. */

#include "common/abi.h"
#include "common/bpf-program.h"
#include "sandbox/rules.h"

/* Begins a program for these ABIs.  default_action is for calls without a rule, foreign_action is for calls
 * of all other ABIs.  Returns 0 or a negative errno.  The caller releases *ret. */
int bpf_program_begin(const Abi *abis, size_t n_abis, uint32_t default_action, uint32_t foreign_action,
        scmp_filter_ctx *ret);

/* Adds those rules that any of the programs has.  Returns 0 or a negative errno. */
int bpf_program_add(scmp_filter_ctx context, const SeccompRule *rules, size_t n_rules, unsigned programs);

/* Returns 0 or a negative errno: -E2BIG where there are more than BPF_PROGRAM_MAX instructions. */
int bpf_program_export(scmp_filter_ctx context, BpfProgram *ret);

static inline void seccomp_release_p(scmp_filter_ctx *context) {
        if (*context)
                seccomp_release(*context);
}
