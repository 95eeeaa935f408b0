/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon starts with: its listening socket, and the sessions that an earlier daemon left in
 * systemd's store. */

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "common/report.h"
#include "session/store.h"

/* The name that a daemon started without systemd gives its socket.  The directory is opened once: what
 * happens to the directories above it then no longer matters. */
typedef struct SocketName {
        int dir_fd; /* O_PATH; -EBADF: systemd made the socket, and keeps its name */
        const char *name;
        dev_t dev;
        ino_t ino;
} SocketName;

typedef struct Activation {
        int socket_fd; /* -EBADF: systemd has passed none */
        SocketName socket_name;
        StoreContents stored; /* the caller's, who takes fds out of it */
} Activation;

#define ACTIVATION_NONE                                                                                     \
        ((Activation){.socket_fd = -EBADF, .socket_name.dir_fd = -EBADF, .stored = STORE_CONTENTS_NONE})

/* Takes what systemd passed.  Says on report what is wrong.  Returns 0 or a negative errno. */
int activation_take(Report *report, Activation *ret);

/* Lets launchers connect: opens the socket at socket_path, which must outlive the activation, where systemd
 * has passed none.  Says on report what is wrong.  Returns 0 or a negative errno. */
int activation_listen(Activation *activation, const char *socket_path, Report *report);

/* Closes and frees what was not taken, and removes the socket's name, unless something else has it by now.
 */
void activation_done(Activation *activation);
