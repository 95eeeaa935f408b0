/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which processes have restricted themselves with landlock(7)?  Their rules bind them and what they fork
 * from then on, but not the worker that would act for them; nor can anybody read them from outside.  So what
 * would be made for such a process is not made.
 *
 * No file in /proc says that a process is restricted.  But it is the filter that lets it restrict itself,
 * and before it does so it is marked, by a limit that means nothing: RLIMIT_LOCKS, unused since Linux 2.4.25
 * (getrlimit(2)), is inherited as Landlock's rules are - by whatever is forked or cloned, with CLONE_PARENT
 * too, and across execve(2) - and who lowered a hard limit can't raise it again without CAP_SYS_RESOURCE;
 * and the filter lets nobody change this one. All threads of a process have it, of which Landlock may bind
 * only one. */

#include "target.h"

/* The task is about to call landlock_restrict_self() with descriptor fd.  Marks its process, unless the call
 * is bound to fail.  Raised.  Returns 0 or a negative errno: -ESRCH when it is gone, -EPERM where neither we
 * nor its user may mark it. */
int landlock_mark(Target *target, const TargetStatus *status, int fd);

/* Is the task's process marked?  Returns 1 or 0, or a negative errno: -ESRCH when it is gone. */
int landlock_is_marked(Target *target);
