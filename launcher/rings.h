/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An io_uring takes requests from memory, and with IORING_SETUP_SQPOLL a kernel thread takes them: no system
 * call is made, and no filter sees them.  A process that inherits a ring can create directories unseen. */

/* Looks for one among the descriptors of this process, which needs /proc.  Returns 0 with the lowest one in
 * *ret, or with -1 if there is none; or a negative errno. */
int rings_find(int *ret);
