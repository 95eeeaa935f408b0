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
/* And so many are charged to nobody in particular. */
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

void allowance_init(Allowance *allowance, int cgroup_fd) {
        _cleanup_close_ int max_fd = -EBADF;
        uint64_t max;

        *allowance = (Allowance){.procs_fd = -EBADF, .reclaim_fd = -EBADF, .current_fd = -EBADF};
        if (cgroup_fd < 0)
                return;
        max_fd = openat(cgroup_fd, "memory.max", O_RDONLY | O_CLOEXEC);
        if (max_fd < 0 || !read_bytes(max_fd, &max))
                return;
        allowance->most = max - max / 5; /* we need some ourselves */
        allowance->reclaim_fd = openat(cgroup_fd, "memory.reclaim", O_WRONLY | O_CLOEXEC);
        allowance->current_fd = openat(cgroup_fd, "memory.current", O_RDONLY | O_CLOEXEC);
        allowance->procs_fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

static bool is_above(const Allowance *allowance) {
        uint64_t current;

        return read_bytes(allowance->current_fd, &current) && current > allowance->most;
}

/* Fails with EAGAIN where less could be got back. */
static void reclaim(const Allowance *allowance) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%" PRIu64, allowance->most / 8);

        if (allowance->reclaim_fd >= 0 && write(allowance->reclaim_fd, text, (size_t)n) < 0)
                return;
}

static bool has_made_many(const LedgerHeader *session) {
        LedgerTotals totals;

        ledger_sum_totals(session, &totals);
        return totals.allowed >= UNCHARGED_MAX;
}

bool allowance_is_spent(Allowance *allowance, const LedgerHeader *session) {
        if (allowance->procs_fd >= 0 && has_made_many(session)) {
                if (write(allowance->procs_fd, "0", 1) < 0) /* then it has no bound */
                        allowance->current_fd = fd_close(allowance->current_fd);
                allowance->procs_fd = fd_close(allowance->procs_fd);
        }
        if (allowance->current_fd < 0 || allowance->unasked++ % INTERVAL != 0)
                return allowance->spent;
        allowance->spent = is_above(allowance);
        if (allowance->spent) {
                reclaim(allowance);
                allowance->spent = is_above(allowance);
        }
        return allowance->spent;
}
