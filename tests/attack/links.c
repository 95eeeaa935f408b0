/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While one process calls mkdir, an unsupervised process of the same user exchanges each component of the
 * path with a symbolic link into the denied tree, and moves into that tree a directory from which ".." leads
 * up.  A supervisor that resolves the path and then uses it again creates the directory elsewhere.
 *
 *      links prepare TREE      creates TREE/open/1/2/3 (allowed), TREE/shut/1/2/3 (denied) and the links
 *      links flip TREE         exchanges them, for a minute at most
 *      links call CALLS TREE   exits with 1 as soon as a directory was created in TREE/shut, with 2 if there
 *                              was no race because each call met the same side
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEVELS = 4 };

static const char *const levels[LEVELS + 1] = {"", "/1", "/1/2", "/1/2/3", "/1/2/3/moved"};
static const char *const names[LEVELS] = {"open", "1", "2", "3"};

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(255);
}

static void prepare(const char *tree) {
        char path[4096], link[4096 + 8];

        for (int top = 0; top < 2; top++)
                for (int i = 0; i < LEVELS; i++) {
                        (void)snprintf(
                                path, sizeof(path), "%s/%s%s", tree, top ? "shut" : "open", levels[i]);
                        must(mkdir(path, 0777) == 0, path);
                }
        for (int i = 0; i < LEVELS; i++) {
                (void)snprintf(link, sizeof(link), "%s/open%s.link", tree, levels[i]);
                (void)snprintf(path, sizeof(path), "%s/shut%s", tree, levels[i]);
                must(symlink(path, link) == 0, link);
        }
        (void)snprintf(path, sizeof(path), "%s/open%s", tree, levels[LEVELS]);
        must(mkdir(path, 0777) == 0, path);
}

/* Opens the directory; its name is a symbolic link part of the time. */
static int open_directory(int parent_fd, const char *name) {
        for (int n = 0; n < 1000000; n++) {
                int fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (fd >= 0)
                        return fd;
        }
        must(0, name);
        return -1;
}

static void open_all(const char *tree, const char *top, int *ret_fds) {
        int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);

        must(fd >= 0, tree);
        for (int i = 0; i < LEVELS; i++)
                ret_fds[i] = fd = open_directory(fd, i == 0 ? top : names[i]);
}

static void flip(const char *tree) {
        int tree_fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC), open_fds[LEVELS], shut_fds[LEVELS];
        unsigned seed = 1;
        char link[16];

        open_all(tree, "open", open_fds);
        open_all(tree, "shut", shut_fds);
        (void)alarm(60);
        (void)puts("ready");
        (void)fflush(stdout);
        for (;;) {
                int i = rand_r(&seed) % (LEVELS + 1);
                int parent_fd = i == 0 ? tree_fd : open_fds[i - 1];

                if (i == LEVELS) {
                        (void)renameat(open_fds[i - 1], "moved", shut_fds[i - 1], "moved");
                        (void)renameat(shut_fds[i - 1], "moved", open_fds[i - 1], "moved");
                } else {
                        (void)snprintf(link, sizeof(link), "%s.link", names[i]);
                        must(renameat2(parent_fd, names[i], parent_fd, link, RENAME_EXCHANGE) == 0, link);
                }
        }
}

/* Removes the new directories, and returns how many there were. */
static int clear(const int *fds) {
        int n = 0;

        for (int i = 0; i < LEVELS; i++)
                n += unlinkat(fds[i], "x", AT_REMOVEDIR) == 0;
        return n;
}

static int call(unsigned long n, const int *open_fds, const char *tree) {
        /* Aligned to stay on one page: ./naive-supervisor.c reads no further. */
        static char path[4096] __attribute__((aligned(4096)));

        if (n % 4 == 0) {
                (void)snprintf(path, sizeof(path), "%s/open/1/2/3/moved/../x", tree);
                return mkdir(path, 0755);
        }
        if (n % 4 == 1)
                return mkdirat(open_fds[1], "2/3/x", 0755);
        if (n % 4 == 2)
                return mkdirat(open_fds[3], "moved/../x", 0755);
        (void)snprintf(path, sizeof(path), "%s/open/1/2/3/x", tree);
        return mkdir(path, 0755);
}

static int call_all(unsigned long calls, const char *tree) {
        unsigned long allowed = 0, refused = 0, n;
        int open_fds[LEVELS], shut_fds[LEVELS];

        open_all(tree, "open", open_fds);
        open_all(tree, "shut", shut_fds);
        for (n = 0; n < calls; n++) {
                refused += call(n, open_fds, tree) < 0 && errno == EPERM;
                allowed += (unsigned)clear(open_fds);
                if (clear(shut_fds) > 0) {
                        (void)printf("call %lu made a denied directory\n", n);
                        return 1;
                }
        }
        (void)printf("%lu calls: %lu allowed, %lu refused\n", n, allowed, refused);
        return allowed == 0 || refused == 0 ? 2 : 0;
}

int main(int argc, char **argv) {
        (void)umask(0);
        if (argc == 3 && strcmp(argv[1], "prepare") == 0)
                prepare(argv[2]);
        else if (argc == 3 && strcmp(argv[1], "flip") == 0)
                flip(argv[2]);
        else
                return argc == 4 ? call_all(strtoul(argv[2], NULL, 10), argv[3]) : 255;
        return 0;
}
