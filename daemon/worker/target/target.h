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
#include "worker/target/worker-proc.h"

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

/* Opens the task that has this number now.  A TaskReader calls it where it finds, at the start of a request,
 * that the kept fds belong to a dead task.  Returns 0, TARGET_GONE or a negative errno. */
int target_reopen(Target *target);

/* Lets go of what is kept where it may be that of another task: birth, which is not 0, tells tasks with the
 * same number apart.  A TaskReader calls it that has learned so of the task that waits.  Returns 0,
 * TARGET_GONE or a negative errno. */
int target_confirm(Target *target, uint64_t birth);

pid_t target_tid(const Target *target);

/* Notes whether its root directory was the host's when the worker looked. */
void target_note_host_root(Target *target, bool is_host);

/* May the worker presume that the root directory is the host's, because it was so when it looked last? */
bool target_had_host_root(const Target *target);

/* It was not so: nothing is presumed of this task any more. */
void target_lose_host_root(Target *target);

/* Was it kept since an earlier call?  Then keeping more of its files open is worth a system call. */
bool target_is_familiar(const Target *target);

/* Is this what the kernel says when a file of a dead task is opened or read?  It is ESRCH or ENOENT. */
bool target_error_means_gone(int error);

/* The task's directory in /proc, O_PATH.  The target owns it. */
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

/* The /proc by way of which all of this is opened; the cache's. */
const WorkerProc *target_proc(const Target *target);
const WorkerProc *target_cache_proc(const TargetCache *cache);
