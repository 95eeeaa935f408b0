/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A pinned parent directory: it cannot be exchanged any more, whatever is renamed or relinked meanwhile. */

#include <stdbool.h>

#include "common/ledger.h"
#include "worker/location/host-mounts.h"

typedef struct Parent {
        int fd; /* O_PATH, owned; -EBADF: none */
        LedgerObject object;
        /* It is the working directory, too, so that getcwd(2) names it.  Entering a directory is a step that
         * the target does not take: on FUSE the server is asked, and may refuse it. */
        bool entered;
        bool is_fuse;
        bool is_autofs; /* a name that is missing there is a request to the automounter */
        bool is_inert;  /* on procfs or sysfs, where nothing can be created */
        /* The target's root was seen to be the host's, so that the target has no other name for it. */
        bool in_host_root;
} Parent;

/* Takes over fd and finds out which directory it is, as far as this process may.  Returns 0 or a negative
 * errno. */
int parent_take(Parent *parent, int fd, const HostMounts *host_mounts);

/* Makes it the working directory, unless it is on FUSE or that is refused; entered says which.  Returns 0 or
 * -ENOMEM. */
int parent_enter(Parent *parent);

/* Lets go of it. */
void parent_release(Parent *parent);
