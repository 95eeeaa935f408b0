/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the links of /proc mean to the target.  To the worker "self" is the worker; and the kernel decides by
 * who asks whether a link may be followed, but lets a process always follow its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "target.h"

/* Whose path is being resolved, and by whom.  Nothing here is owned. */
typedef struct ProcfsReader {
        Target *target;
        const TargetStatus *status;
        Becomer *becomer; /* NULL: a deputy reads, who has become the target for good */
        int listener_fd;
        uint64_t id; /* of the notification */

        /* Set where only a deputy gets further: EACCES then says nothing of what the target may do. */
        bool wants_deputy;
} ProcfsReader;

/* Is this a directory of a procfs? */
bool procfs_is_it(int fd);

/* Resolves the symbolic link name in the procfs directory dir_fd as the target would.  proc_root_fd is the
 * root of that procfs, or -EBADF where it isn't known.  Returns 0 with either *ret_fd, the caller's O_PATH
 * fd of what it leads to, or with text in ret_text (and *ret_fd empty) that is to be read in its place; else
 * the positive errno that the target gets. */
int procfs_follow(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd,
        char *ret_text, size_t size);

/* Opens name in the procfs directory dir_fd, O_PATH and without following a link, where the kernel refuses
 * it to us but not to its owner: the target's own descriptors, for one, when it isn't dumpable.  Returns 0
 * and the caller's fd, or the positive errno that the target gets. */
int procfs_open_own(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd);

/* What the target is told of name in the procfs directory dir_fd, where the kernel lets the owner in and not
 * us: EEXIST or ENOENT, for nothing can be made there.  Returns 0 where we may look like anybody. */
int procfs_look_own(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name);
