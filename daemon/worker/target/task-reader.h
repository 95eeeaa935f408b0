/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the facts about a stopped task.  A reader is one way to do so; all readers say the same of the same
 * task, and a test can hold one against the other.
 *
 * What a reader says counts only once the notification was seen to be valid afterwards: only then was the
 * task that it read surely the one that waits. */

#include "worker/target/target.h"
#include "worker/target/task-facts.h"

typedef struct TaskReader TaskReader;

/* What each reader begins with. */
struct TaskReader {
        /* Reads these sets, of which it knows none yet, and marks them as known; it may read others along.
         * What is known already stays as it is.  Returns 0, TARGET_GONE or a negative errno: then some of
         * the sets may be missing. */
        int (*read)(TaskReader *reader, Target *target, unsigned sets, TaskFacts *facts);
        void (*free)(TaskReader *reader);
};

/* The reader that asks /proc.  Returns 0 or a negative errno.  task_reader_free() takes any reader, or NULL,
 * and returns NULL. */
int procfs_task_reader_new(TaskReader **ret);
TaskReader *task_reader_free(TaskReader *reader);

/* Makes sure that these sets, of TaskFactSet, are known, and reads none of them twice: facts must be those
 * of this target, and be forgotten at the start of each request (task_facts_forget()).  Returns 0,
 * TARGET_GONE or a negative errno. */
int task_reader_read(TaskReader *reader, Target *target, unsigned sets, TaskFacts *facts);
