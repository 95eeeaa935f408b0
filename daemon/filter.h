/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seccomp filter that launchers install, made from the table of calls. */

#include <linux/filter.h>

#include "common/protocol.h"

typedef struct Filter {
        uint32_t n_instructions;
        struct sock_filter instructions[PROTOCOL_FILTER_MAX];
} Filter;

/* Builds it.  Returns 0 or a negative errno. */
int filter_build(Filter *ret);
