/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens what a task that waits in a supervised call has.  Run by the worker alone, with its own privileges.
 * Owns the fds of /proc that are kept from call to call.  Must never write to a target. */

#include "worker/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"

#define CACHE_SIZE 16U

struct Target {
        TargetCache *cache;
        pid_t tid;                    /* 0: empty */
        uint64_t birth;               /* 0: it is not known */
        int dir_fd;                   /* /proc/TID, O_PATH */
        int kept_fds[N_TARGET_FILES]; /* -EBADF: not opened yet */
        bool familiar;
        bool had_host_root;
        bool lost_host_root; /* once: it may do so again */
};

struct TargetCache {
        Target targets[CACHE_SIZE];
        WorkerProc proc;
};

bool target_error_means_gone(int error) {
        return error == ESRCH || error == ENOENT;
}

static int outcome_of(int error) {
        return target_error_means_gone(error) ? TARGET_GONE : -error;
}

static void target_close(Target *target) {
        target->dir_fd = fd_close(target->dir_fd);
        for (unsigned i = 0; i < N_TARGET_FILES; i++)
                target->kept_fds[i] = fd_close(target->kept_fds[i]);
        target->familiar = target->had_host_root = target->lost_host_root = false;
        target->birth = 0;
        target->tid = 0;
}

static void target_init(Target *target, TargetCache *cache) {
        *target = (Target){.cache = cache, .dir_fd = -EBADF};
        for (unsigned i = 0; i < N_TARGET_FILES; i++)
                target->kept_fds[i] = -EBADF;
}

int target_cache_new(TargetCache **ret) {
        TargetCache *cache;
        int r;

        cache = calloc(1, sizeof(*cache));
        if (!cache)
                return -ENOMEM;
        for (size_t i = 0; i < CACHE_SIZE; i++)
                target_init(&cache->targets[i], cache);
        r = worker_proc_open(&cache->proc);
        if (r < 0) {
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
        worker_proc_close(&cache->proc);
        free(cache);
        return NULL;
}

static int target_fill(Target *target, pid_t tid) {
        char name[3 * sizeof(tid) + 1];

        target_close(target);
        (void)snprintf(name, sizeof(name), "%d", tid);
        target->dir_fd = openat(target->cache->proc.fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (target->dir_fd < 0)
                return outcome_of(errno);
        target->tid = tid;
        return 0;
}

int target_open(TargetCache *cache, pid_t tid, Target **ret) {
        Target *target = &cache->targets[(unsigned)tid % CACHE_SIZE];
        int r;

        if (target->tid == tid)
                target->familiar = true;
        else {
                r = target_fill(target, tid);
                if (r != 0)
                        return r;
        }
        *ret = target;
        return 0;
}

int target_reopen(Target *target) {
        return target_fill(target, target->tid);
}

int target_confirm(Target *target, uint64_t birth) {
        int r = 0;

        /* What was opened for this very call is the task's. */
        if (target->birth != birth && target->familiar)
                r = target_reopen(target);
        target->birth = birth;
        return r;
}

pid_t target_tid(const Target *target) {
        return target->tid;
}

void target_note_host_root(Target *target, bool is_host) {
        target->had_host_root = is_host && !target->lost_host_root;
}

bool target_had_host_root(const Target *target) {
        return target->had_host_root;
}

void target_lose_host_root(Target *target) {
        target->lost_host_root = true;
        target->had_host_root = false;
}

bool target_is_familiar(const Target *target) {
        return target->familiar;
}

int target_dir_fd(const Target *target) {
        return target->dir_fd;
}

int target_keep_file(Target *target, TargetFile file, int *ret_fd) {
        static const struct {
                const char *name;
                int flags;
        } files[N_TARGET_FILES] = {
                [TARGET_FILE_STATUS] = {"status", O_RDONLY},
                [TARGET_FILE_USER_NAMESPACE] = {"ns/user", O_PATH | O_NOFOLLOW},
        };
        int *kept_fd = &target->kept_fds[file];

        if (*kept_fd < 0) {
                *kept_fd = openat(target->dir_fd, files[file].name, files[file].flags | O_CLOEXEC);
                if (*kept_fd < 0)
                        return outcome_of(errno);
        }
        *ret_fd = *kept_fd;
        return 0;
}

static int target_open_link(Target *target, const char *name, int flags, int *ret_fd) {
        int fd = openat(target->dir_fd, name, O_PATH | O_CLOEXEC | flags);

        if (fd < 0)
                return outcome_of(errno);
        *ret_fd = fd;
        return 0;
}

int target_open_user_namespace(Target *target, int *ret_fd) {
        int fd = openat(target->dir_fd, "ns/user", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return outcome_of(errno);
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

int target_open_file(Target *target, const char *name, int *ret_fd) {
        int fd = openat(target->dir_fd, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return outcome_of(errno);
        *ret_fd = fd;
        return 0;
}

const WorkerProc *target_proc(const Target *target) {
        return &target->cache->proc;
}

const WorkerProc *target_cache_proc(const TargetCache *cache) {
        return &cache->proc;
}
