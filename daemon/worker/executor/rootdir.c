/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves the worker between the host's root and a target's.  Run by the worker, raised.  Owns the process's
 * root and working directory.  Must never stay in a target's root once the target goes on: it would keep a
 * mount busy. */

#include "worker/executor/rootdir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/ownership.h"

static bool same_root(const TargetRoot *a, const TargetRoot *b) {
        return a->ino == b->ino && a->dev == b->dev && a->mount_id == b->mount_id;
}

static int enter(Standing *standing, int root_fd, const TargetRoot *root) {
        int r = becomer_raise_for(standing->becomer, CAP_SYS_CHROOT);

        if (r < 0)
                return r;
        if (fchdir(root_fd) < 0 || chroot(".") < 0)
                return -errno;
        standing->now = *root;
        return becomer_raise(standing->becomer);
}

int standing_init(Standing *standing, Becomer *becomer, int host_root_fd) {
        int r;

        standing->becomer = becomer;
        standing->host_root_fd = host_root_fd;
        r = target_root_of_fd(host_root_fd, &standing->host);
        if (r < 0)
                return r;
        return enter(standing, host_root_fd, &standing->host);
}

bool standing_is_host(const Standing *standing) {
        return same_root(&standing->now, &standing->host);
}

int standing_is_targets(const Standing *standing, Target *target) {
        TargetRoot root;
        int r;

        r = target_read_root(target, &root);
        if (r != 0)
                return r;
        return same_root(&root, &standing->now) ? STANDING_IS_TARGETS : 0;
}

int standing_enter(Standing *standing, Target *target) {
        _cleanup_close_ int root_fd = -EBADF;
        TargetRoot root;
        int r;

        /* Comparing costs less than entering, and nearly every target has the host's. */
        r = standing_is_targets(standing, target);
        if (r != 0)
                return r == STANDING_IS_TARGETS ? 0 : r;
        r = target_open_root(target, &root_fd);
        if (r != 0)
                return r;
        r = target_root_of_fd(root_fd, &root);
        if (r < 0)
                return r;
        return enter(standing, root_fd, &root);
}

int standing_leave(Standing *standing) {
        if (!standing_is_host(standing))
                return enter(standing, standing->host_root_fd, &standing->host);
        return fchdir(standing->host_root_fd) < 0 ? -errno : 0;
}
