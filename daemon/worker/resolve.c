/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the parent directory that a path means.  Run by the worker, as the target, in the target's root.
 * Owns nothing.  Must never follow a magic link of /proc: as the worker sees it, it leads to the worker. */

#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

void resolve_split(const char *path, size_t length, Resolved *ret) {
        size_t end = length, start;

        while (end > 0 && path[end - 1] == '/')
                end--;
        start = end;
        while (start > 0 && path[start - 1] != '/')
                start--;
        if (end == 0 && length > 0) /* nothing but slashes: the root */
                start = end = 1;

        memcpy(ret->parent, path, start);
        /* "/." makes the link before it an intermediate one: fs.protected_symlinks looks at trailing ones
         * alone, and natively the parent is never that. */
        if (start > 0)
                ret->parent[start++] = '.';
        ret->parent[start] = '\0';

        start = start > 0 ? start - 1 : 0;
        memcpy(ret->room, path + start, end - start);
        ret->room[end - start] = '\0';
        ret->name = ret->room;
        if (strcmp(ret->name, "") == 0 || strcmp(ret->name, ".") == 0 || strcmp(ret->name, "..") == 0)
                ret->name = NULL;
        if (!ret->name &&
                ret->parent[0] == '\0') /* no name to look up, but the base must be searchable still */
                (void)strcpy(ret->parent, ".");
}

/* As many as the kernel follows (MAXSYMLINKS in include/linux/namei.h). */
#define LINKS_MAX 40U

/* The walk by component, for paths that lead through links of /proc. */
typedef struct Walk {
        const ProcfsReader *reader;
        int at_fd;        /* where it has come to, O_PATH */
        int proc_root_fd; /* the root of the last procfs that it came through */
        unsigned links;
        char rest[2 * LEDGER_ARGUMENT_SIZE]; /* what is still to be walked */
} Walk;

static void walk_move(Walk *walk, int fd) {
        fd_close(walk->at_fd);
        walk->at_fd = fd;
}

static int walk_to_root(Walk *walk) {
        int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return errno;
        walk_move(walk, fd);
        return 0;
}

/* Puts text before the rest. */
static int walk_insert(Walk *walk, const char *text) {
        size_t length = strlen(text), rest = strlen(walk->rest);

        if (length == 0)
                return ENOENT;
        if (length + 1 + rest >= sizeof(walk->rest))
                return ENAMETOOLONG;
        memmove(walk->rest + length + 1, walk->rest, rest + 1);
        memcpy(walk->rest, text, length);
        walk->rest[length] = '/';
        return text[0] == '/' ? walk_to_root(walk) : 0;
}

static int walk_link(Walk *walk, int link_fd, const char *name) {
        char text[LEDGER_ARGUMENT_SIZE] = "";
        int fd = -EBADF, error;
        ssize_t n;

        if (++walk->links > LINKS_MAX)
                return ELOOP;
        if (procfs_is_it(link_fd)) {
                error = procfs_follow(
                        walk->reader, walk->proc_root_fd, walk->at_fd, name, &fd, text, sizeof(text));
                if (error == 0 && fd >= 0)
                        walk_move(walk, fd);
                return error != 0 || fd >= 0 ? error : walk_insert(walk, text);
        }
        n = readlinkat(link_fd, "", text, sizeof(text) - 1);
        if (n < 0)
                return errno;
        text[n] = '\0';
        return walk_insert(walk, text);
}

/* Notes the root of a procfs when the walk enters it. */
static void walk_note_procfs(Walk *walk) {
        struct stat st;

        if (fstat(walk->at_fd, &st) < 0 || st.st_ino != 1 || !procfs_is_it(walk->at_fd))
                return;
        fd_close(walk->proc_root_fd);
        walk->proc_root_fd = fcntl(walk->at_fd, F_DUPFD_CLOEXEC, 0);
}

static int walk_component(Walk *walk, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = openat(walk->at_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno;
        if (fstat(fd, &st) < 0)
                return errno;
        if (S_ISLNK(st.st_mode))
                return walk_link(walk, fd, name);
        walk_move(walk, TAKE_FD(fd));
        walk_note_procfs(walk);
        return 0;
}

static int walk_all(Walk *walk) {
        char name[NAME_MAX + 1];
        int error = 0;

        while (error == 0 && walk->rest[0] != '\0') {
                size_t slashes = strspn(walk->rest, "/"), length = strcspn(walk->rest + slashes, "/");

                if (length > NAME_MAX)
                        return ENAMETOOLONG;
                memcpy(name, walk->rest + slashes, length);
                name[length] = '\0';
                memmove(walk->rest, walk->rest + slashes + length,
                        strlen(walk->rest + slashes + length) + 1);
                if (length > 0)
                        error = walk_component(walk, name);
        }
        return error;
}

/* Finds the parent step by step.  What was renamed between two steps may be missed, as it may be natively
 * between two system calls; the parent that is found is pinned all the same. */
static int walk_parent(const Resolved *resolved, int base_fd, const ProcfsReader *reader, int *ret_fd) {
        Walk walk = {.reader = reader, .at_fd = -EBADF, .proc_root_fd = -EBADF};
        int error = 0;

        (void)stpcpy(walk.rest, resolved->parent);
        if (resolved->parent[0] == '/')
                error = walk_to_root(&walk);
        else {
                walk.at_fd = openat(base_fd, ".", O_PATH | O_CLOEXEC);
                if (walk.at_fd < 0)
                        error = errno;
        }
        if (error == 0) {
                walk_note_procfs(&walk);
                error = walk_all(&walk);
        }
        fd_close(walk.proc_root_fd);
        if (error == 0)
                *ret_fd = walk.at_fd;
        else
                fd_close(walk.at_fd);
        return error;
}

/* Can this error come of a link of /proc that we may not follow or that leads to us? */
static bool may_be_procfs(int error) {
        return error == ELOOP || error == ENOENT || error == EACCES || error == ENOTDIR;
}

int resolve_parent(const Resolved *resolved, int base_fd, const ProcfsReader *reader) {
        const struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_NO_MAGICLINKS,
        };
        _cleanup_close_ int parent_fd = -EBADF;
        int error;

        if (resolved->parent[0] != '\0') {
                parent_fd = (int)syscall(SYS_openat2, base_fd, resolved->parent, &how, sizeof(how));
                error = parent_fd < 0 ? errno : 0;
                if (may_be_procfs(error))
                        error = walk_parent(resolved, base_fd, reader, &parent_fd);
                if (error != 0)
                        return error;
                base_fd = parent_fd;
        }
        return base_fd != AT_FDCWD && fchdir(base_fd) < 0 ? errno : 0;
}
