/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The handles of a stopped task: what is opened of it by way of its /proc entry.  What it is like, as plain
 * data, is read by a TaskReader (task-reader.h).
 *
 * Tasks are named by thread id, for threads can have credentials, umask and directories of their own.  The
 * fds of the last few tasks are kept: each belongs to one task for ever, and fails with ESRCH once that task
 * is dead, even where its number was given to another.  No handle counts before the notification was seen to
 * be still valid: only then was the task that it belongs to surely the one that waits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/gone.h"

/* Besides 0 and a negative errno, what the functions of this file and a TaskReader return. */
typedef enum TargetStatus {
        TARGET_GONE = STATUS_GONE,
} TargetStatus;

typedef struct TargetCache TargetCache;
typedef struct Target Target;

/* Returns 0 or a negative errno.  target_cache_free() takes NULL and returns NULL. */
int target_cache_new(TargetCache **ret);
TargetCache *target_cache_free(TargetCache *cache);

/* Finds or opens the task.  The cache owns *ret, which stays valid until the next call.  Returns 0,
 * TARGET_GONE, or a negative errno. */
int target_open(TargetCache *cache, pid_t tid, Target **ret);

/* Opens the task anew that has this number now.  For a reader that found, at the start of a request, that
 * the kept fds are those of a dead one.  Returns 0, TARGET_GONE or a negative errno. */
int target_reopen(Target *target);

pid_t target_tid(const Target *target);

/* Was it found among those that are kept?  So it makes more than one call. */
bool target_is_familiar(const Target *target);

/* What the kernel answers of a dead task's files: ESRCH, or ENOENT. */
bool target_error_means_gone(int error);

/* Its directory in /proc, O_PATH; the target's. */
int target_dir_fd(const Target *target);

/* Files of that directory which stay open for as long as the target is kept. */
typedef enum TargetFile {
        TARGET_FILE_STATUS,
        TARGET_FILE_USER_NAMESPACE, /* the link itself, O_PATH */
        N_TARGET_FILES,
} TargetFile;

/* Opens it where it is not open yet.  The target owns *ret_fd.  Returns 0, TARGET_GONE or a negative errno.
 */
int target_keep_file(Target *target, TargetFile file, int *ret_fd);

/* Opens any file of that directory for reading.  Returns 0 and the caller's fd, TARGET_GONE or a negative
 * errno. */
int target_open_file(Target *target, const char *name, int *ret_fd);

/* Opens the task's user namespace.  Returns 0 and the caller's fd, TARGET_GONE or a negative errno. */
int target_open_user_namespace(Target *target, int *ret_fd);

/* Open the task's root or working directory, or what its descriptor number is, as O_PATH.  Return 0 and the
 * caller's fd, TARGET_GONE, -EBADF (target_open_fd() alone: it has no such descriptor), or another negative
 * errno. */
int target_open_root(Target *target, int *ret_fd);
int target_open_cwd(Target *target, int *ret_fd);
int target_open_fd(Target *target, int number, int *ret_fd);

/* Our own /proc, by way of any target. */

/* Reads the path of a descriptor of this process, seen from the root directory that it has now.  The path is
 * NUL-terminated, and says neither whether it leads out of that root nor, for certain, whether it was
 * removed.  Returns 0, -ENAMETOOLONG or another negative errno. */
int target_read_own_path(const Target *target, int fd, char *ret, size_t size);

/* The number that our own /proc has for the worker, as text. */
const char *target_our_number(const Target *target);

/* Opens, O_PATH, what the name below our own /proc means; no workload arranges that one.  For names that are
 * built of numbers: the caller's check of the notification tells whether they were the target's.  Returns 0
 * and the caller's fd, or a negative errno. */
int target_open_entry(const Target *target, const char *name, int flags, int *ret_fd);

/* Opens the list of mounts (proc_pid_mountinfo(5)) that the host has: process 1's, or the worker's own.
 * Returns 0 and the caller's fd, or a negative errno. */
int target_open_host_mounts(const TargetCache *cache, bool own, int *ret_fd);
