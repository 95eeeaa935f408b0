/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the links of /proc with the target's eyes.  Run by the worker, as the target.  Owns nothing.  Must
 * never follow a link to what is the worker's own. */

#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PROC_ROOT_INO 1

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

/* Is dir_fd /proc/PID/below of the target, as its process or its thread? */
static bool is_own(const ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *below) {
        const int tgid = reader->status->tgid, tid = target_tid(reader->target);
        char path[64];

        (void)snprintf(path, sizeof(path), "%d%s", tgid, below);
        if (is_entry(dir_fd, proc_root_fd, path))
                return true;
        (void)snprintf(path, sizeof(path), "%d/task/%d%s", tgid, tid, below);
        if (is_entry(dir_fd, proc_root_fd, path))
                return true;
        (void)snprintf(path, sizeof(path), "%d%s", tid, below);
        return is_entry(dir_fd, proc_root_fd, path);
}

/* Opens what the target's own link leads to.  Returns 1, 0 where the link isn't its own or not one of these,
 * or -errno. */
static int open_own(
        const ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd) {
        char *end;
        long number;
        int r;

        if (proc_root_fd < 0 || reader->status->in_nested_pid_namespace)
                return 0;
        if (strcmp(name, "cwd") == 0 && is_own(reader, proc_root_fd, dir_fd, ""))
                r = target_open_cwd(reader->target, ret_fd);
        else if (strcmp(name, "root") == 0 && is_own(reader, proc_root_fd, dir_fd, ""))
                r = target_open_root(reader->target, ret_fd);
        else {
                number = strtol(name, &end, 10);
                if (*end != '\0' || number < 0 || number > INT32_MAX ||
                        !is_own(reader, proc_root_fd, dir_fd, "/fd"))
                        return 0;
                r = target_open_fd(reader->target, (int)number, ret_fd);
        }
        return r == 0 ? 1 : r == -EBADF || r == TARGET_GONE ? -ENOENT : r;
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

int procfs_follow(const ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd,
        char *ret_text, size_t size) {
        int r;

        if (read_self(reader, dir_fd, name, ret_text, size))
                return 0;

        /* Its own links it may follow whatever its credentials; we may only as ourselves. */
        r = becomer_raise(reader->becomer);
        if (r < 0)
                return -r;
        r = open_own(reader, proc_root_fd, dir_fd, name, ret_fd);
        if (r < 0)
                return -r;
        if (becomer_lower(reader->becomer, &reader->status->identity) < 0)
                return EIO;
        if (r > 0)
                return 0;

        if (is_proc_root(dir_fd)) { /* "mounts", "net": text */
                ssize_t n = readlinkat(dir_fd, name, ret_text, size - 1);

                if (n < 0)
                        return errno;
                ret_text[n] = '\0';
                return strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0 ? ENOENT : 0;
        }
        /* Another process's.  Following it would need the kernel's word that the target may, and asking for
         * that as the target means asking as the worker too, who may always follow its own. */
        return EACCES;
}
