/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes and inspects neutral ground.  The ground is the daemon's, the plots are the vetting children's. Owns
 * nothing.  Must never mount anything where somebody could find it. */

#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/ownership.h"
#include "common/protocol.h"

#define NAME_SIZE sizeof("0123456789abcdef")

static int set(int context_fd, const char *key, const char *value) {
        return syscall(SYS_fsconfig, context_fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* Nobody but us makes anything in its root, and nobody much in the plots. */
static int configure(int context_fd) {
        int r;

        r = set(context_fd, "mode", "0711");
        if (r >= 0)
                r = set(context_fd, "nr_inodes", "4096");
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

bool ground_is_worn(int ground_fd) {
        struct statfs fs;

        return fstatfs(ground_fd, &fs) < 0 || fs.f_ffree < fs.f_files / 2;
}

static void name_of(uint64_t number, char ret[static NAME_SIZE]) {
        (void)snprintf(ret, NAME_SIZE, "%016" PRIx64, number);
}

int plot_new(int ground_fd, uint64_t number, int *ret_fd) {
        char name[NAME_SIZE];
        mode_t mask;
        int fd, r;

        name_of(number, name);
        mask = umask(0); /* not fchmod(), for then our own list would have to have that */
        r = mkdirat(ground_fd, name, 0777) < 0 ? -errno : 0;
        (void)umask(mask);
        if (r < 0)
                return r;
        fd = openat(ground_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                r = -errno;
                (void)unlinkat(ground_fd, name, AT_REMOVEDIR);
                return r;
        }
        *ret_fd = fd;
        return 0;
}

void plot_remove(int ground_fd, uint64_t number, int plot_fd) {
        char name[NAME_SIZE];

        name_of(number, name);
        (void)unlinkat(plot_fd, PROTOCOL_PROOF, AT_REMOVEDIR);
        (void)unlinkat(ground_fd, name, AT_REMOVEDIR);
}

/* Who has a mount namespace may mount what he likes over it, even here (Linux 6.15): a file system that
 * keeps us waiting, or a directory that he did not make. */
bool plot_is_proven(int plot_fd) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
        };
        _cleanup_close_ int fd = (int)syscall(SYS_openat2, plot_fd, PROTOCOL_PROOF, &how, sizeof(how));

        return fd >= 0;
}
