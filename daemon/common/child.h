/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boundary between the daemon and the processes it forks. */

#include <stddef.h>
#include <sys/types.h>

/* Forks a child that holds stdin, stdout, stderr and the fds in keep, and no other; that has SIGTERM alone
 * blocked; and that is called name in ps(1).  Returns the child's pid to the parent, 0 to the child, or a
 * negative errno. */
pid_t child_fork(const char *name, const int *keep, size_t n_keep);

/* The same for a child that must not outlive its use: the kernel kills it, whatever it does and whatever its
 * user has become by then, as soon as *ret_line_fd is closed, which is the caller's; also when the caller
 * dies.  To do so takes no signal and no capability.  Needs a euid of 0. */
pid_t child_fork_on_line(const char *name, const int *keep, size_t n_keep, int *ret_line_fd);
