/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine that the daemon runs on: what its kernel can do, and what workers need of it. */

#include <errno.h>
#include <stdbool.h>

#include "common/report.h"
#include "handshake/subordinate-ids.h"

typedef struct Host {
        int daemon_fd;  /* a pidfd of the daemon */
        int root_fd;    /* O_PATH, of the root directory that paths are judged by */
        int cgroups_fd; /* above the sessions' cgroups; -EBADF: they have none */
        SubordinateIds subordinates;
        bool said_sync_is_missing;
} Host;

#define HOST_NONE ((Host){.daemon_fd = -EBADF, .root_fd = -EBADF, .cgroups_fd = -EBADF})

/* Returns 0 where this kernel can do what the daemon needs; otherwise a negative errno, after a record of
 * what is missing. */
int host_check_kernel(Report *report);

/* Opens the host's fds, which are the caller's also where some cannot be opened.  Returns 0 or a negative
 * errno. host_close() closes and frees what the host has. */
int host_open(Report *report, Host *ret);
void host_close(Host *host);

/* Reads the subordinate user IDs, again where they were read before; records where that fails. */
void host_read_subordinates(Host *host, Report *report);

/* Records, once, that the kernel lacks an acceleration, which shows only when a launcher has connected. */
void host_report_missing_sync(Host *host, Report *report);
