/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of a task: plain data, whichever reader has read it (see task-reader.h).  Facts come in
 * sets, for a reader gets all of one set at once; a request asks for the sets that it needs.
 *
 * The texts of /proc are taken apart here, too: pure functions. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/directory-id.h"
#include "common/ledger.h"
#include "worker/target/credentials.h"

/* PID namespaces nest so deep, and not deeper (MAX_PID_NS_LEVEL in the kernel), counting the first. */
#define TARGET_LEVELS 33

typedef enum TaskFactSet {
        TASK_STATUS = 1U << 0,
        TASK_USER_NAMESPACE = 1U << 1,
        TASK_ROOT = 1U << 2,
        TASK_PROCESS_GROUP = 1U << 3,
        TASK_LIMITS = 1U << 4,
} TaskFactSet;

#define TASK_EVERYTHING (TASK_STATUS | TASK_USER_NAMESPACE | TASK_ROOT | TASK_PROCESS_GROUP | TASK_LIMITS)

typedef struct TaskFacts {
        unsigned known; /* the sets, of TaskFactSet, that were read; the fields of others mean nothing */

        /* TASK_STATUS */
        Credentials credentials;
        uid_t uids[3]; /* real, effective, saved */
        gid_t gids[3];
        pid_t tgid;
        char comm[LEDGER_COMM_SIZE];
        /* The numbers of its process and of itself in our PID namespace, and in those below it down to its
         * own. */
        unsigned n_levels;
        pid_t level_tgids[TARGET_LEVELS];
        pid_t level_tids[TARGET_LEVELS];

        /* TASK_USER_NAMESPACE */
        bool in_our_user_namespace;

        /* TASK_ROOT */
        DirectoryId root;

        /* TASK_PROCESS_GROUP: as our PID namespace numbers it */
        pid_t process_group;

        /* TASK_LIMITS: the hard limit RLIMIT_LOCKS of its process, RLIM_INFINITY where there is none */
        uint64_t locks_limit;
} TaskFacts;

/* Nothing is known at first.  The groups of the credentials are the facts' own, and task_facts_done() frees
 * them. */
void task_facts_init(TaskFacts *facts);
void task_facts_done(TaskFacts *facts);

/* Lets the sets be read again: everything at the start of a request, and within one request what the worker
 * itself has changed.  The memory of the groups stays for the next task. */
void task_facts_forget(TaskFacts *facts, unsigned sets);

/* Are all of these sets known? */
bool task_facts_know(const TaskFacts *facts, unsigned sets);

/* Each takes the NUL-terminated text of one file of /proc/TID apart and fills in the fields of one set; the
 * caller marks the set as known.  They return 0, -EBADMSG where a line is missing or malformed, or -ENOMEM.
 */
int task_facts_parse_status(const char *text, TaskFacts *facts); /* "status": TASK_STATUS */
int task_facts_parse_stat(const char *text, TaskFacts *facts);   /* "stat": TASK_PROCESS_GROUP */
int task_facts_parse_limits(const char *text, TaskFacts *facts); /* "limits": TASK_LIMITS */

/* text is the status of a process, as some procfs shows it.  Is it the process that facts describe, seen
 * from the PID namespace at that level? */
bool task_facts_is_at_level(const char *text, const TaskFacts *facts, unsigned level);
