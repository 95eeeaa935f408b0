/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps file descriptors 0, 1 and 2 from becoming something else.  Run first in each program's main(): where
 * one of them is closed, the kernel would give its number to the next file or socket that the process opens,
 * and what is meant for standard output or error would go there. */

/* Opens path with flags, as open(2) has them, once for each of the three descriptors that is closed. Returns
 * 0, or the negative errno of open(2). */
int stdio_fill(const char *path, int flags);
