/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A pinned parent directory.  The worker holds it open: no rename or link that the workload changes can put
 * another directory in its place. */

#include <stdbool.h>

#include "common/ledger.h"
#include "worker/location/host-mounts.h"

typedef struct Parent {
        int fd; /* O_PATH, owned; -EBADF: no parent is pinned */
        LedgerObject object;
        /* It is the worker's working directory, too, so that getcwd(2) returns its path.  The target itself
         * does not enter it.  On FUSE the kernel asks the server, which may refuse it. */
        bool entered;
        bool is_fuse;
        bool is_autofs; /* looking up a name that does not exist makes the kernel ask the automounter */
        bool is_inert;  /* on procfs or sysfs, where no process can create anything */
        /* The worker has seen that the target's root is the host's: the target's path is the host's path. */
        bool in_host_root;
} Parent;

/* Releases the parent that was pinned before, takes over the O_PATH fd, also on failure, and identifies the
 * directory as far as the kernel lets this process: see object_read().  Returns 0 or a negative errno. */
int parent_take(Parent *parent, int fd, const HostMounts *host_mounts);

/* Changes the working directory to the parent.  Does not do so on FUSE, or if the kernel refuses it: then
 * entered is false.  Returns 0 or -ENOMEM. */
int parent_enter(Parent *parent);

/* Closes the fd, and forgets the parent. */
void parent_release(Parent *parent);
