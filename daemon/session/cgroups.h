/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A cgroup for each session's workers, below the one that systemd has delegated to the daemon.  The kernel
 * charges the memory of a new directory to the process that creates it: natively that is the program, here
 * it is a worker. So that no session can take all of the memory, each has a bound of its own (cgroups(7),
 * memory.max). */

#include <stdint.h>

#include "common/report.h"

/* Opens the daemon's own cgroup, with the memory controller on for the cgroups below it, and moves this
 * process into one of those, as the kernel demands.  Returns the caller's fd; or -EBADF where no cgroup was
 * delegated, which is recorded. */
int cgroups_open(Report *report);

/* Opens a session's cgroup, which is created if need be.  Returns the caller's fd, or a negative errno. */
int cgroups_create(int cgroups_fd, uint64_t session_id);

/* Removes it, unless a process that cannot be killed is still in it. */
void cgroups_remove(int cgroups_fd, uint64_t session_id);
