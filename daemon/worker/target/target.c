/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a task that waits in a supervised call.  Run by the worker alone, with its own privileges.  Owns the
 * kept /proc fds. Must never write to a target, and never treat what it read as true before the notification
 * was checked again. */

#include "worker/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ownership.h"

#define CACHE_SIZE 16U
#define STATUS_SIZE 8192U
#define STATUS_SIZE_MAX (1U << 20) /* NGROUPS_MAX groups take 720 KB */

struct Target {
        TargetCache *cache;
        pid_t tid;     /* 0: empty */
        int dir_fd;    /* /proc/TID, O_PATH */
        int status_fd; /* /proc/TID/status */
        int user_fd;   /* /proc/TID/ns/user, the link itself; not for a task that was seen only once */
        bool asked;    /* for its user namespace */
};

struct TargetCache {
        Target targets[CACHE_SIZE];
        int proc_fd; /* the worker moves between roots, where other /procs are */
        char our_number[3 * sizeof(pid_t) + 1];
        char *status;
        size_t status_size;
        char user_namespace[64]; /* our own, as its link reads */
};

/* A dead task shows in more ways than one. */
static bool means_gone(int error) {
        return error == ESRCH || error == ENOENT;
}

static void target_close(Target *target) {
        target->dir_fd = fd_close(target->dir_fd);
        target->status_fd = fd_close(target->status_fd);
        target->user_fd = fd_close(target->user_fd);
        target->asked = false;
        target->tid = 0;
}

int target_cache_new(TargetCache **ret) {
        TargetCache *cache;
        ssize_t n;

        cache = calloc(1, sizeof(*cache));
        if (!cache)
                return -ENOMEM;
        for (size_t i = 0; i < CACHE_SIZE; i++)
                cache->targets[i] =
                        (Target){.cache = cache, .dir_fd = -EBADF, .status_fd = -EBADF, .user_fd = -EBADF};
        cache->proc_fd = -EBADF;

        cache->status_size = STATUS_SIZE;
        cache->status = malloc(cache->status_size);
        if (!cache->status) {
                target_cache_free(cache);
                return -ENOMEM;
        }
        (void)snprintf(cache->our_number, sizeof(cache->our_number), "%d", getpid());
        cache->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        n = cache->proc_fd < 0 ? -1
                               : readlinkat(cache->proc_fd, "self/ns/user", cache->user_namespace,
                                         sizeof(cache->user_namespace) - 1);
        if (n < 0) {
                int r = -errno;

                target_cache_free(cache);
                return r;
        }
        *ret = cache;
        return 0;
}

TargetCache *target_cache_free(TargetCache *cache) {
        if (!cache)
                return NULL;
        for (size_t i = 0; i < CACHE_SIZE; i++)
                target_close(&cache->targets[i]);
        fd_close(cache->proc_fd);
        free(cache->status);
        free(cache);
        return NULL;
}

static int target_fill(Target *target, pid_t tid) {
        char name[3 * sizeof(tid) + 1];

        (void)snprintf(name, sizeof(name), "%d", tid);
        target->dir_fd = openat(target->cache->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (target->dir_fd < 0)
                return means_gone(errno) ? TARGET_GONE : -errno;
        target->status_fd = openat(target->dir_fd, "status", O_RDONLY | O_CLOEXEC);
        if (target->status_fd < 0)
                return means_gone(errno) ? TARGET_GONE : -errno;
        target->tid = tid;
        return 0;
}

int target_open(TargetCache *cache, pid_t tid, Target **ret, bool *ret_fresh) {
        Target *target = &cache->targets[(unsigned)tid % CACHE_SIZE];
        int r;

        *ret_fresh = target->tid != tid;
        if (*ret_fresh) {
                target_close(target);
                r = target_fill(target, tid);
                if (r != 0) {
                        target_close(target);
                        return r;
                }
        }
        *ret = target;
        return 0;
}

pid_t target_tid(const Target *target) {
        return target->tid;
}

/* Reads the whole of the status file: it is made anew by each read at offset 0. */
static int status_read(Target *target) {
        TargetCache *cache = target->cache;
        char *larger;
        ssize_t n;

        for (;;) {
                n = pread(target->status_fd, cache->status, cache->status_size - 1, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return means_gone(errno) ? TARGET_GONE : -errno;
                if ((size_t)n < cache->status_size - 1)
                        break;
                if (cache->status_size >= STATUS_SIZE_MAX)
                        return -EFBIG;
                /* Not realloc(): nothing of the old text is needed. */
                larger = malloc(4 * cache->status_size);
                if (!larger)
                        return -ENOMEM;
                free(cache->status);
                cache->status = larger;
                cache->status_size *= 4;
        }
        cache->status[n] = '\0';
        return 0;
}

int task_reader_read(Target *target, TaskFacts *ret) {
        pid_t tid = target->tid;
        int r;

        r = status_read(target);
        if (r == TARGET_GONE) {
                /* The task that these fds belong to is dead; its number may be another's by now. */
                target_close(target);
                r = target_fill(target, tid);
                if (r == 0)
                        r = status_read(target);
        }
        if (r != 0)
                return r;
        return task_facts_parse(target->cache->status, ret);
}

int target_in_our_user_namespace(Target *target) {
        char name[sizeof(target->cache->user_namespace)];
        ssize_t n;

        /* The link reads "user:[INODE]", and a namespace's inode number is its own for as long as it lives;
         * ours lives.  The kept link says at each reading what the task has then, and spares two lookups. */
        if (target->asked && target->user_fd < 0)
                target->user_fd = openat(target->dir_fd, "ns/user", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        target->asked = true;
        n = target->user_fd < 0 ? -1 : readlinkat(target->user_fd, "", name, sizeof(name) - 1);
        if (n < 0) /* not kept, or EACCES: of a dead task the kept link says no more than that */
                n = readlinkat(target->dir_fd, "ns/user", name, sizeof(name) - 1);
        if (n < 0)
                return means_gone(errno) ? -ESRCH : -errno;
        name[n] = '\0';
        return strcmp(name, target->cache->user_namespace) == 0;
}

static int root_at(int dir_fd, const char *path, int flags, TargetRoot *ret) {
        struct statx stx;

        if (statx(dir_fd, path, flags | AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (!(stx.stx_mask & STATX_MNT_ID)) /* Linux 5.8 */
                return -EOPNOTSUPP;
        *ret = (TargetRoot){
                .dev = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor,
                .ino = stx.stx_ino,
                .mount_id = stx.stx_mnt_id,
        };
        return 0;
}

int target_read_root(Target *target, TargetRoot *ret) {
        int r = root_at(target->dir_fd, "root", 0, ret);

        return r < 0 && means_gone(-r) ? TARGET_GONE : r;
}

int target_root_of_fd(int fd, TargetRoot *ret) {
        return root_at(fd, "", AT_EMPTY_PATH, ret);
}

static int target_open_link(Target *target, const char *name, int flags, int *ret_fd) {
        int fd = openat(target->dir_fd, name, O_PATH | O_CLOEXEC | flags);

        if (fd < 0)
                return means_gone(errno) ? TARGET_GONE : -errno;
        *ret_fd = fd;
        return 0;
}

int target_open_user_namespace(Target *target, int *ret_fd) {
        int fd = openat(target->dir_fd, "ns/user", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return means_gone(errno) ? TARGET_GONE : -errno;
        *ret_fd = fd;
        return 0;
}

int target_open_root(Target *target, int *ret_fd) {
        return target_open_link(target, "root", O_DIRECTORY, ret_fd);
}

int target_open_cwd(Target *target, int *ret_fd) {
        return target_open_link(target, "cwd", O_DIRECTORY, ret_fd);
}

int target_open_fd(Target *target, int number, int *ret_fd) {
        char name[sizeof("fd/") + 3 * sizeof(number)];
        int r;

        if (number < 0)
                return -EBADF;
        (void)snprintf(name, sizeof(name), "fd/%d", number);
        r = target_open_link(target, name, 0, ret_fd);
        /* No such task, or no such descriptor?  The caller's check of the notification tells. */
        return r == TARGET_GONE ? -EBADF : r;
}

static int read_path(int dir_fd, const char *name, char *ret, size_t size) {
        ssize_t n = readlinkat(dir_fd, name, ret, size);

        if (n < 0)
                return -errno;
        if ((size_t)n >= size)
                return -ENAMETOOLONG;
        ret[n] = '\0';
        return 0;
}

int target_read_own_path(Target *target, int fd, char *ret, size_t size) {
        char name[sizeof("self/fd/") + 3 * sizeof(fd)];

        (void)snprintf(name, sizeof(name), "self/fd/%d", fd);
        return read_path(target->cache->proc_fd, name, ret, size);
}

int target_read_root_path(Target *target, char *ret, size_t size) {
        int r = read_path(target->dir_fd, "root", ret, size);

        return r < 0 && means_gone(-r) ? TARGET_GONE : r;
}

int target_read_group(Target *target, pid_t *ret) {
        _cleanup_close_ int fd = -EBADF;
        const char *fields;
        char text[512];
        ssize_t n;
        int r;

        r = target_open_file(target, "stat", &fd);
        if (r != 0)
                return r;
        n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return n == 0 || means_gone(errno) ? TARGET_GONE : -errno;
        text[n] = '\0';
        /* The name before it may have any character. */
        fields = strrchr(text, ')');
        return fields && sscanf(fields, ") %*c %*d %d", ret) == 1 ? 0 : -EBADMSG;
}

int target_open_file(Target *target, const char *name, int *ret_fd) {
        int fd = openat(target->dir_fd, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return means_gone(errno) ? TARGET_GONE : -errno;
        *ret_fd = fd;
        return 0;
}

const char *target_our_number(const Target *target) {
        return target->cache->our_number;
}

int target_open_entry(Target *target, const char *name, int flags, int *ret_fd) {
        int fd = openat(target->cache->proc_fd, name, O_PATH | O_CLOEXEC | flags);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int target_open_host_mounts(const TargetCache *cache, bool own, int *ret_fd) {
        int fd = openat(cache->proc_fd, own ? "self/mountinfo" : "1/mountinfo", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}
