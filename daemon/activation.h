/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon starts with: its listening socket, and the sessions that an earlier daemon left in
 * systemd's store. */

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "common/report.h"
#include "store.h"

/* The name that a daemon started without systemd gives its socket.  The directory is opened once: what
 * happens to the directories above it then no longer matters. */
typedef struct SocketName {
        int dir_fd; /* O_PATH; -EBADF: systemd made the socket, and keeps its name */
        const char *name;
        dev_t dev;
        ino_t ino;
} SocketName;

typedef struct Activation {
        int socket_fd;
        SocketName socket_name;
        StoreContents stored; /* the caller's, who takes fds out of it */
} Activation;

/* Takes what systemd passed, and opens the socket at socket_path where that was none.  Says on report what
 * is wrong.  socket_path must outlive *ret.  Returns 0 or a negative errno. */
int activation_take(const char *socket_path, Report *report, Activation *ret);

/* Removes the socket's name, unless something else has it by now, and lets go of its directory. */
void socket_name_remove(SocketName *name);
