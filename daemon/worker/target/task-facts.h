/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a task is, as /proc/TID/status tells. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/ledger.h"
#include "worker/target/credentials.h"

/* PID namespaces nest so deep, and not deeper (MAX_PID_NS_LEVEL in the kernel), counting the first. */
#define TARGET_LEVELS 33

/* What /proc/TID/status says. */
typedef struct TaskFacts {
        pid_t tgid;
        uid_t uids[3]; /* real, effective, saved */
        gid_t gids[3];
        char comm[LEDGER_COMM_SIZE];
        /* Its numbers in our PID namespace and in those below, down to its own. */
        unsigned n_levels;
        pid_t level_tgids[TARGET_LEVELS];
        pid_t level_tids[TARGET_LEVELS];
        Credentials credentials;
} TaskFacts;

/* Parses text like /proc/TID/status's, NUL-terminated, into *ret.  Returns 0, -EBADMSG where a line is
 * missing or odd, or -ENOMEM. */
int task_facts_parse(const char *text, TaskFacts *ret);

/* Text is the status of a process as some procfs has it.  Is it the one that status describes, seen from the
 * PID namespace at that level? */
bool task_facts_is_at_level(const char *text, const TaskFacts *facts, unsigned level);
