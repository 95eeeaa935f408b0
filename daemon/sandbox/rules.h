/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one shape of a seccomp rule.  A rule names its call, and libseccomp translates it into the number that
 * the call has in each ABI of a program.  Where an ABI has no such call, the rule is left out. */

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_ARGUMENTS 2

typedef struct SeccompRule {
        int call;          /* SCMP_SYS(name), or what seccomp_syscall_resolve_name() returns */
        uint32_t action;   /* SCMP_ACT_... */
        unsigned programs; /* the bits of the programs that have the rule */
        /* The action is for calls of which all of these hold.  One with op 0 says nothing. */
        struct scmp_arg_cmp arguments[RULE_ARGUMENTS];
} SeccompRule;

/* The kernel takes an int from the lower half of a register.  Compare that half alone. */
#define ARGUMENT_IS(at, value)                                                                              \
        { (at), SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
/* All of these bits are set. */
#define ARGUMENT_HAS(at, bits)                                                                              \
        { (at), SCMP_CMP_MASKED_EQ, (bits), (bits) }
/* None of these bits is set. */
#define ARGUMENT_LACKS(at, bits)                                                                            \
        { (at), SCMP_CMP_MASKED_EQ, (bits), 0 }
