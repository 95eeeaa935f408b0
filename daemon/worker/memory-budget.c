/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the memory of the session's cgroup.  Run by the worker.  Owns the fds of the cgroup's files. */

#include "worker/memory-budget.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ownership.h"

/* A worker reads memory.current before one in this many directories.  Each takes a few KiB at most. */
#define INTERVAL 64U
/* When the session has created this many directories, the worker moves into its cgroup.  The kernel charges
 * the earlier ones to the cgroup in which the worker was before. */
#define UNCHARGED_MAX 256U

/* Reads a number of bytes from a cgroup's file.  Returns false if it does not begin with one ("max"). */
static bool read_bytes(int fd, uint64_t *ret) {
        char text[32], *end;
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        if (n <= 0)
                return false;
        text[n] = '\0';
        errno = 0;
        *ret = strtoull(text, &end, 10);
        return end != text && errno == 0;
}

void memory_budget_init(MemoryBudget *budget, int cgroup_fd) {
        _cleanup_close_ int max_fd = -EBADF;
        uint64_t max;

        *budget = (MemoryBudget){.procs_fd = -EBADF, .reclaim_fd = -EBADF, .current_fd = -EBADF};
        if (cgroup_fd < 0)
                return;
        max_fd = openat(cgroup_fd, "memory.max", O_RDONLY | O_CLOEXEC);
        if (max_fd < 0 || !read_bytes(max_fd, &max))
                return;
        budget->limit = max - max / 5; /* the rest is for the worker itself */
        budget->reclaim_fd = openat(cgroup_fd, "memory.reclaim", O_WRONLY | O_CLOEXEC);
        budget->current_fd = openat(cgroup_fd, "memory.current", O_RDONLY | O_CLOEXEC);
        budget->procs_fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

static bool is_above(const MemoryBudget *budget) {
        uint64_t current;

        return read_bytes(budget->current_fd, &current) && current > budget->limit;
}

/* Asks the kernel to reclaim an eighth of the limit.  The write fails with EAGAIN if the kernel reclaims
 * less: the caller reads memory.current again in any case. */
static void reclaim_memory(const MemoryBudget *budget) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%" PRIu64, budget->limit / 8);

        if (budget->reclaim_fd >= 0 && write(budget->reclaim_fd, text, (size_t)n) < 0)
                return;
}

static bool has_created_many(const LedgerHeader *session) {
        LedgerTotals totals;

        ledger_sum_totals(session, &totals);
        return totals.allowed + totals.audited >= UNCHARGED_MAX;
}

bool memory_budget_is_spent(MemoryBudget *budget, const LedgerHeader *session) {
        if (budget->procs_fd >= 0 && has_created_many(session)) {
                if (write(budget->procs_fd, "0", 1) < 0) /* the worker cannot move: there is no limit */
                        budget->current_fd = fd_close(budget->current_fd);
                budget->procs_fd = fd_close(budget->procs_fd);
        }
        if (budget->current_fd < 0 || budget->n_asks++ % INTERVAL != 0)
                return budget->spent;
        budget->spent = is_above(budget);
        if (budget->spent) {
                reclaim_memory(budget);
                budget->spent = is_above(budget);
        }
        return budget->spent;
}
