/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manager: the daemon's event loop, and all that lives in it. */

#include "common/report.h"
#include "guard/set-up.h"
#include "reader/set-up.h"

typedef struct Manager Manager;

/* All of it stays the caller's, and outlives the manager. */
typedef struct ManagerOptions {
        const char *config_path;
        const char *socket_path;
        const GuardSetUp *guard;
        const ReaderSetUp *reader;
} ManagerOptions;

/* Loads the configuration, takes over stored sessions, and lets launchers connect.  Records on report, which
 * stays the caller's, what is wrong.  Returns 0 or a negative errno.  manager_free() takes NULL and returns
 * NULL. */
int manager_new(const ManagerOptions *options, Report *report, Manager **ret);
Manager *manager_free(Manager *manager);

/* Runs until SIGTERM or SIGINT.  Returns 0 or a negative errno. */
int manager_run(Manager *manager);
