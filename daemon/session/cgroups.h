/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A cgroup for each session's workers, below our own, which systemd has delegated to us.  The kernel charges
 * the memory of a new directory to the process that makes it, natively the program, here a worker: so that
 * no session can take all of it, each has a bound of its own (cgroups(7), memory.max). */

#include <stdint.h>

#include "common/report.h"

/* Opens our own cgroup, with the memory controller on for what is below it, and moves this process into one
 * below it, as the kernel demands.  Returns the caller's fd; or -EBADF where there is nothing to be had,
 * which is said on report. */
int cgroups_open(Report *report);

/* Opens a session's cgroup, made if need be.  Returns the caller's fd, or a negative errno. */
int cgroups_make(int cgroups_fd, uint64_t session_id);

/* Removes it, unless a process that can't be killed is still in it. */
void cgroups_remove(int cgroups_fd, uint64_t session_id);
