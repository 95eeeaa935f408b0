/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes the worker's root between the host's and a target's.  Run by the worker, with its own credentials.
 * Owns the root and the working directory of the process.  Must never stay in a target's root after the
 * reply: it would keep a mount busy. */

#include "worker/executor/rootdir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/ownership.h"

static int change_root(RootDir *rootdir, int root_fd, const DirectoryId *root) {
        int r = credentials_revert_with(rootdir->override, CAP_SYS_CHROOT);

        if (r < 0)
                return r;
        rootdir->away = true;
        if (fchdir(root_fd) < 0 || chroot(".") < 0)
                return -errno;
        rootdir->now = *root;
        rootdir->away = root != &rootdir->host;
        return credentials_revert(rootdir->override);
}

int rootdir_init(RootDir *rootdir, CredentialsOverride *override, int host_root_fd) {
        int r;

        rootdir->override = override;
        rootdir->host_root_fd = host_root_fd;
        r = directory_id_of_fd(host_root_fd, &rootdir->host);
        if (r < 0)
                return r;
        return change_root(rootdir, host_root_fd, &rootdir->host);
}

bool rootdir_is_host(const RootDir *rootdir) {
        return rootdir_is(rootdir, &rootdir->host);
}

bool rootdir_is(const RootDir *rootdir, const DirectoryId *root) {
        return directory_id_equal(&rootdir->now, root);
}

int rootdir_enter(RootDir *rootdir, Target *target, const TaskFacts *facts) {
        _cleanup_close_ int root_fd = -EBADF;
        DirectoryId root;
        int r;

        /* Comparing takes less time than chroot(2), and nearly every target has the host's root. */
        if (rootdir_is(rootdir, &facts->root))
                return 0;
        r = target_open_root(target, &root_fd);
        if (r != 0)
                return r;
        r = directory_id_of_fd(root_fd, &root);
        if (r < 0)
                return r;
        return change_root(rootdir, root_fd, &root);
}

int rootdir_leave(RootDir *rootdir) {
        if (!rootdir_is_host(rootdir))
                return change_root(rootdir, rootdir->host_root_fd, &rootdir->host);
        if (rootdir->away && fchdir(rootdir->host_root_fd) < 0)
                return -errno;
        rootdir->away = false;
        return 0;
}
