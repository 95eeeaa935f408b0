/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells which processes have restricted themselves with landlock(7).  Landlock's rules bind such a process
 * and its later children.  They do not bind a worker that acts for it, and no other process can read them.
 * So the worker creates nothing for such a process.
 *
 * No file in /proc says that a process is restricted.  But the filter traps the call by which a process
 * restricts itself, and the worker marks the process before it lets that call go on.  The mark is a limit
 * that means nothing: RLIMIT_LOCKS, unused since Linux 2.4.25 (getrlimit(2)).  It is inherited as Landlock's
 * rules are: by whatever is forked or cloned, with CLONE_PARENT too, and across execve(2).  Raising a hard
 * limit again takes CAP_SYS_RESOURCE, and the filter traps each change of this limit, too.  All threads of a
 * process share the mark, even where Landlock binds only one of them. */

#include <stdbool.h>
#include <stdint.h>

#include "worker/target/credentials.h"
#include "worker/target/task-reader.h"

/* The task is about to call landlock_restrict_self().  Marks its process, whether the call will succeed or
 * not: other threads can change the descriptor and no_new_privs (SECCOMP_FILTER_FLAG_TSYNC sets it in all
 * threads) until the kernel looks at them, which it does after the worker.  The notification must have been
 * seen to be valid since the target was opened and its TASK_STATUS read.  The worker must have its own
 * credentials.  Returns 0, and then the process is marked for certain; TARGET_GONE; or a negative errno:
 * -EPERM where neither the target's user nor the worker may mark it. */
int landlock_mark(TaskReader *reader, Target *target, TaskFacts *facts, CredentialsOverride *override,
        const WorkerLock *lock);

/* Is the process marked?  TASK_LIMITS must be known. */
bool landlock_is_marked(const TaskFacts *facts);

/* The task is about to change RLIMIT_LOCKS of its own process or of another one, and some process of its
 * session is marked.  TASK_STATUS must be known.  *ret says whether the kernel may go on with that, whatever
 * the new limit is.  It may where the task cannot raise a hard limit.  It may also where the task changes
 * its own process's limit and that is not marked: that process is not restricted, and could create for a
 * restricted one whatever it likes.  Returns 0, TARGET_GONE or a negative errno. */
int landlock_admits_limit(TaskReader *reader, Target *target, TaskFacts *facts, bool own, bool *ret);
