/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates and inspects the file system in which a launcher proves that nothing restricts it.  Run by
 * verifiers.  Owns nothing.  Must never mount anything where another process could find it. */

#include "handshake/probe-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"
#include "common/protocol.h"

static int set(int context_fd, const char *key, const char *value) {
        return syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* There are inodes for the root, for the probe, and two to spare.  The mode does not depend on our umask. */
static int configure(int context_fd) {
        int r;

        r = set(context_fd, "mode", "0777");
        if (r >= 0)
                r = set(context_fd, "nr_inodes", "4");
        if (r >= 0)
                r = set(context_fd, "size", "4096");
        if (r >= 0 && syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                r = -errno;
        return r;
}

int probe_fs_new(ProbeFs *ret) {
        _cleanup_close_ int context_fd = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
        _cleanup_close_ int mount_fd = -EBADF;
        int r;

        if (context_fd < 0)
                return -errno;
        r = configure(context_fd);
        if (r < 0)
                return r;
        mount_fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC,
                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
        if (mount_fd < 0)
                return -errno;
        /* The launcher does not get the descriptor of the mount, with which it could attach the mount. */
        ret->dir_fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->dir_fd < 0)
                return -errno;
        ret->mount_fd = TAKE_FD(mount_fd);
        return 0;
}

const char *probe_fs_remedy(int error) {
        return error == -EPERM ? ", for which snotifyd needs CAP_SYS_ADMIN" : "";
}

void probe_fs_close(ProbeFs *probe_fs) {
        probe_fs->dir_fd = fd_close(probe_fs->dir_fd);
        probe_fs->mount_fd = fd_close(probe_fs->mount_fd);
}

/* Since Linux 6.15 a launcher with a mount namespace of its own can mount on the probe, although that is
 * mounted nowhere: a file system that does not answer, or a directory that the launcher did not create. */
bool probe_fs_is_passed(const ProbeFs *probe_fs) {
        const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
        struct statx dir, probe;

        return statx(probe_fs->dir_fd, "", flags | AT_EMPTY_PATH, STATX_MNT_ID, &dir) == 0 &&
               statx(probe_fs->dir_fd, PROTOCOL_PROBE_NAME, flags, STATX_TYPE | STATX_MNT_ID, &probe) == 0 &&
               S_ISDIR(probe.stx_mode) && probe.stx_mnt_id == dir.stx_mnt_id;
}
