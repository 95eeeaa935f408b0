/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon starts with: its listening socket, and the sessions that an earlier daemon left in
 * systemd's store. */

#include <stdbool.h>
#include <stddef.h>

#include "common/report.h"
#include "store.h"

typedef struct Activation {
        int socket_fd;
        bool socket_is_ours;  /* we made its name in the file system, and remove it */
        StoreContents stored; /* the caller's, who takes fds out of it */
} Activation;

/* Takes what systemd passed, and opens the socket at socket_path where that was none.  Says on report what
 * is wrong.  Returns 0 or a negative errno. */
int activation_take(const char *socket_path, Report *report, Activation *ret);
