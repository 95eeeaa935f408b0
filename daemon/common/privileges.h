/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon may do: its capabilities, see capabilities(7).  It keeps those that its workers need, who
 * inherit them, and uses none itself but for a few steps. */

#include <sys/capability.h>

/* Gives up for good what neither the daemon nor a child of it ever needs, and raises the rest.  Returns 0 or
 * a negative errno. */
int privileges_limit(void);

/* Uses none from now on, or this one too. */
void privileges_lower(void);
void privileges_raise(cap_value_t capability);

/* Gives up all but one, for good.  Returns 0 or a negative errno. */
int privileges_reduce(cap_value_t capability);

/* Gives up all, for good; other processes of the same user can't look into this one then either.  Returns 0
 * or a negative errno. */
int privileges_drop(void);
