/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The environment of the benchmark: its own PID and mount namespaces, with a new tmpfs on TESTBED, an empty
 * /run, and a journal that reads records and drops them.  The main process is PID 1 there: when it exits the
 * kernel kills all processes in the namespace, and the mounts go away. */

#include <stdbool.h>
#include <sys/types.h>

#define TESTBED "/dev/shm"

/* The paths of the programs that meson has built. */
typedef struct Programs {
        const char *snotifyd;
        const char *snotify_run;
        const char *workload;
        const char *nothing;
        const char *ordinary;
} Programs;

/* Sets up the environment and forks the main process into it, in which alone this function returns; the
 * caller waits for that process and exits with its status.  Changes the paths of the programs to ones that
 * every user can reach. */
void testbed_enter(Programs *programs);

/* Starts a journal, and a daemon with the configuration at config that listens on the socket at path.
 * Returns once it listens. */
void testbed_start_journal(void);
pid_t testbed_start_daemon(const Programs *programs, const char *config, const char *socket_path);

/* Writes text to a new file, or ends the program. */
void testbed_write(const char *path, const char *text);
