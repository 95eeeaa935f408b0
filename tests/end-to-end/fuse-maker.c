/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuse-maker MOUNT BACKING: a FUSE file system of directories, served by one thread.  It shows what is in
 * BACKING, and who makes a directory in it is served by making one there, before the answer.  Ends when
 * MOUNT is unmounted. */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int backing_fd;

/* FUSE's paths begin with a slash. */
static const char *below(const char *path) {
        return path[1] == '\0' ? "." : path + 1;
}

static int on_getattr(const char *path, struct stat *ret, struct fuse_file_info *info) {
        (void)info;
        return fstatat(backing_fd, below(path), ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int on_mkdir(const char *path, mode_t mode) {
        return mkdirat(backing_fd, below(path), mode) < 0 ? -errno : 0;
}

static const struct fuse_operations operations = {
        .getattr = on_getattr,
        .mkdir = on_mkdir,
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
