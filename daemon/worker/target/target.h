/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stopped task, seen from outside: everything that is read from it or its /proc entry.
 *
 * Tasks are named by thread id, for threads can have credentials, umask and directories of their own.  The
 * fds of the last few tasks are kept: each holds on to one task for ever, and fails with ESRCH once that
 * task is dead, even where its number was given to another.  Nothing read here counts before the
 * notification was seen to be still valid (notify_check_id()): only then was the task that we read surely
 * the one that is waiting. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ledger.h"
#include "worker/target/task-facts.h"

/* Positive outcomes. */
enum {
        TARGET_GONE = 1,
        TARGET_FAULT,    /* memory_read_string(): the address can't be read, EFAULT */
        TARGET_TOO_LONG, /* memory_read_string(): no NUL within PATH_MAX bytes, ENAMETOOLONG */
};

typedef struct TargetCache TargetCache;
typedef struct Target Target;

/* A root directory, told apart from all others for as long as somebody holds it. */
typedef struct TargetRoot {
        uint64_t dev;
        uint64_t ino;
        uint64_t mount_id;
} TargetRoot;

/* Returns 0 or a negative errno.  target_cache_free() takes NULL and returns NULL. */
int target_cache_new(TargetCache **ret);
TargetCache *target_cache_free(TargetCache *cache);

/* Finds or opens the task.  The cache owns *ret, which stays valid until the next call.  *ret_fresh says
 * whether it was opened just now.  Returns 0, TARGET_GONE, or a negative errno. */
int target_open(TargetCache *cache, pid_t tid, Target **ret, bool *ret_fresh);

pid_t target_tid(const Target *target);

/* Reads who the task is.  ret->credentials must have been initialised with credentials_init() and is reused
 * from call to call. Returns 0, TARGET_GONE, or a negative errno. */
int task_reader_read(Target *target, TaskFacts *ret);

/* Is the task in the user namespace that we are in?  Returns 1 or 0, or a negative errno; -ESRCH when the
 * task is gone. */
int target_in_our_user_namespace(Target *target);

/* Opens the task's user namespace.  Returns 0 and the caller's fd, TARGET_GONE or a negative errno. */
int target_open_user_namespace(Target *target, int *ret_fd);

/* Which directory is the task's root?  Returns 0, TARGET_GONE, or a negative errno. */
int target_read_root(Target *target, TargetRoot *ret);

/* The same question of any directory that we hold.  Returns 0 or a negative errno. */
int target_root_of_fd(int fd, TargetRoot *ret);

/* Open the task's root or working directory, or what its descriptor number is, as O_PATH.  Return 0 and the
 * caller's fd, TARGET_GONE, -EBADF (target_open_fd() alone: it has no such descriptor), or another negative
 * errno. */
int target_open_root(Target *target, int *ret_fd);
int target_open_cwd(Target *target, int *ret_fd);
int target_open_fd(Target *target, int number, int *ret_fd);

/* Reads the path of a descriptor of this process, seen from the root directory that it has now.  The path is
 * NUL-terminated, and says neither whether it leads out of that root nor, for certain, whether it was
 * removed.  Returns 0, -ENAMETOOLONG or another negative errno. */
int target_read_own_path(Target *target, int fd, char *ret, size_t size);

/* The same for the target's root directory.  Also returns TARGET_GONE. */
int target_read_root_path(Target *target, char *ret, size_t size);

/* Reads the process group of the task, as our PID namespace numbers it.  Returns 0, TARGET_GONE or a
 * negative errno. */
int target_read_group(Target *target, pid_t *ret);

/* Opens a file of the task's /proc entry for reading.  Returns 0 and the caller's fd, TARGET_GONE or a
 * negative errno. */
int target_open_file(Target *target, const char *name, int *ret_fd);

/* The number that our own /proc has for the worker, as text. */
const char *target_our_number(const Target *target);

/* Opens, O_PATH, what the name below our own /proc means; nobody else arranges that one.  For names that are
 * built of numbers: the caller's check of the notification tells whether they were the target's.  Returns 0
 * and the caller's fd, or a negative errno. */
int target_open_entry(Target *target, const char *name, int flags, int *ret_fd);

/* Opens the list of mounts (proc_pid_mountinfo(5)) that the host has: process 1's, or the worker's own.
 * Returns 0 and the caller's fd, or a negative errno. */
int target_open_host_mounts(const TargetCache *cache, bool own, int *ret_fd);
