/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the status of a launcher that has knocked.  The daemon opens the procfs, with privileges; a
 * verifier reads from it, without any and behind its seccomp filter.  Owns nothing. */

#include "handshake/launcher-status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

#define STATUS_SIZE 8192U
#define STATUS_SIZE_MAX (1U << 20) /* NGROUPS_MAX groups take 720 KB */

/* Reads what fits of fd, and appends a NUL.  Returns how many bytes it read, or a negative errno. */
static ssize_t read_text(int fd, char *text, size_t size) {
        size_t length = 0;
        ssize_t n;

        do {
                n = read(fd, text + length, size - 1 - length);
                if (n < 0)
                        return -errno;
                length += (size_t)n;
        } while (n > 0 && length < size - 1);
        text[length] = '\0';
        return (ssize_t)length;
}

int launcher_open_proc(void) {
        _cleanup_close_ int context_fd = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
        int fd = -1;

        if (context_fd >= 0 && syscall(SYS_fsconfig, context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
                fd = (int)syscall(SYS_fsmount, context_fd, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
        if (fd < 0)
                fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int launcher_read_status(int proc_fd, pid_t pid, TaskFacts *ret) {
        char path[sizeof("-2147483648/status")];

        (void)snprintf(path, sizeof(path), "%d/status", pid);
        for (size_t size = STATUS_SIZE; size <= STATUS_SIZE_MAX; size *= 4) {
                _cleanup_close_ int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
                _cleanup_free_ char *text = malloc(size);
                ssize_t n;

                if (fd < 0)
                        return -errno;
                if (!text)
                        return -ENOMEM;
                n = read_text(fd, text, size);
                if (n < 0)
                        return (int)n;
                if ((size_t)n < size - 1)
                        return task_facts_parse_status(text, ret);
        }
        return -E2BIG;
}
