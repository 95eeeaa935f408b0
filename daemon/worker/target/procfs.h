/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the links and directories of /proc mean to the target.  When the worker reads "self", the kernel
 * shows it the worker.  The kernel also lets each process follow the links of its own entry and search the
 * directories of its own entry, whatever its credentials and its dumpable flag are.  Here that exception
 * must hold for the target, and must not hold for the worker. */

#include <stdbool.h>
#include <stddef.h>

#include "common/notify.h"
#include "worker/target/credentials.h"
#include "worker/target/target.h"
#include "worker/target/task-facts.h"

/* One lookup of a path, by the worker or a helper, in place of the target.  Nothing in it is owned. */
typedef struct PathLookup {
        const Target *target;
        const TaskFacts *facts;           /* where TASK_STATUS is not known, see wants_facts */
        CredentialsOverride *override;    /* NULL: a helper does it, which has become the target for good */
        const Notification *notification; /* NULL in a helper */

        /* Set where a helper gets further than the worker: EACCES then does not say what the target may do.
         */
        bool wants_helper;

        /* Set where the path leads through links that only TASK_STATUS explains.  It is not known: the
         * worker reads it, and begins anew. */
        bool wants_facts;

        /* The host has an automounter: the worker stops where it would enter an autofs, and sets met_autofs.
         */
        bool minds_autofs;
        bool met_autofs;
} PathLookup;

/* Functions of this file that return an errno return it negated.  It is the one that the target gets; EIO
 * where the worker could not change its credentials. */

/* Is this a directory of a procfs? */
bool procfs_is_it(int fd);

/* Is the number of this process one of the path's names?  The kernel lets this process search directories of
 * its own entry that must stay hidden from the target. */
bool procfs_names_us(const PathLookup *lookup, const char *path);

/* Is name the entry of this process in dir_fd, the root of a procfs? */
bool procfs_is_us(const PathLookup *lookup, int dir_fd, const char *name);

/* The path leads through the entry of this process.  The worker asks for a helper, for which the worker is
 * another process; without snotify there is no helper, so that a helper's own entry does not exist.  Returns
 * -EACCES or -ENOENT. */
int procfs_refuse_us(PathLookup *lookup);

/* Can dir_fd be in the entry of this process in a procfs?  The worker may search it even as the target. */
bool procfs_may_be_ours(const PathLookup *lookup, int dir_fd);

/* *ret_error is the errno with which the kernel refuses to create name in a directory of a procfs. */
void procfs_refuse(int dir_fd, const char *name, int *ret_error);

/* Resolves the symbolic link name in the procfs directory dir_fd as the target would.  Returns 0, with
 * either *ret_fd, the caller's O_PATH fd of what the link leads to, or with text in ret_text (and *ret_fd
 * empty) that is to be read in place of the link; or a negative errno. */
int procfs_follow(
        PathLookup *lookup, int dir_fd, const char *name, int *ret_fd, char *ret_text, size_t size);

/* Opens name in the directory dir_fd, O_PATH and without following a link, in a directory that only the
 * target's own threads may search: the kernel refuses that to the worker and not to the target.  "." and
 * ".." are names, too.  Returns 0 and the caller's fd, or a negative errno: -EACCES where this is no such
 * directory. */
int procfs_open_own(PathLookup *lookup, int dir_fd, const char *name, int *ret_fd);

/* The target's credentials do not let it search the directory dir_fd.  *ret_error is what it is told of name
 * there: EEXIST or ENOENT where it may search all the same, as one of the target's own directories, in which
 * nothing can be created; else EACCES or another errno. */
void procfs_look_own(PathLookup *lookup, int dir_fd, const char *name, int *ret_error);
