/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A seccomp program: what libseccomp makes of rules, as the kernel takes it. */

#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>

/* Writes it to ret.  Returns the number of instructions, or a negative errno: -E2BIG where there is no room
 * for them. */
int program_export(scmp_filter_ctx rules, struct sock_filter *ret, size_t room);

static inline void seccomp_release_p(scmp_filter_ctx *rules) {
        if (*rules)
                seccomp_release(*rules);
}
