/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the parent directory of a path.  Run by the worker or a helper, with the target's credentials and in
 * the target's root.  Owns nothing.  Must never follow a magic link of /proc: when the worker follows it, it
 * leads to the worker. */

#include "worker/location/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/ownership.h"

/* In f_flags of statfs(2), since Linux 5.10; not in libc's headers. */
#define ST_NOSYMFOLLOW 0x2000

/* As many as the kernel follows (MAXSYMLINKS in include/linux/namei.h). */
#define LINKS_MAX 40U

/* The walk by component, for paths that lead through links of /proc. */
typedef struct Walk {
        PathLookup *lookup;
        int at_fd; /* the directory that was reached, O_PATH */
        unsigned links;
        char rest[2 * LEDGER_ARGUMENT_SIZE]; /* of the path, what is still to be walked */
} Walk;

static void walk_move(Walk *walk, int fd) {
        fd_close(walk->at_fd);
        walk->at_fd = fd;
}

static int walk_to_root(Walk *walk) {
        int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        walk_move(walk, fd);
        return 0;
}

/* Puts text before the rest. */
static int walk_insert(Walk *walk, const char *text) {
        size_t length = strlen(text), rest = strlen(walk->rest);

        if (length == 0)
                return -ENOENT;
        if (length + 1 + rest >= sizeof(walk->rest))
                return -ENAMETOOLONG;
        memmove(walk->rest + length + 1, walk->rest, rest + 1);
        memcpy(walk->rest, text, length);
        walk->rest[length] = '/';
        return text[0] == '/' ? walk_to_root(walk) : 0;
}

static bool mount_forbids_links(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (fs.f_flags & ST_NOSYMFOLLOW);
}

/* A FUSE file system that is mounted without allow_other refuses every process of which one of the three
 * uids is not that of the user who mounted it.  Only a helper has all three (fuse_allow_current_process() in
 * fs/fuse/dir.c). */
static void note_refusal(PathLookup *lookup, int r, int fd) {
        struct statfs fs;

        if (r == -EACCES && lookup->override && fstatfs(fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
                lookup->wants_helper = true;
}

/* Returns the fd by which to ask about the file system of a link.  A FUSE server that is asked about the
 * link itself may follow it, back into its own mount, and wait for itself.  What is true of the directory is
 * true of its links. */
static int walk_ask_about(const Walk *walk, int link_fd, dev_t device) {
        struct stat st;

        return fstat(walk->at_fd, &st) == 0 && st.st_dev == device ? walk->at_fd : link_fd;
}

static int walk_link(Walk *walk, int link_fd, const char *name, dev_t device) {
        char text[LEDGER_ARGUMENT_SIZE] = "";
        int fd = -EBADF, ask_fd, r;
        ssize_t n;

        ask_fd = walk_ask_about(walk, link_fd, device);
        if (++walk->links > LINKS_MAX || mount_forbids_links(ask_fd))
                return -ELOOP;
        if (procfs_is_it(ask_fd)) {
                r = procfs_follow(walk->lookup, walk->at_fd, name, &fd, text, sizeof(text));
                if (r == 0 && fd >= 0)
                        walk_move(walk, fd);
                return r != 0 || fd >= 0 ? r : walk_insert(walk, text);
        }
        n = readlinkat(link_fd, "", text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        return walk_insert(walk, text);
}

static bool is_autofs(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == AUTOFS_SUPER_MAGIC;
}

/* To open the directory itself does not trigger the automounter; to go through it does. */
static int walk_automount(Walk *walk, const char *name) {
        char path[NAME_MAX + sizeof("/.")];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/.", name);
        fd = openat(walk->at_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        walk_move(walk, fd);
        return 0;
}

static int walk_component(Walk *walk, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (walk->lookup->minds_autofs && walk->lookup->override && is_autofs(walk->at_fd)) {
                walk->lookup->met_autofs = true;
                return -EAGAIN;
        }
        if (procfs_is_us(walk->lookup, walk->at_fd, name))
                return procfs_refuse_us(walk->lookup);
        fd = openat(walk->at_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;

                if (r == -EACCES)
                        r = procfs_open_own(walk->lookup, walk->at_fd, name, &fd);
                if (r != 0)
                        return r;
        }
        if (fstat(fd, &st) < 0) {
                int r = -errno;

                note_refusal(walk->lookup, r, fd);
                return r;
        }
        if (S_ISLNK(st.st_mode))
                return walk_link(walk, fd, name, st.st_dev);
        if (walk->lookup->minds_autofs && !walk->lookup->override && is_autofs(fd))
                return walk_automount(walk, name);
        walk_move(walk, TAKE_FD(fd));
        return 0;
}

static int walk_all(Walk *walk) {
        char name[NAME_MAX + 1];
        int r = 0;

        while (r == 0 && walk->rest[0] != '\0') {
                size_t slashes = strspn(walk->rest, "/"), length = strcspn(walk->rest + slashes, "/");

                if (length > NAME_MAX)
                        return -ENAMETOOLONG;
                memcpy(name, walk->rest + slashes, length);
                name[length] = '\0';
                memmove(walk->rest, walk->rest + slashes + length,
                        strlen(walk->rest + slashes + length) + 1);
                if (length > 0)
                        r = walk_component(walk, name);
        }
        return r;
}

/* Opens what a relative path starts at.  The kernel checks that the target may search it, so this does, too;
 * where only the target's own threads may do that, the fd is used as it is. */
static int walk_to_base(Walk *walk, int base_fd) {
        int r;

        walk->at_fd = openat(base_fd, ".", O_PATH | O_CLOEXEC);
        if (walk->at_fd >= 0)
                return 0;
        r = -errno;
        if (r == -EACCES)
                r = procfs_open_own(walk->lookup, base_fd, ".", &walk->at_fd);
        note_refusal(walk->lookup, r, base_fd);
        return r;
}

/* Finds the parent step by step.  A rename between two steps may be missed, as the target itself may miss
 * one between two system calls.  The parent that is found is pinned all the same. */
static int walk_parent(const Location *location, int base_fd, PathLookup *lookup, int *ret_fd) {
        Walk walk = {.lookup = lookup, .at_fd = -EBADF};
        int r;

        (void)stpcpy(walk.rest, location->directory);
        r = location->directory[0] == '/' ? walk_to_root(&walk) : walk_to_base(&walk, base_fd);
        if (r == 0) {
                r = walk_all(&walk);
                note_refusal(lookup, r, walk.at_fd);
        }
        if (r == 0)
                *ret_fd = walk.at_fd;
        else
                fd_close(walk.at_fd);
        return r;
}

static int open_parent(const Location *location, int base_fd, uint64_t resolve, int *ret_fd) {
        const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = resolve};
        int fd = (int)syscall(SYS_openat2, base_fd, location->directory, &how, sizeof(how));

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

/* Does a relative path start in the entry of this process, worker or helper, in /proc? */
static bool base_is_ours(const Location *location, int base_fd, const PathLookup *lookup) {
        char path[PATH_MAX];

        return location->directory[0] != '/' && base_fd >= 0 &&
               worker_proc_read_path(target_proc(lookup->target), base_fd, path, sizeof(path)) == 0 &&
               procfs_names_us(lookup, path) && procfs_is_it(base_fd);
}

/* Most paths have no links, and what the kernel says of these is true of the target, too.  The kernel may
 * also follow links for the worker, unless they lead through /proc: it is told not to follow magic links,
 * but "self" is not a magic link, and leads to the entry of this process. */
static int find_parent(const Location *location, int base_fd, PathLookup *lookup, int *ret_fd) {
        /* What the kernel has in its caches needs no automounter; any other path is walked step by step. */
        uint64_t cached = lookup->minds_autofs && lookup->override ? RESOLVE_CACHED : 0;
        int r;

        if (location->directory[0] == '.' && base_is_ours(location, base_fd, lookup))
                return procfs_refuse_us(lookup);
        if (procfs_names_us(lookup, location->directory))
                return walk_parent(location, base_fd, lookup, ret_fd);
        r = open_parent(location, base_fd, RESOLVE_NO_SYMLINKS | cached, ret_fd);
        if ((r == -ENOENT || r == -ENOTDIR) && base_is_ours(location, base_fd, lookup))
                return procfs_refuse_us(lookup);
        if (r != -ELOOP && r != -EACCES && (r != -EAGAIN || cached == 0))
                return r;
        if (r == -ELOOP) {
                r = open_parent(location, base_fd, RESOLVE_NO_MAGICLINKS | cached, ret_fd);
                if (r == 0 && !procfs_is_it(*ret_fd))
                        return 0;
                *ret_fd = fd_close(*ret_fd);
        }
        return walk_parent(location, base_fd, lookup, ret_fd);
}

static int duplicate_base(int base_fd, int *ret_fd) {
        int fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

void resolve_parent(const Location *location, int base_fd, PathLookup *lookup, int *ret_fd, int *ret_error) {
        *ret_error = location->directory[0] == '\0' ? -duplicate_base(base_fd, ret_fd)
                                                    : -find_parent(location, base_fd, lookup, ret_fd);
}
