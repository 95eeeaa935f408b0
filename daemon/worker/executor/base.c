/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Guesses where calls begin.  Run by the worker.  Owns paths, and the working directory while it is a guess.
 * Must never take a guess for true that the reader in the kernel has not confirmed for this very call, and
 * never go where a server process answers for a directory. */

#include "worker/executor/base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "worker/location/object.h"

/* A thread that changes its directory all the time is not worth a guess. */
#define MISSES_MAX 8U

static void forget(Base *base) {
        base->path[0] = '\0';
        base->misses++;
}

static Base *find(Bases *bases, pid_t tid) {
        return &bases->bases[(unsigned)tid % BASES];
}

/* The workload may put a symbolic link in the way: then the worker stands elsewhere for a moment, which is
 * no base.  But no automounter is to be asked by a worker. */
void bases_guess(Bases *bases, RootDir *rootdir, const HostMounts *host_mounts, pid_t tid, int32_t dirfd) {
        Base *base = find(bases, tid);

        bases->guessed = NULL;
        if (base->tid != tid || base->dirfd != dirfd || base->path[0] == '\0' || !rootdir_is_host(rootdir) ||
                host_mounts_have_automounter(host_mounts))
                return;
        rootdir->away = true;
        if (chdir(base->path) == 0)
                bases->guessed = base;
        else
                forget(base);
}

/* Is the directory on a mount of the host, on which no server answers? */
static bool is_plain(const HostMounts *host_mounts, uint64_t mount_id) {
        const HostMount *mount = host_mounts_find(host_mounts, mount_id);

        return mount && mount->is_local;
}

static bool is_same_mark(const TaskBase *a, const TaskBase *b) {
        return a->inode == b->inode && a->generation == b->generation && a->device == b->device &&
               a->mount_id == b->mount_id;
}

/* The kernel's number and generation of an inode tell it from an earlier one of that file system. */
static int identify(Base *base, const TaskBase *mark) {
        int r;

        if (base->has_mark && is_same_mark(&base->mark, mark))
                return 0;
        base->has_mark = false;
        r = object_read(AT_FDCWD, &base->object);
        if (r < 0)
                return r;
        base->mark = *mark;
        base->has_mark = true;
        return 0;
}

static bool is_here(const Bases *bases, TaskReader *reader, const Location *location,
        const HostMounts *host_mounts, TaskBase *ret) {
        return task_reader_base(reader, ret) && location->directory[0] == '\0' &&
               location->last == LAST_NORM && is_plain(host_mounts, ret->mount_id) &&
               identify(bases->guessed, ret) >= 0 && bases->guessed->object.ino != 0 &&
               bases->guessed->object.mount_id == ret->mount_id;
}

int bases_take(Bases *bases, RootDir *rootdir, TaskReader *reader, Location *location,
        const HostMounts *host_mounts) {
        Base *base = bases->guessed;
        TaskBase mark;
        int r;

        if (!base)
                return 0;
        if (is_here(bases, reader, location, host_mounts, &mark)) {
                parent_take_here(&location->parent, &base->object);
                base->misses = 0;
                return 1;
        }
        bases->guessed = NULL;
        forget(base);
        r = rootdir_leave(rootdir);
        return r < 0 ? r : 0;
}

/* Does the path lead over such mounts alone? */
static bool is_plain_path(const HostMounts *host_mounts, const char *path) {
        size_t n;
        const HostMount *rows = host_mounts_all(host_mounts, &n);

        for (size_t i = 0; i < n; i++)
                if (!rows[i].is_local && host_mounts_is_below(path, rows[i].point))
                        return false;
        return true;
}

void bases_learn(Bases *bases, const Location *location, pid_t tid, int32_t dirfd, const char *host_path,
        const HostMounts *host_mounts) {
        const char *slash = strrchr(host_path, '/');
        size_t length = slash ? (size_t)(slash - host_path) : 0;
        Base *base = find(bases, tid);

        if (bases->guessed || host_path[0] != '/' || location->directory[0] != '\0' ||
                !location->parent.entered || length == 0 || length >= BASE_PATH_SIZE ||
                !is_plain(host_mounts, location->parent.object.mount_id))
                return;
        if (base->tid != tid || base->dirfd != dirfd)
                *base = (Base){.tid = tid, .dirfd = dirfd};
        if (base->misses >= MISSES_MAX)
                return;
        memcpy(base->path, host_path, length);
        base->path[length] = '\0';
        if (!is_plain_path(host_mounts, base->path))
                base->path[0] = '\0';
}
