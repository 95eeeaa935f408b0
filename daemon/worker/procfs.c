/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the links of /proc with the target's eyes.  Run by the worker, as the target.  Owns nothing.  Must
 * never follow a link to what is the worker's own. */

#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

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

/* Where below "/proc/PID" the kernel keeps links that lead elsewhere without being paths. */
static const char *const link_directories[] = {"", "/fd", "/ns"};

/* Is dir_fd such a directory of the process that prefix names?  Writes its path from the procfs's root. */
static bool is_of(const char *prefix, int proc_root_fd, int dir_fd, char ret_path[static PROCFS_PATH_SIZE]) {
        for (size_t i = 0; i < sizeof(link_directories) / sizeof(link_directories[0]); i++) {
                (void)snprintf(ret_path, PROCFS_PATH_SIZE, "%s%s", prefix, link_directories[i]);
                if (is_entry(dir_fd, proc_root_fd, ret_path))
                        return true;
        }
        return false;
}

/* The process as such and the thread each have an entry; a thread is found without its process, too. */
static bool is_of_task(
        pid_t tgid, pid_t tid, int proc_root_fd, int dir_fd, char ret_path[static PROCFS_PATH_SIZE]) {
        char prefix[PROCFS_PATH_SIZE / 2];

        (void)snprintf(prefix, sizeof(prefix), "%d", tgid);
        if (is_of(prefix, proc_root_fd, dir_fd, ret_path))
                return true;
        (void)snprintf(prefix, sizeof(prefix), "%d/task/%d", tgid, tid);
        if (is_of(prefix, proc_root_fd, dir_fd, ret_path))
                return true;
        (void)snprintf(prefix, sizeof(prefix), "%d", tid);
        return is_of(prefix, proc_root_fd, dir_fd, ret_path);
}

/* The target's number in procfs, as "self" and "thread-self" read.  A target in a PID namespace of its own
 * has other numbers there, and none that we know of. */
static bool read_self(
        const ProcfsReader *reader, int dir_fd, const char *name, char *ret_text, size_t size) {
        if (reader->status->in_nested_pid_namespace || !is_proc_root(dir_fd))
                return false;
        if (strcmp(name, "self") == 0)
                (void)snprintf(ret_text, size, "%d", reader->status->tgid);
        else if (strcmp(name, "thread-self") == 0)
                (void)snprintf(
                        ret_text, size, "%d/task/%d", reader->status->tgid, target_tid(reader->target));
        else
                return false;
        return true;
}

static int read_text(int dir_fd, const char *name, char *ret_text, size_t size) {
        ssize_t n;

        if (strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0)
                return ENOENT; /* as it reads to us */
        n = readlinkat(dir_fd, name, ret_text, size - 1);
        if (n < 0)
                return errno;
        ret_text[n] = '\0';
        return 0;
}

/* The target's own links it may follow whatever its credentials; we may only as ourselves. */
static int open_own(const ProcfsReader *reader, const char *directory, const char *name, int *ret_fd) {
        int r;

        r = becomer_raise(reader->becomer);
        if (r < 0)
                return -r;
        r = target_open_proc(reader->target, directory, name, ret_fd);
        if (becomer_lower(reader->becomer, &reader->status->identity) < 0)
                return EIO;
        return r == TARGET_GONE ? ENOENT : -r;
}

int procfs_follow(const ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd,
        char *ret_text, size_t size) {
        char directory[PROCFS_PATH_SIZE];

        if (read_self(reader, dir_fd, name, ret_text, size))
                return 0;
        if (is_proc_root(dir_fd)) /* "mounts", "net" */
                return read_text(dir_fd, name, ret_text, size);
        if (proc_root_fd < 0)
                return EACCES;
        if (!reader->status->in_nested_pid_namespace &&
                is_of_task(
                        reader->status->tgid, target_tid(reader->target), proc_root_fd, dir_fd, directory))
                return open_own(reader, directory, name, ret_fd);
        if (is_of_task(getpid(), getpid(), proc_root_fd, dir_fd, directory))
                return EACCES; /* ours, which the kernel would let us follow */

        /* Another process's: the kernel decides, by the target's credentials, which are ours now. */
        *ret_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
        return *ret_fd < 0 ? errno : 0;
}
