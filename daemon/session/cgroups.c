/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates and removes the sessions' cgroups.  Run by the daemon.  Owns nothing.  Must never change a cgroup
 * that was not delegated to the daemon. */

#include "session/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "common/ownership.h"

#define ROOT "/sys/fs/cgroup"
/* Where this process goes: a cgroup whose controllers are on for those below it has no processes of its own.
 */
#define OURS "daemon"

/* 320 MiB.  Never reached: workers stop at four fifths (worker/memory-budget.h), which is some 250,000
 * directories on a tmpfs. */
#define MEMORY_MAX "335544320"

#define NAME_SIZE sizeof("session-0123456789abcdef")

static int write_file(int dir_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

        return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool is_cgroup2(int fd) {
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* systemd marks what it delegates. */
static bool is_delegated(int fd) {
        char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)], value[2];

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return getxattr(link, "trusted.delegate", value, sizeof(value)) == 1 && value[0] == '1';
}

static int open_own(void) {
        _cleanup_free_ char *path = NULL, *full = NULL;
        int r, fd;

        r = sd_pid_get_cgroup(0, &path);
        if (r < 0)
                return r;
        if (asprintf(&full, ROOT "%s", path) < 0)
                return -ENOMEM;
        fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (!is_cgroup2(fd) || !is_delegated(fd)) {
                fd_close(fd);
                return -EOPNOTSUPP;
        }
        return fd;
}

/* Opens a cgroup, which is created if need be. */
static int create(int cgroups_fd, const char *name) {
        int fd;

        if (mkdirat(cgroups_fd, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(cgroups_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int move_there(int cgroups_fd) {
        _cleanup_close_ int fd = create(cgroups_fd, OURS);

        return fd < 0 ? fd : write_file(fd, "cgroup.procs", "0");
}

int cgroups_open(Report *report) {
        _cleanup_close_ int fd = open_own();
        int r = fd;

        if (r >= 0)
                r = move_there(fd);
        if (r >= 0)
                r = write_file(fd, "cgroup.subtree_control", "+memory");
        if (r >= 0)
                return TAKE_FD(fd);
        (void)report_line(report, REPORT_NOTE,
                "no memory cgroup was delegated (%s): new directories' memory is charged to snotifyd as a "
                "whole",
                strerror(-r));
        return -EBADF;
}

static void name_of(uint64_t session_id, char ret[static NAME_SIZE]) {
        (void)snprintf(ret, NAME_SIZE, "session-%016" PRIx64, session_id);
}

int cgroups_create(int cgroups_fd, uint64_t session_id) {
        _cleanup_close_ int fd = -EBADF;
        char name[NAME_SIZE];
        int r;

        name_of(session_id, name);
        fd = openat(cgroups_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                return TAKE_FD(fd);
        fd = create(cgroups_fd, name);
        if (fd < 0)
                return fd;
        r = write_file(fd, "memory.max", MEMORY_MAX);
        return r < 0 ? r : TAKE_FD(fd);
}

void cgroups_remove(int cgroups_fd, uint64_t session_id) {
        char name[NAME_SIZE];

        name_of(session_id, name);
        (void)unlinkat(cgroups_fd, name, AT_REMOVEDIR);
}
