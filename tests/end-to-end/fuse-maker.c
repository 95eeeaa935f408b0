/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuse-maker MOUNT BACKING: a FUSE file system of directories, served by one thread, which shows what is in
 * BACKING.  To serve mkdir it creates a directory there before it answers, and prints "NAME by PID".  As on
 * vfat, a dot at the end of a component does not count: "a" and "a." are one name.  Exits when MOUNT is
 * unmounted. */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int backing_fd;

/* FUSE's paths begin with a slash and have no component "." or "..".  One thread: the next call may
 * overwrite what this one returns. */
static const char *below(const char *path) {
        static char name[PATH_MAX];
        char *end = name;

        for (const char *p = path + 1; *p != '\0'; p++)
                if (*p != '.' || (p[1] != '/' && p[1] != '\0'))
                        *end++ = *p;
        *end = '\0';
        return end == name ? "." : name;
}

static int on_getattr(const char *path, struct stat *ret, struct fuse_file_info *info) {
        (void)info;
        return fstatat(backing_fd, below(path), ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int on_mkdir(const char *path, mode_t mode) {
        (void)printf("%s by %d\n", below(path), (int)fuse_get_context()->pid);
        (void)fflush(stdout);
        return mkdirat(backing_fd, below(path), mode) < 0 ? -errno : 0;
}

static int on_rmdir(const char *path) {
        return unlinkat(backing_fd, below(path), AT_REMOVEDIR) < 0 ? -errno : 0;
}

static const struct fuse_operations operations = {
        .getattr = on_getattr,
        .mkdir = on_mkdir,
        .rmdir = on_rmdir,
};

int main(int argc, char **argv) {
        char foreground[] = "-f", one_thread[] = "-s";
        char *arguments[] = {argv[0], foreground, one_thread, argc == 3 ? argv[1] : NULL, NULL};

        if (argc != 3)
                return 2;
        backing_fd = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (backing_fd < 0) {
                perror(argv[2]);
                return 1;
        }
        return fuse_main(4, arguments, &operations, NULL);
}
