/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the status of a launcher that has knocked.  Run by the vetting child, behind its seccomp filter.
 * Owns nothing. */

#include "launcher-status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ownership.h"

#define STATUS_SIZE 8192U
#define STATUS_SIZE_MAX (1U << 20) /* NGROUPS_MAX groups take 720 KB */

/* Reads all of fd that fits, and ends it with a NUL.  Returns how much that was, or a negative errno. */
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

int launcher_read_status(pid_t pid, TargetStatus *ret) {
        char path[sizeof("/proc/-2147483648/status")];

        (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
        for (size_t size = STATUS_SIZE; size <= STATUS_SIZE_MAX; size *= 4) {
                _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
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
                        return target_parse_status(text, ret);
        }
        return -E2BIG;
}
