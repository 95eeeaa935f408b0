/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Renames the parents of a directory that a rule denies by its path on a bind mount.
 *
 *      renames flip TREE BOUND   prints "ready", then renames TREE/source, which is bind-mounted on BOUND,
 *                                and BOUND/way, and renames them back, until it is killed
 *      renames call TREE CALLS   calls mkdirat() that often in the directory TREE/source/way/here, whatever
 *                                its parents are called, and prints how many directories that created
 *
 * The exit status is 1 if a directory was created. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(2);
}

static int open_directory(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        must(fd >= 0, path);
        return fd;
}

__attribute__((noreturn)) static void flip(const char *tree, const char *bound) {
        int tree_fd = open_directory(tree), bound_fd = open_directory(bound);

        (void)puts("ready");
        (void)fflush(stdout);
        for (;;) {
                must(renameat(tree_fd, "source", tree_fd, "elsewhere") == 0, "rename source");
                must(renameat(bound_fd, "way", bound_fd, "detour") == 0, "rename way");
                must(renameat(tree_fd, "elsewhere", tree_fd, "source") == 0, "rename elsewhere");
                must(renameat(bound_fd, "detour", bound_fd, "way") == 0, "rename detour");
        }
}

static int open_here(const char *tree) {
        static const char *const paths[] = {
                "source/way/here", "elsewhere/way/here", "source/detour/here", "elsewhere/detour/here"};
        int tree_fd = open_directory(tree), fd = -1;

        for (unsigned i = 0; fd < 0; i++)
                fd = openat(tree_fd, paths[i % 4], O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd;
}

int main(int argc, char **argv) {
        long made = 0, calls;
        char name[32];
        int fd;

        if (argc != 4)
                return 2;
        if (strcmp(argv[1], "flip") == 0)
                flip(argv[2], argv[3]);
        fd = open_here(argv[2]);
        calls = atol(argv[3]);
        for (long i = 0; i < calls; i++) {
                (void)snprintf(name, sizeof(name), "x%ld", i);
                if (mkdirat(fd, name, 0755) == 0)
                        made++;
        }
        (void)printf("%ld made\n", made);
        return made > 0;
}
