/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The credentials of a launcher at its knock.  SO_PEERCRED has those of the moment when it connected.
 * Between the two it may have executed a set-user-ID program, which keeps the pid and the connection. */

#include <sys/types.h>

#include "worker/target/task-facts.h"

/* Opens a procfs of our own, which shows every process.  The one at /proc may be mounted with hidepid=, and
 * then shows a process without capabilities only those of its own user.  Needs CAP_SYS_ADMIN; without it,
 * opens /proc. Returns the caller's fd or a negative errno. */
int launcher_open_proc(void);

/* Reads PID/status below proc_fd into *ret, whose credentials were initialised with credentials_init().
 * The task must be stopped in a notification that the caller checks afterwards: then no other task had its
 * number, and its credentials could not change meanwhile.  Needs no capability.  Returns 0 or a negative
 * errno. */
int launcher_read_status(int proc_fd, pid_t pid, TaskFacts *ret);
