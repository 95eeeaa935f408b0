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

static int enter(RootDir *rootdir, int root_fd, const TargetRoot *root) {
        int r = credentials_revert_with(rootdir->override, CAP_SYS_CHROOT);

        if (r < 0)
                return r;
        if (fchdir(root_fd) < 0 || chroot(".") < 0)
                return -errno;
        rootdir->now = *root;
        return credentials_revert(rootdir->override);
}

int rootdir_init(RootDir *rootdir, CredentialsOverride *override, int host_root_fd) {
        int r;

        rootdir->override = override;
        rootdir->host_root_fd = host_root_fd;
        r = target_root_of_fd(host_root_fd, &rootdir->host);
        if (r < 0)
                return r;
        return enter(rootdir, host_root_fd, &rootdir->host);
}

bool rootdir_is_host(const RootDir *rootdir) {
        return same_root(&rootdir->now, &rootdir->host);
}

int rootdir_is_targets(const RootDir *rootdir, Target *target) {
        TargetRoot root;
        int r;

        r = target_read_root(target, &root);
        if (r != 0)
                return r;
        return same_root(&root, &rootdir->now) ? ROOTDIR_IS_TARGETS : 0;
}

int rootdir_enter(RootDir *rootdir, Target *target) {
        _cleanup_close_ int root_fd = -EBADF;
        TargetRoot root;
        int r;

        /* Comparing costs less than entering, and nearly every target has the host's. */
        r = rootdir_is_targets(rootdir, target);
        if (r != 0)
                return r == ROOTDIR_IS_TARGETS ? 0 : r;
        r = target_open_root(target, &root_fd);
        if (r != 0)
                return r;
        r = target_root_of_fd(root_fd, &root);
        if (r < 0)
                return r;
        return enter(rootdir, root_fd, &root);
}

int rootdir_leave(RootDir *rootdir) {
        if (!rootdir_is_host(rootdir))
                return enter(rootdir, rootdir->host_root_fd, &rootdir->host);
        return fchdir(rootdir->host_root_fd) < 0 ? -errno : 0;
}
