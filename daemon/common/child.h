/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boundary between the daemon and the processes it forks. */

#include <stddef.h>
#include <sys/types.h>

/* Forks a child that holds stdin, stdout, stderr and the fds in keep, and no other; that has SIGTERM alone
 * blocked; and that is called name in ps(1).  Returns the child's pid to the parent, 0 to the child, or a
 * negative errno. */
pid_t child_fork(const char *name, const int *keep, size_t n_keep);

/* Waits until the child has ended, and reaps it.  Returns 0, -ETIME where it has not after so long, or
 * another negative errno.  ret_status may be NULL. */
int child_wait(pid_t pid, int patience_msec, int *ret_status);
