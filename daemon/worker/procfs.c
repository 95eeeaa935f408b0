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

/* Where below a process's entry the kernel keeps links that lead elsewhere without being paths.  The process
 * has an entry and so has the thread, in the process's and, not listed, by itself. */
static const char *const link_directories[] = {"", "/fd", "/ns"};

typedef enum EntryKind {
        ENTRY_PROCESS,
        ENTRY_THREAD,
        ENTRY_THREAD_ALONE,
} EntryKind;

typedef struct Entry {
        EntryKind kind;
        const char *below; /* of link_directories */
} Entry;

static void entry_path(const Entry *entry, pid_t tgid, pid_t tid, char ret[static PROCFS_PATH_SIZE]) {
        switch (entry->kind) {
        case ENTRY_PROCESS:
                (void)snprintf(ret, PROCFS_PATH_SIZE, "%d%s", tgid, entry->below);
                break;
        case ENTRY_THREAD:
                (void)snprintf(ret, PROCFS_PATH_SIZE, "%d/task/%d%s", tgid, tid, entry->below);
                break;
        case ENTRY_THREAD_ALONE:
                (void)snprintf(ret, PROCFS_PATH_SIZE, "%d%s", tid, entry->below);
                break;
        }
}

/* Which of the task's entries is dir_fd?  Returns false where it is none. */
static bool find_entry(pid_t tgid, pid_t tid, int proc_root_fd, int dir_fd, Entry *ret) {
        char path[PROCFS_PATH_SIZE];

        for (EntryKind kind = ENTRY_PROCESS; kind <= ENTRY_THREAD_ALONE; kind++)
                for (size_t i = 0; i < sizeof(link_directories) / sizeof(link_directories[0]); i++) {
                        *ret = (Entry){kind, link_directories[i]};
                        entry_path(ret, tgid, tid, path);
                        if (is_entry(dir_fd, proc_root_fd, path))
                                return true;
                }
        return false;
}

static bool status_is_targets(const TargetStatus *status, int proc_root_fd, unsigned level) {
        char path[PROCFS_PATH_SIZE], text[4096];
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

/* The target's own links it may follow whatever its credentials; we may only as ourselves, and by our own
 * procfs. */
static int open_own(
        const ProcfsReader *reader, int dir_fd, const char *directory, const char *name, int *ret_fd) {
        int r;

        if (!reader->becomer) {
                *ret_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
                return *ret_fd < 0 ? errno : 0;
        }
        r = becomer_raise(reader->becomer);
        if (r < 0)
                return -r;
        r = target_open_proc(reader->target, directory, name, ret_fd);
        if (becomer_lower(reader->becomer, &reader->status->identity) < 0)
                return EIO;
        return r == TARGET_GONE ? ENOENT : -r;
}

/* Is dir_fd one of the target's own?  Writes its path in our procfs, where its numbers may be others. */
static bool is_own(
        const ProcfsReader *reader, int proc_root_fd, int dir_fd, char ret_path[static PROCFS_PATH_SIZE]) {
        const TargetStatus *status = reader->status;
        Entry entry;
        pid_t tgid, tid;

        if (!find_numbers(reader, proc_root_fd, &tgid, &tid) ||
                !find_entry(tgid, tid, proc_root_fd, dir_fd, &entry))
                return false;
        entry_path(&entry, status->level_tgids[0], status->level_tids[0], ret_path);
        return true;
}

int procfs_follow(const ProcfsReader *reader, int proc_root_fd, int dir_fd, const char *name, int *ret_fd,
        char *ret_text, size_t size) {
        char directory[PROCFS_PATH_SIZE];
        Entry entry;

        if (is_proc_root(dir_fd))
                return read_root_link(reader, dir_fd, name, ret_text, size);
        if (proc_root_fd < 0)
                return EACCES;
        if (is_own(reader, proc_root_fd, dir_fd, directory))
                return open_own(reader, dir_fd, directory, name, ret_fd);
        if (find_entry(getpid(), getpid(), proc_root_fd, dir_fd, &entry))
                return EACCES; /* ours, which the kernel would let us follow */

        /* Another process's: the kernel decides, by the target's credentials, which are ours now. */
        *ret_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
        return *ret_fd < 0 ? errno : 0;
}
