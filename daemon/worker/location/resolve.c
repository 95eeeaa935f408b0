/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the parent directory that a path means.  Run by the worker, as the target, in the target's root.
 * Owns nothing.  Must never follow a magic link of /proc: as the worker sees it, it leads to the worker. */

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
        ProcfsReader *reader;
        int at_fd; /* where it has come to, O_PATH */
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

static bool mount_forbids_links(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (fs.f_flags & ST_NOSYMFOLLOW);
}

/* A FUSE file system that its user mounted for himself lets nobody in whose uids, all three, aren't his:
 * only a helper's are.  (fuse_allow_current_process() in fs/fuse/dir.c) */
static void note_refusal(ProcfsReader *reader, int error, int fd) {
        struct statfs fs;

        if (error == EACCES && reader->override && fstatfs(fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
                reader->wants_helper = true;
}

/* What to ask about the file system of a link.  A FUSE server that is asked about the link itself may follow
 * it, back into its own mount, and wait for itself; what is true of the directory is true of its links. */
static int walk_ask_about(const Walk *walk, int link_fd, dev_t device) {
        struct stat st;

        return fstat(walk->at_fd, &st) == 0 && st.st_dev == device ? walk->at_fd : link_fd;
}

static int walk_link(Walk *walk, int link_fd, const char *name, dev_t device) {
        char text[LEDGER_ARGUMENT_SIZE] = "";
        int fd = -EBADF, ask_fd, error;
        ssize_t n;

        ask_fd = walk_ask_about(walk, link_fd, device);
        if (++walk->links > LINKS_MAX || mount_forbids_links(ask_fd))
                return ELOOP;
        if (procfs_is_it(ask_fd)) {
                error = procfs_follow(walk->reader, walk->at_fd, name, &fd, text, sizeof(text));
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

static bool is_autofs(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == AUTOFS_SUPER_MAGIC;
}

/* Opened by itself, a directory does not ask for what is to be mounted on it. */
static int walk_automount(Walk *walk, const char *name) {
        char path[NAME_MAX + sizeof("/.")];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/.", name);
        fd = openat(walk->at_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno;
        walk_move(walk, fd);
        return 0;
}

static int walk_component(Walk *walk, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (walk->reader->minds_autofs && walk->reader->override && is_autofs(walk->at_fd)) {
                walk->reader->met_autofs = true;
                return EAGAIN;
        }
        if (procfs_is_us(walk->reader, walk->at_fd, name))
                return procfs_refuse_us(walk->reader);
        fd = openat(walk->at_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                int error = errno;

                if (error == EACCES)
                        error = procfs_open_own(walk->reader, walk->at_fd, name, &fd);
                if (error != 0)
                        return error;
        }
        if (fstat(fd, &st) < 0) {
                int error = errno;

                note_refusal(walk->reader, error, fd);
                return error;
        }
        if (S_ISLNK(st.st_mode))
                return walk_link(walk, fd, name, st.st_dev);
        if (walk->reader->minds_autofs && !walk->reader->override && is_autofs(fd))
                return walk_automount(walk, name);
        walk_move(walk, TAKE_FD(fd));
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

/* Opens what a relative path starts at.  Natively that is searched, too; where only the target's own threads
 * may do that, it is held as it is. */
static int walk_to_base(Walk *walk, int base_fd) {
        int error;

        walk->at_fd = openat(base_fd, ".", O_PATH | O_CLOEXEC);
        if (walk->at_fd >= 0)
                return 0;
        error = errno;
        if (error == EACCES)
                error = procfs_open_own(walk->reader, base_fd, ".", &walk->at_fd);
        note_refusal(walk->reader, error, base_fd);
        return error;
}

/* Finds the parent step by step.  What was renamed between two steps may be missed, as it may be natively
 * between two system calls; the parent that is found is pinned all the same. */
static int walk_parent(const Location *location, int base_fd, ProcfsReader *reader, int *ret_fd) {
        Walk walk = {.reader = reader, .at_fd = -EBADF};
        int error;

        (void)stpcpy(walk.rest, location->directory);
        error = location->directory[0] == '/' ? walk_to_root(&walk) : walk_to_base(&walk, base_fd);
        if (error == 0) {
                error = walk_all(&walk);
                note_refusal(reader, error, walk.at_fd);
        }
        if (error == 0)
                *ret_fd = walk.at_fd;
        else
                fd_close(walk.at_fd);
        return error;
}

static int open_parent(const Location *location, int base_fd, uint64_t resolve, int *ret_fd) {
        const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = resolve};
        int fd = (int)syscall(SYS_openat2, base_fd, location->directory, &how, sizeof(how));

        if (fd < 0)
                return errno;
        *ret_fd = fd;
        return 0;
}

/* Does a path start in our own entry in /proc, that of the worker or the helper? */
static bool base_is_ours(const Location *location, int base_fd, const ProcfsReader *reader) {
        char path[PATH_MAX];

        return location->directory[0] != '/' && base_fd >= 0 &&
               target_read_own_path(reader->target, base_fd, path, sizeof(path)) == 0 &&
               procfs_names_us(reader, path) && procfs_is_it(base_fd);
}

/* Finds the parent.  Most paths have no links, and what the kernel says of these is true of the target too.
 * Links it may follow for us unless they lead through /proc: magic ones it doesn't follow; but "self" is no
 * magic link, and leads to our own entry there. */
static int find_parent(const Location *location, int base_fd, ProcfsReader *reader, int *ret_fd) {
        /* What the kernel has at hand needs no automounter; else the way is walked with care. */
        uint64_t cached = reader->minds_autofs && reader->override ? RESOLVE_CACHED : 0;
        int error;

        if (location->directory[0] == '.' && base_is_ours(location, base_fd, reader))
                return procfs_refuse_us(reader);
        if (procfs_names_us(reader, location->directory))
                return walk_parent(location, base_fd, reader, ret_fd);
        error = open_parent(location, base_fd, RESOLVE_NO_SYMLINKS | cached, ret_fd);
        if ((error == ENOENT || error == ENOTDIR) && base_is_ours(location, base_fd, reader))
                return procfs_refuse_us(reader);
        if (error != ELOOP && error != EACCES && (error != EAGAIN || cached == 0))
                return error;
        if (error == ELOOP) {
                error = open_parent(location, base_fd, RESOLVE_NO_MAGICLINKS | cached, ret_fd);
                if (error == 0 && !procfs_is_it(*ret_fd))
                        return 0;
                *ret_fd = fd_close(*ret_fd);
        }
        return walk_parent(location, base_fd, reader, ret_fd);
}

int resolve_parent(const Location *location, int base_fd, ProcfsReader *reader, int *ret_fd) {
        if (location->directory[0] != '\0')
                return find_parent(location, base_fd, reader, ret_fd);
        *ret_fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 0);
        return *ret_fd < 0 ? errno : 0;
}
