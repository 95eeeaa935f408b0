/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The capabilities of the daemon; see capabilities(7).  Workers inherit what they need from the daemon,
 * which keeps it permitted, and raises a capability only for the step that needs it. */

#include <sys/capability.h>

/* Gives up for good what neither the daemon nor any of its children needs, and raises the rest.  Returns 0
 * or a negative errno. */
int privileges_limit(void);

/* Lowers all capabilities, or raises one.  What is lowered stays permitted. */
void privileges_lower(void);
void privileges_raise(cap_value_t capability);

/* Gives up all capabilities but one, for good.  Returns 0 or a negative errno. */
int privileges_reduce(cap_value_t capability);

/* Gives up all capabilities, for good.  Other processes of the same user still cannot trace this one.
 * Returns 0 or a negative errno. */
int privileges_drop(void);
