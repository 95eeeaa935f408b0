/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps descriptors 0, 1 and 2 from becoming something else.  If one of them is closed, the kernel gives its
 * number to the next file or socket that the process opens, and text for standard output or error goes
 * there.  Each program's main() calls this first. */

/* Opens path with flags, as for open(2), once for each of the three descriptors that is closed.  Returns 0,
 * or the negative errno of open(2). */
int stdio_fill(const char *path, int flags);
