/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd passes to the daemon at its start: the listening socket, and what an earlier daemon left in
 * systemd's fd store.  Without systemd the daemon creates the socket. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/report.h"
#include "session/store.h"

/* The name of a socket that the daemon has created.  Its directory is opened once: from then on it does not
 * matter what happens to the directories above. */
typedef struct SocketName {
        int dir_fd; /* O_PATH; -EBADF: the socket is systemd's, or none was created */
        const char *name;
        dev_t dev;
        ino_t ino;
} SocketName;

typedef struct Activation {
        int socket_fd; /* -EBADF: systemd has passed none */
        SocketName socket_name;
        StoreContents stored; /* the caller takes fds out of it */
} Activation;

#define ACTIVATION_NONE                                                                                     \
        ((Activation){.socket_fd = -EBADF, .socket_name.dir_fd = -EBADF, .stored = STORE_CONTENTS_NONE})

/* Takes the fds that systemd passed, and closes those that are of no use, with a record of each.  Returns 0
 * or a negative errno. */
int activation_take(Report *report, Activation *ret);

/* Lets launchers connect.  Where systemd has passed no socket, creates one at socket_path, which must
 * outlive the activation.  Returns 0, or a negative errno after a record of what is wrong. */
int activation_listen(Activation *activation, const char *socket_path, Report *report);

/* Closes and frees what the caller has not taken, and removes the socket's name, unless another file has it
 * by now. */
void activation_done(Activation *activation);
