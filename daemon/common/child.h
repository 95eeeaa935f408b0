/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boundary between the daemon and the processes it forks. */

#include <stddef.h>
#include <sys/types.h>

/* Forks a child and names it, as ps(1) shows.  The child holds stdin, stdout, stderr and the fds in keep,
 * and no other.  It blocks SIGTERM alone.  Returns the child's pid to the parent, 0 to the child, or a
 * negative errno. */
pid_t child_fork(const char *name, const int *keep, size_t n_keep);

/* Waits until the child has ended, for at most patience_msec, and reaps it.  Returns 0, -ETIME where the
 * child has not ended by then, or another negative errno.  ret_status may be NULL. */
int child_wait(pid_t pid, int patience_msec, int *ret_status);
