/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which processes have restricted themselves with landlock(7)?  Their rules bind them and what they fork
 * from then on, but not the worker that would act for them; nor can anybody read them from outside.  So what
 * would be made for such a process is not made.
 *
 * No file in /proc says that a process is restricted.  But it is the filter that lets it restrict itself,
 * and before it does so it is marked, by a limit that means nothing: RLIMIT_LOCKS, unused since Linux 2.4.25
 * (getrlimit(2)), is inherited as Landlock's rules are - by whatever is forked or cloned, with CLONE_PARENT
 * too, and across execve(2) - and a hard limit that was lowered takes CAP_SYS_RESOURCE to raise again.  The
 * filter has the worker asked where this limit is to be changed.  All threads of a process have it, of which
 * Landlock may bind only one. */

#include <stdbool.h>
#include <stdint.h>

#include "worker/target/credentials.h"
#include "worker/target/task-reader.h"

/* Where a helper process signs on for the worker, so that the daemon finds it: see ledger_open_lock(). */
typedef struct WorkerLock {
        int fd;
        uint32_t number; /* the worker's */
} WorkerLock;

/* The task is about to call landlock_restrict_self().  Marks its process, whether the call will succeed or
 * not: the descriptor, and no_new_privs (SECCOMP_FILTER_FLAG_TSYNC sets it in all threads), can be changed
 * by other threads until the kernel looks at them, after us.  The notification must have been seen to be
 * valid since the target was opened and its TASK_STATUS read.  Raised.  Returns 0, and then the target
 * surely is marked; TARGET_GONE; or a negative errno: -EPERM where neither its user nor we may mark it. */
int landlock_mark(TaskReader *reader, Target *target, TaskFacts *facts, CredentialsOverride *override,
        const WorkerLock *lock);

/* Is the process marked of which TASK_LIMITS are known? */
bool landlock_is_marked(const TaskFacts *facts);

/* The task, of which TASK_STATUS is known, is about to change RLIMIT_LOCKS, its own process's or another's,
 * and some process of its session is marked.  May the kernel go on with that, whatever the new limit then
 * says?  Yes where the task cannot raise a hard limit.  Yes for its own limit where that is no mark: so its
 * process is not restricted, and could create for a restricted one whatever it likes.  Returns 0,
 * TARGET_GONE or a negative errno. */
int landlock_admits_limit(TaskReader *reader, Target *target, TaskFacts *facts, bool own, bool *ret);
