/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pins the directory in which a call is performed.  Run by the worker.  The worker must never hold it after
 * the target continues: it would keep a mount busy. */

#include "worker/location/parent.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/ownership.h"
#include "worker/location/object.h"

/* The kind of a mount that is not one of the host's. */
static HostMountKind unlisted_kind(int fd) {
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return HOST_MOUNT_ORDINARY;
        switch (fs.f_type) {
        case FUSE_SUPER_MAGIC:
                return HOST_MOUNT_FUSE;
        case AUTOFS_SUPER_MAGIC:
                return HOST_MOUNT_AUTOFS;
        case PROC_SUPER_MAGIC:
        case SYSFS_MAGIC:
                return HOST_MOUNT_INERT;
        default:
                return HOST_MOUNT_ORDINARY;
        }
}

int parent_take(Parent *parent, int fd, const HostMounts *host_mounts) {
        const HostMount *mount;
        HostMountKind kind;
        int r;

        parent_release(parent);
        parent->fd = fd;
        r = object_read(fd, &parent->object);
        if (r < 0)
                return r;
        mount = host_mounts_find(host_mounts, parent->object.mount_id);
        kind = mount ? mount->kind : unlisted_kind(fd);
        parent->is_fuse = kind == HOST_MOUNT_FUSE;
        parent->is_autofs = kind == HOST_MOUNT_AUTOFS;
        parent->is_inert = kind == HOST_MOUNT_INERT;
        return 0;
}

int parent_enter(Parent *parent) {
        parent->entered = !parent->is_fuse && fchdir(parent->fd) == 0;
        /* Any other error comes from the file system, which returns the same one for the call itself. */
        return parent->entered || parent->is_fuse || errno != ENOMEM ? 0 : -ENOMEM;
}

void parent_release(Parent *parent) {
        fd_close(parent->fd);
        *parent = (Parent){.fd = -EBADF};
}
