/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While one process calls mkdir, another one mounts now the allowed and now the denied directory on a
 * component of the path.
 *
 *      guard-mounts CALLS TREE   creates TREE/way/x CALLS times, while TREE/way is TREE/open or TREE/shut.
 *                                Needs a mount namespace of its own, and CAP_SYS_ADMIN over it
 *
 * Exits with 1 as soon as the denied directory was created, with 2 if neither was met. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char open_path[4096], shut_path[4096], way_path[4096];

__attribute__((noreturn)) static void flip_for_ever(void) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                _exit(254);
        for (unsigned turn = 0;; turn++)
                if (mount(turn % 2 ? open_path : shut_path, way_path, NULL, MS_BIND, NULL) < 0 ||
                        umount2(way_path, MNT_DETACH) < 0)
                        _exit(254);
}

int main(int argc, char **argv) {
        unsigned long allowed = 0, refused = 0, elsewhere = 0, n;
        char path[4200];
        int open_fd, shut_fd, way_fd;
        pid_t pid;

        if (argc != 3)
                return 255;
        (void)snprintf(open_path, sizeof(open_path), "%s/open", argv[2]);
        (void)snprintf(shut_path, sizeof(shut_path), "%s/shut", argv[2]);
        (void)snprintf(way_path, sizeof(way_path), "%s/way", argv[2]);
        (void)snprintf(path, sizeof(path), "%s/x", way_path);
        open_fd = open(open_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        shut_fd = open(shut_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        way_fd = open(way_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (open_fd < 0 || shut_fd < 0 || way_fd < 0 ||
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 255;
        pid = fork();
        if (pid == 0)
                flip_for_ever();
        for (n = 0; n < strtoul(argv[1], NULL, 10); n++) {
                if (mkdir(path, 0755) < 0 && errno != EPERM)
                        return errno;
                refused += errno == EPERM;
                errno = 0;
                allowed += unlinkat(open_fd, "x", AT_REMOVEDIR) == 0;
                elsewhere += unlinkat(way_fd, "x", AT_REMOVEDIR) == 0; /* nothing was mounted there */
                if (unlinkat(shut_fd, "x", AT_REMOVEDIR) == 0) {
                        (void)printf("call %lu made the denied directory\n", n);
                        return 1;
                }
                errno = 0;
        }
        (void)printf(
                "%lu calls: %lu allowed, %lu on no mount, %lu refused\n", n, allowed, elsewhere, refused);
        return kill(pid, SIGKILL) < 0 || allowed + refused == 0 ? 2 : 0;
}
