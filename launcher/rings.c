/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds descriptors that are an io_uring.  Run by the launcher before it becomes the workload.  Owns
 * nothing.  Must never take a descriptor that it could not look at for a harmless one. */

#include "rings.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ownership.h"

static void closedir_p(DIR **dir) {
        if (*dir)
                (void)closedir(*dir);
}

/* Returns 1 or 0, or a negative errno. */
static int is_ring(int dir_fd, const char *name) {
        static const char ring[] = "anon_inode:[io_uring]"; /* fs/io_uring.c, io_uring/io_uring.c */
        char link[sizeof(ring)];
        ssize_t n = readlinkat(dir_fd, name, link, sizeof(link));

        if (n < 0)
                return -errno;
        return (size_t)n == strlen(ring) && memcmp(link, ring, strlen(ring)) == 0;
}

int rings_find(int *ret) {
        _cleanup_(closedir_p) DIR *dir = opendir("/proc/self/fd");
        const struct dirent *entry;
        int r, fd;

        *ret = -1;
        if (!dir)
                return -errno;
        for (errno = 0; (entry = readdir(dir)); errno = 0) {
                if (entry->d_name[0] == '.')
                        continue;
                r = is_ring(dirfd(dir), entry->d_name);
                if (r < 0)
                        return r;
                fd = atoi(entry->d_name);
                if (r > 0 && (*ret < 0 || fd < *ret))
                        *ret = fd;
        }
        return -errno;
}
