/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the benchmark takes place: a PID and a mount namespace of its own, with a fresh tmpfs on ROOM, an
 * empty /run and a journal that reads and forgets.  Everything in it dies and vanishes with the conductor,
 * which is its PID 1. */

#include <stdbool.h>
#include <sys/types.h>

#define ROOM "/dev/shm"

/* What meson built, and what tells it where that is. */
typedef struct Programs {
        const char *snotifyd;
        const char *snotify_run;
        const char *workload;
        const char *nothing;
        const char *ordinary;
} Programs;

/* Goes there.  Returns in the conductor; the process that called waits for it and ends with its status.  The
 * programs are then at paths that every user can reach. */
void room_enter(Programs *programs);

/* Starts a journal, and a daemon with the configuration at config that listens on the socket at path.
 * Returns once it listens. */
void room_start_journal(void);
pid_t room_start_daemon(const Programs *programs, const char *config, const char *socket_path);

/* Writes text to a new file, or ends the program. */
void room_write(const char *path, const char *text);
