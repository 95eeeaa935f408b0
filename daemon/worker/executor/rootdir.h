/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The worker's root directory.  It is the host's, except while the worker resolves a path of a target with
 * another root. */

#include <stdbool.h>

#include "common/directory-id.h"
#include "worker/target/credentials.h"
#include "worker/target/task-reader.h"

typedef struct RootDir {
        CredentialsOverride *override; /* not ours */
        int host_root_fd;              /* O_PATH; not ours */
        DirectoryId host;
        DirectoryId now;
} RootDir;

/* Goes to the host's root.  Returns 0 or a negative errno. */
int rootdir_init(RootDir *rootdir, CredentialsOverride *override, int host_root_fd);

bool rootdir_is_host(const RootDir *rootdir);

/* Is this the worker's current root? */
bool rootdir_is(const RootDir *rootdir, const DirectoryId *root);

/* Goes to the root of the target, of which TASK_ROOT is known, where it isn't there already.  Changes the
 * working directory.  Returns 0, TARGET_GONE or a negative errno. */
int rootdir_enter(RootDir *rootdir, Target *target, const TaskFacts *facts);

/* Goes back to the host's root, working directory and all.  Returns 0 or a negative errno. */
int rootdir_leave(RootDir *rootdir);
