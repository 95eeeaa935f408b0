/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The worker's root directory.  It is the host's root, except while the worker resolves or reads a path in
 * the root of a target that has another one. */

#include <stdbool.h>

#include "common/directory-id.h"
#include "worker/target/credentials.h"
#include "worker/target/task-reader.h"

typedef struct RootDir {
        CredentialsOverride *override; /* not owned */
        int host_root_fd;              /* O_PATH, not owned */
        DirectoryId host;
        DirectoryId now; /* the present root */
        /* The working directory may be another one than the host's root.  A function that changes it sets
         * this. */
        bool away;
} RootDir;

/* Changes the worker's root and working directory to the host's root.  Both arguments must outlive rootdir.
 * Returns 0 or a negative errno. */
int rootdir_init(RootDir *rootdir, CredentialsOverride *override, int host_root_fd);

/* Is the worker's present root the host's? */
bool rootdir_is_host(const RootDir *rootdir);

/* Is this directory the worker's present root? */
bool rootdir_is(const RootDir *rootdir, const DirectoryId *root);

/* Changes the worker's root and working directory to the target's root, unless that is the worker's root
 * already.  facts must include TASK_ROOT.  Returns 0, TARGET_GONE or a negative errno. */
int rootdir_enter(RootDir *rootdir, Target *target, const TaskFacts *facts);

/* Changes the worker's root and working directory to the host's root.  Returns 0 or a negative errno. */
int rootdir_leave(RootDir *rootdir);
