/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much memory a session's directories may take.  The kernel charges a directory to the cgroup of the
 * worker that creates it.  Moving a worker into the session's cgroup takes some milliseconds, so that it
 * does so only after the session has created a few hundred directories; most sessions never do.
 *
 * At memory.max the kernel would kill the worker, and its successor.  So workers stop before that, with an
 * error that mkdir(2) documents, unless the kernel can reclaim memory (on a disk's file system it can). */

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
