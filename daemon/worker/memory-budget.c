/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the session's memory.  Run by the worker.  Owns an fd. */

#include "worker/memory-budget.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ownership.h"

/* So many directories, of some KiB each at most, are made between two looks. */
#define INTERVAL 64U
/* So many directories are created before the worker moves into the session's cgroup. */
#define UNCHARGED_MAX 256U

/* Returns false where there is no number ("max"). */
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
        budget->most = max - max / 5; /* we need some ourselves */
        budget->reclaim_fd = openat(cgroup_fd, "memory.reclaim", O_WRONLY | O_CLOEXEC);
        budget->current_fd = openat(cgroup_fd, "memory.current", O_RDONLY | O_CLOEXEC);
        budget->procs_fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

static bool is_above(const MemoryBudget *budget) {
        uint64_t current;

        return read_bytes(budget->current_fd, &current) && current > budget->most;
}

/* Fails with EAGAIN where less could be got back. */
static void reclaim(const MemoryBudget *budget) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%" PRIu64, budget->most / 8);

        if (budget->reclaim_fd >= 0 && write(budget->reclaim_fd, text, (size_t)n) < 0)
                return;
}

static bool has_made_many(const LedgerHeader *session) {
        LedgerTotals totals;

        ledger_sum_totals(session, &totals);
        return totals.allowed >= UNCHARGED_MAX;
}

bool memory_budget_is_spent(MemoryBudget *budget, const LedgerHeader *session) {
        if (budget->procs_fd >= 0 && has_made_many(session)) {
                if (write(budget->procs_fd, "0", 1) < 0) /* then it has no bound */
                        budget->current_fd = fd_close(budget->current_fd);
                budget->procs_fd = fd_close(budget->procs_fd);
        }
        if (budget->current_fd < 0 || budget->unasked++ % INTERVAL != 0)
                return budget->spent;
        budget->spent = is_above(budget);
        if (budget->spent) {
                reclaim(budget);
                budget->spent = is_above(budget);
        }
        return budget->spent;
}
