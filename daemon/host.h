/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine that the daemon finds itself on. */

#include "common/report.h"

/* Can this kernel do what we need?  Says on report what is missing.  Returns 0 or a negative errno. */
int host_check_kernel(Report *report);

/* Opens what workers need of the host: a pidfd of this process, and the root directory that paths are judged
 * by (O_PATH).  Returns 0 and the caller's fds, or a negative errno. */
int host_open(Report *report, int *ret_daemon_fd, int *ret_root_fd);
