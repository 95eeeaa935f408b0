/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that may mount can give a denied directory an allowed path, or none at all.  SHUT is the denied
 * directory, NEW_ROOT an empty one.  Must run in its own mount namespace.
 *
 *      pivot root SHUT NEW_ROOT          makes SHUT its root directory, and calls mkdir on /x
 *      pivot renamed SHUT NEW_ROOT OPEN  mounts a tmpfs on NEW_ROOT, binds SHUT in it as OPEN, makes it the
 *                                        root directory, and calls mkdir on OPEN/x
 *      pivot detached SHUT NEW_ROOT      calls mkdirat in a copy of SHUT's mount that is mounted nowhere
 *      pivot covered SHUT NEW_ROOT       enters SHUT, mounts a tmpfs over it and over its parent, and calls
 *                                        mkdir on x
 *
 * The exit status is the errno. */

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/mount.h> and <sys/mount.h> contradict each other. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
enum { DETACH = 2 };

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(255);
}

static int make(int dir_fd, const char *path) {
        return mkdirat(dir_fd, path, 0755) < 0 ? errno : 0;
}

static void enter(const char *root) {
        must(chdir(root) == 0, "chdir");
        must(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
        must(umount2(".", DETACH) == 0, "umount");
        must(chdir("/") == 0, "chdir");
}

static int pivot_root_to(const char *shut) {
        must(mount(shut, shut, NULL, MS_BIND, NULL) == 0, "bind");
        enter(shut);
        return make(AT_FDCWD, "/x");
}

static int pivot_renamed(const char *shut, const char *new_root, const char *open_path) {
        char path[4096], name[4096];

        must(mount("new-root", new_root, "tmpfs", 0, NULL) == 0, "tmpfs");
        (void)snprintf(path, sizeof(path), "%s%s", new_root, open_path);
        for (char *slash = path + strlen(new_root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = '\0';
                (void)mkdir(path, 0755);
                *slash = '/';
        }
        must(mkdir(path, 0755) == 0, path);
        must(mount(shut, path, NULL, MS_BIND, NULL) == 0, "bind");
        enter(new_root);
        (void)snprintf(name, sizeof(name), "%s/x", open_path);
        return make(AT_FDCWD, name);
}

static int pivot_detached(const char *shut) {
        int fd = (int)syscall(SYS_open_tree, AT_FDCWD, shut, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

        must(fd >= 0, "open_tree");
        return make(fd, "x");
}

static int pivot_covered(const char *shut) {
        char path[4096];

        must(chdir(shut) == 0, "chdir");
        (void)snprintf(path, sizeof(path), "%s/..", shut);
        must(mount("cover", shut, "tmpfs", 0, NULL) == 0, "tmpfs");
        must(mount("cover", path, "tmpfs", 0, NULL) == 0, "tmpfs");
        return make(AT_FDCWD, "x");
}

int main(int argc, char **argv) {
        if (argc < 4)
                return 255;
        if (strcmp(argv[1], "root") == 0)
                return pivot_root_to(argv[2]);
        if (strcmp(argv[1], "renamed") == 0 && argc == 5)
                return pivot_renamed(argv[2], argv[3], argv[4]);
        if (strcmp(argv[1], "detached") == 0)
                return pivot_detached(argv[2]);
        return strcmp(argv[1], "covered") == 0 ? pivot_covered(argv[2]) : 255;
}
