/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds directories of overlays.  Run by the worker, with its own credentials and in the host's root.  Owns
 * nothing.  Must never take a path for the place of a directory whose inode it does not show. */

#include "worker/location/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/directory-id.h"
#include "common/ownership.h"
#include "worker/location/mountinfo.h"
#include "worker/location/object.h"

bool overlay_has(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Counts the directories from the one that is held up to the root of its mount.  The root of a mount
 * namespace is above itself. */
static int count_levels(int fd, size_t *ret) {
        char above[PATH_MAX] = "";
        DirectoryId below, id;
        size_t level = 0;
        int r = directory_id_of_fd(fd, &id);

        for (below = id; r >= 0 && 3 * level + 4 <= sizeof(above); level++) {
                memcpy(above + 3 * level, "../", 4);
                r = directory_id_read(fd, above, 0, &id);
                if (r >= 0 && (id.mount_id != below.mount_id || directory_id_equal(&id, &below))) {
                        *ret = level;
                        return 0;
                }
                below = id;
        }
        return r < 0 ? r : -EXDEV;
}

/* Cuts the path to its last n components, each with the slash before it. */
static int keep_last(char *path, size_t n) {
        char *at = path + strlen(path);

        while (n > 0 && at > path)
                n -= *--at == '/';
        if (n > 0)
                return -EXDEV;
        memmove(path, at, strlen(at) + 1);
        return 0;
}

int overlay_read_path(Target *target, const Parent *parent, int mountinfo_fd, char *ret, size_t size) {
        char path[LEDGER_ARGUMENT_SIZE], root[LEDGER_ARGUMENT_SIZE];
        size_t levels;
        int r;

        r = mounts_find_root(mountinfo_fd, parent->object.mount_id, root, sizeof(root));
        if (r != 0)
                return r < 0 ? r : -EXDEV;
        r = worker_proc_read_path(target_proc(target), parent->fd, path, sizeof(path));
        if (r == 0)
                r = count_levels(parent->fd, &levels);
        if (r == 0)
                r = keep_last(path, levels);
        if (r < 0)
                return r;
        r = snprintf(ret, size, "%s%s", strcmp(root, "/") == 0 ? "" : root, path);
        return r < (int)size ? 0 : -EXDEV;
}

static int open_below(int mount_fd, const char *path) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH,
        };
        long fd = syscall(SYS_openat2, mount_fd, path[0] == '\0' ? "." : path + 1, &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

int overlay_open(const HostMount *mount, int mount_fd, const char *path, const Parent *parent, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        LedgerObject found;
        int r;

        if (mount->apart || !host_mounts_is_below(path, mount->root))
                return -EXDEV;
        fd = open_below(mount_fd, path + strlen(mount->root));
        if (fd < 0)
                return fd == -ENOMEM || fd == -EMFILE || fd == -ENFILE ? fd : -EXDEV;
        r = object_read(fd, &found);
        if (r < 0)
                return r;
        if (!object_equal(&found, &parent->object))
                return -EXDEV;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
