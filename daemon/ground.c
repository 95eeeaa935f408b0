/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes and inspects neutral ground.  Run by the vetting child.  Owns nothing.  Must never mount anything
 * where somebody could find it. */

#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"
#include "common/protocol.h"

static int set(int context_fd, const char *key, const char *value) {
        return syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* A tmpfs with room for one directory beside its root. */
static int configure(int context_fd) {
        int r;

        r = set(context_fd, "mode", "0777");
        if (r >= 0)
                r = set(context_fd, "nr_inodes", "2");
        if (r >= 0)
                r = set(context_fd, "size", "4096");
        if (r >= 0 && syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                r = -errno;
        return r;
}

int ground_new(int *ret_fd) {
        _cleanup_close_ int context_fd = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
        int r, fd;

        if (context_fd < 0)
                return -errno;
        r = configure(context_fd);
        if (r < 0)
                return r;
        fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC,
                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

/* Who has a mount namespace may mount what he likes over it, even here (Linux 6.15): a file system that
 * keeps us waiting, or a directory that he did not make. */
bool ground_is_proven(int ground_fd) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
        };
        _cleanup_close_ int fd = (int)syscall(SYS_openat2, ground_fd, PROTOCOL_PROOF, &how, sizeof(how));

        return fd >= 0;
}
