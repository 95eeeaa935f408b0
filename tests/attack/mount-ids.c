/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mount-ids POINT DENIED WARM HOST: the host unmounts its mount at POINT, and the kernel gives that mount's
 * id to the next mount, which shows DENIED at POINT in this program's own mount namespace.  A supervisor
 * that remembers mounts by their ids takes it for the host's mount.  WARM is a directory in which a rule
 * allows directories, HOST the host's mount namespace.
 *
 * Exits with 0 if a directory was created in DENIED, with 1 if not, and with 2 if the kernel gave the id to
 * another mount. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int own_fd, host_fd;

static void check(int r, const char *what) {
        if (r >= 0)
                return;
        perror(what);
        exit(2);
}

static uint64_t mount_id(const char *path) {
        struct statx stx;

        check(statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx), "statx");
        return stx.stx_mnt_id;
}

/* Makes the worker read the host's mounts before it returns. */
static void warm_up(const char *directory) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/warm", directory);
        check(mkdir(path, 0700), "mkdir");
        check(rmdir(path), "rmdir");
}

static uint64_t unmount_on_host(const char *point) {
        uint64_t id;

        check(setns(host_fd, CLONE_NEWNS), "setns");
        id = mount_id(point);
        check(umount2(point, 0), "umount");
        check(setns(own_fd, CLONE_NEWNS), "setns");
        return id;
}

int main(int argc, char **argv) {
        char path[4096];
        uint64_t id;

        if (argc != 5)
                return 2;
        host_fd = open(argv[4], O_RDONLY | O_CLOEXEC);
        check(host_fd, argv[4]);
        check(unshare(CLONE_NEWNS), "unshare");
        check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
        own_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        check(own_fd, "/proc/self/ns/mnt");
        warm_up(argv[3]);
        id = unmount_on_host(argv[1]);
        for (int n = 0; n < 100; n++) {
                check(mount(argv[2], argv[1], NULL, MS_BIND, NULL), "mount");
                if (mount_id(argv[1]) == id) {
                        (void)snprintf(path, sizeof(path), "%s/created", argv[1]);
                        return mkdir(path, 0700) < 0;
                }
        }
        return 2;
}
