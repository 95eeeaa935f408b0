/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the facts about a stopped task.  A reader is one way to do so; all readers say the same of the same
 * task, and a test can hold one against the other.
 *
 * What a reader says counts only once the notification was seen to be valid afterwards: only then was the
 * task that it read surely the one that waits. */

#include "common/notify.h"
#include "worker/target/target.h"
#include "worker/target/task-facts.h"

typedef struct TaskReader TaskReader;

/* What each reader begins with. */
struct TaskReader {
        /* A new request: all that follows is about the task that waits in this call, whose notification
         * outlives the request.  NULL: the reader does not need to know. */
        void (*begin)(TaskReader *reader, const Notification *notification);
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

/* The reader that runs a program in the kernel (reader/reader.h), and asks another reader, which it takes
 * over even on failure, for what the program does not tell.  The descriptors must outlive it; root_fd is of
 * the host's root directory.  Returns 0 or a negative errno. */
int bpf_task_reader_new(int program_fd, int root_fd, TaskReader *other, TaskReader **ret);

/* Must be called at the start of each request. */
void task_reader_begin(TaskReader *reader, const Notification *notification);

/* Makes sure that these sets, of TaskFactSet, are known, and reads none of them twice: facts must be those
 * of this target, and be forgotten at the start of each request (task_facts_forget()).  Returns 0,
 * TARGET_GONE or a negative errno. */
int task_reader_read(TaskReader *reader, Target *target, unsigned sets, TaskFacts *facts);
