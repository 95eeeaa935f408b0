/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the parent directory that a path means.  Run by the worker, as the target, in the target's root.
 * Owns nothing.  Must never follow a magic link of /proc: as the worker sees it, it leads to the worker. */

#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

void resolve_split(const char *path, size_t length, Resolved *ret) {
        size_t end = length, start;

        while (end > 0 && path[end - 1] == '/')
                end--;
        start = end;
        while (start > 0 && path[start - 1] != '/')
                start--;

        memcpy(ret->parent, path, start);
        /* "/." makes the link before it an intermediate one: fs.protected_symlinks looks at trailing ones
         * alone, and natively the parent is never that. */
        if (start > 0)
                ret->parent[start++] = '.';
        ret->parent[start] = '\0';

        start = start > 0 ? start - 1 : 0;
        memcpy(ret->room, path + start, end - start);
        ret->room[end - start] = '\0';
        ret->name = ret->room;
        if (strcmp(ret->name, "") == 0 || strcmp(ret->name, ".") == 0 || strcmp(ret->name, "..") == 0)
                ret->name = NULL;
}

int resolve_parent(const Resolved *resolved, int base_fd) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_NO_MAGICLINKS,
        };
        _cleanup_close_ int parent_fd = -EBADF;

        if (resolved->parent[0] != '\0') {
                parent_fd = (int)syscall(SYS_openat2, base_fd, resolved->parent, &how, sizeof(how));
                if (parent_fd < 0)
                        return errno;
                base_fd = parent_fd;
        }
        return fchdir(base_fd) < 0 ? errno : 0;
}
