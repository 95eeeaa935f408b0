/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much kernel memory the directories of a session may occupy.  The kernel charges a new directory to the
 * cgroup of the worker that creates it.  Moving a worker into the session's cgroup takes the kernel some
 * milliseconds.  So workers move only when their session has created a few hundred directories, which most
 * sessions never do.
 *
 * If the cgroup reached memory.max, the kernel would kill the worker, and then its successor.  So workers
 * refuse to create directories before that, with an error that mkdir(2) documents, unless the kernel can
 * reclaim memory (on a disk's file system it can). */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"

typedef struct MemoryBudget {
        int procs_fd;    /* cgroup.procs; -EBADF once the worker has moved there */
        int reclaim_fd;  /* memory.reclaim; -EBADF before Linux 5.19 */
        int current_fd;  /* memory.current; -EBADF: there is no limit */
        uint64_t limit;  /* in bytes */
        unsigned n_asks; /* calls of memory_budget_is_spent() that could have read memory.current */
        bool spent;      /* at the last reading */
} MemoryBudget;

/* Reads the limit of the session's cgroup.  cgroup_fd is its directory, and -EBADF means no cgroup and no
 * limit; it stays the caller's.  The worker calls this as root and before it enters its sandbox.  Later it
 * uses the files that are opened here, with whatever credentials it has then. */
void memory_budget_init(MemoryBudget *budget, int cgroup_fd);

/* The session asks for one more directory.  Has it reached its limit?  Reads the cgroup's memory only in
 * some of the calls, and returns the last answer in the others. */
bool memory_budget_is_spent(MemoryBudget *budget, const LedgerHeader *session);
