/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much memory a session's directories may take.  They are charged to the cgroup that the worker is in
 * when it makes them.  To go there takes the kernel some milliseconds, so that it is put off until the
 * session has made a few hundred; most never do.
 *
 * Came it to memory.max, the kernel would kill the worker, and its successor.  So workers stop before, if
 * the kernel can't get anything back (on a disk's file system it can), with an error that mkdir(2) may give.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"

typedef struct MemoryBudget {
        int procs_fd;     /* cgroup.procs, until we are there; else -EBADF */
        int reclaim_fd;   /* memory.reclaim, Linux 5.19; else -EBADF */
        int current_fd;   /* memory.current; -EBADF: there is no bound */
        uint64_t most;    /* in bytes */
        unsigned unasked; /* how often it was taken for granted since */
        bool spent;
} MemoryBudget;

/* Takes the bound from the cgroup; no cgroup, -EBADF, no bound.  What is opened
 * here, as root and outside of the sandbox, is used later, whatever the worker's credentials are then. */
void memory_budget_init(MemoryBudget *budget, int cgroup_fd);

/* The session wants one directory more.  Has it had all that it may?  Looks now and then only. */
bool memory_budget_is_spent(MemoryBudget *budget, const LedgerHeader *session);
