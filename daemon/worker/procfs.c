/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the links of /proc with the target's eyes.  Run by the worker or a deputy, as the target.  Owns
 * nothing.  Must never follow a link to what is the worker's own. */

#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"

#define PROC_ROOT_INO 1
#define PROCFS_PATH_SIZE 64

bool procfs_is_it(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_proc_root(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_ino == PROC_ROOT_INO;
}

/* Is dir_fd the entry that path names below the root of its procfs? */
static bool is_entry(int dir_fd, int proc_root_fd, const char *path) {
        struct stat a, b;

        return fstat(dir_fd, &a) == 0 && fstatat(proc_root_fd, path, &b, 0) == 0 && a.st_ino == b.st_ino &&
               a.st_dev == b.st_dev;
}

/* Where below a process's entry the kernel asks who wants to know, for the links that lead elsewhere without
 * being paths among others.  The process has an entry and so has the thread, in the process's and, not
 * listed, by itself. */
static const char *const own_directories[] = {"", "/fd", "/fdinfo", "/ns"};

/* Is dir_fd one of the directories of the process or thread that prefix names? */
static bool is_of(const char *prefix, int proc_root_fd, int dir_fd) {
        char path[PROCFS_PATH_SIZE];

        for (size_t i = 0; i < sizeof(own_directories) / sizeof(own_directories[0]); i++) {
                int n = snprintf(path, sizeof(path), "%s%s", prefix, own_directories[i]);

                if (n < (int)sizeof(path) && is_entry(dir_fd, proc_root_fd, path))
                        return true;
        }
        return false;
}

static bool is_of_task(pid_t tgid, pid_t tid, int proc_root_fd, int dir_fd) {
        char process[16], thread[48], alone[16];

        (void)snprintf(process, sizeof(process), "%d", tgid);
        (void)snprintf(thread, sizeof(thread), "%d/task/%d", tgid, tid);
        (void)snprintf(alone, sizeof(alone), "%d", tid);
        return is_of(process, proc_root_fd, dir_fd) || is_of(thread, proc_root_fd, dir_fd) ||
               is_of(alone, proc_root_fd, dir_fd);
}

static bool status_is_targets(const TargetStatus *status, int proc_root_fd, unsigned level) {
        static char text[1U << 20]; /* up to NGROUPS_MAX groups come before what is looked for */
        char path[PROCFS_PATH_SIZE];
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%d/status", status->level_tgids[level]);
        fd = openat(proc_root_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        return target_status_is_at_level(text, status, level);
}

/* A procfs numbers processes as one PID namespace does, and the target has a number in each of its own.
 * Returns false where it has none in this one. */
static bool find_numbers(const ProcfsReader *reader, int proc_root_fd, pid_t *ret_tgid, pid_t *ret_tid) {
        const TargetStatus *status = reader->status;

        for (unsigned level = 0; level < status->n_levels; level++)
                if (status_is_targets(status, proc_root_fd, level)) {
                        *ret_tgid = status->level_tgids[level];
                        *ret_tid = status->level_tids[level];
                        return true;
                }
        return false;
}

/* "self" and "thread-self" are the target's; "mounts" and "net" are plain text. */
static int read_root_link(
        const ProcfsReader *reader, int proc_root_fd, const char *name, char *ret_text, size_t size) {
        bool self = strcmp(name, "self") == 0, thread_self = strcmp(name, "thread-self") == 0;
        pid_t tgid, tid;
        ssize_t n;

        if (self || thread_self) {
                if (!find_numbers(reader, proc_root_fd, &tgid, &tid))
                        return ENOENT;
                if (self)
                        (void)snprintf(ret_text, size, "%d", tgid);
                else
                        (void)snprintf(ret_text, size, "%d/task/%d", tgid, tid);
                return 0;
        }
        n = readlinkat(proc_root_fd, name, ret_text, size - 1);
        if (n < 0)
                return errno;
        ret_text[n] = '\0';
        return 0;
}

static bool is_own(const ProcfsReader *reader, int proc_root_fd, int dir_fd) {
        pid_t tgid, tid;

        return proc_root_fd >= 0 && find_numbers(reader, proc_root_fd, &tgid, &tid) &&
               is_of_task(tgid, tid, proc_root_fd, dir_fd);
}

/* What is the target's own it may open whatever its credentials; we may only as ourselves. */
static int open_raised(ProcfsReader *reader, int dir_fd, const char *name, int flags, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        int error;

        if (becomer_raise(reader->becomer) < 0)
                return EIO;
        fd = openat(dir_fd, name, O_PATH | O_CLOEXEC | flags);
        error = fd < 0 ? errno : 0;
        if (becomer_lower(reader->becomer, &reader->status->identity) < 0)
                return EIO;
        /* Numbers were compared: were they the target's, and not those of somebody who came after it? */
        if (notify_check_id(reader->listener_fd, reader->id) == NOTIFY_GONE)
                return ESRCH;
        if (error == 0)
                *ret_fd = TAKE_FD(fd);
        return error;
}

int procfs_follow(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd,
        char *ret_text, size_t size) {
        if (is_proc_root(dir_fd))
                return read_root_link(reader, dir_fd, name, ret_text, size);
        if (reader->becomer) {
                if (is_own(reader, proc_root_fd, dir_fd))
                        return open_raised(reader, dir_fd, name, 0, ret_fd);
                /* Another process's.  The kernel would decide by our credentials, which are the target's
                 * now; but it lets us follow our own links whatever those are, and there are procfs in which
                 * we don't know our number.  A deputy has nothing of its own to be followed to. */
                reader->wants_deputy = true;
                return EACCES;
        }
        *ret_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
        return *ret_fd < 0 ? errno : 0;
}

int procfs_open_own(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd) {
        if (!reader->becomer || !procfs_is_it(dir_fd) || !is_own(reader, proc_root_fd, dir_fd))
                return EACCES;
        return open_raised(reader, dir_fd, name, O_NOFOLLOW, ret_fd);
}

int procfs_look_own(ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int error;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != EACCES)
                return 0;
        error = procfs_open_own(reader, proc_root_fd, dir_fd, name, &fd);
        return error == 0 ? EEXIST : error;
}
