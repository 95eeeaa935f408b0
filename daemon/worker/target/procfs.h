/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the links and directories of /proc mean to the target.  To the worker "self" is the worker.  The
 * kernel lets each process follow its own links and search its own directories, whatever its credentials and
 * its dumpable flag are: that exception belongs to the target here, and must not belong to the worker. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/target/credentials.h"
#include "worker/target/target.h"
#include "worker/target/task-facts.h"

/* Whose path is being resolved, and by whom.  Nothing here is owned. */
typedef struct ProcfsReader {
        Target *target;
        const TaskFacts *facts;
        CredentialsOverride *override; /* NULL: a helper reads, who has become the target for good */
        int listener_fd;
        uint64_t id; /* of the notification */

        /* Set where only a helper gets further: EACCES then says nothing of what the target may do. */
        bool wants_helper;

        /* The host has an automounter: the worker's walk ends where it would enter an autofs. */
        bool minds_autofs;
        bool met_autofs;
} ProcfsReader;

/* Is this a directory of a procfs? */
bool procfs_is_it(int fd);

/* Does the path have our own number among its names?  The kernel lets us search directories of our own entry
 * that the target must not be told of. */
bool procfs_names_us(const ProcfsReader *reader, const char *path);

/* Is name our own entry in dir_fd, the root of a procfs? */
bool procfs_is_us(const ProcfsReader *reader, int dir_fd, const char *name);

/* Returns what the target gets where a path leads through our own entry: a helper tells, as another process;
 * and natively there is no helper. */
int procfs_refuse_us(ProcfsReader *reader);

/* May dir_fd be in our own entry in a procfs?  The worker may search it, as the target. */
bool procfs_may_be_ours(const ProcfsReader *reader, int dir_fd);

/* Returns the positive errno that creating name in the directory of a procfs fails with. */
int procfs_refuse(int dir_fd, const char *name);

/* Resolves the symbolic link name in the procfs directory dir_fd as the target would.  Returns 0 with either
 * *ret_fd, the caller's O_PATH fd of what it leads to, or with text in ret_text (and *ret_fd empty) that is
 * to be read in its place; else the positive errno that the target gets. */
int procfs_follow(
        ProcfsReader *reader, int dir_fd, const char *name, int *ret_fd, char *ret_text, size_t size);

/* Opens name in the directory dir_fd, O_PATH and without following a link, where the kernel refuses that to
 * the worker and not to the target: in the directories that only the target's own threads may search.  "."
 * and ".." are names, too.  Returns 0 and the caller's fd, or the positive errno that the target gets:
 * EACCES where this is no such directory. */
int procfs_open_own(ProcfsReader *reader, int dir_fd, const char *name, int *ret_fd);

/* What the target is told of name in the directory dir_fd, which it may not search by its credentials:
 * EEXIST or ENOENT where it may do so all the same, for nothing can be created there; else EACCES or another
 * positive errno. */
int procfs_look_own(ProcfsReader *reader, int dir_fd, const char *name);
