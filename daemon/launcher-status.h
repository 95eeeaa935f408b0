/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a launcher is at the knock.  SO_PEERCRED tells who it was when it connected; between the two it may
 * have executed a set-user-ID program, which keeps the pid and the connection. */

#include <sys/types.h>

#include "worker/status.h"

/* Reads /proc/PID/status into *ret, whose identity has been initialised with identity_init().  The task must
 * be stopped in a notification that is checked afterwards: then its number was nobody else's, and it could
 * not change meanwhile.  Needs no capability.  Returns 0 or a negative errno. */
int launcher_read_status(pid_t pid, TargetStatus *ret);
