/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a function returns where the call in hand is over: nothing waits for its answer any more, and
 * whatever was begun for it is to be dropped.  All modules mean the same by it.  What else a module returns
 * has names and numbers of its own, which its caller translates; errors are negative errno values. */
enum {
        STATUS_GONE = 1,
};
