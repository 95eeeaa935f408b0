/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which directory, and through which mount: no other one has the same three numbers for as long as a process
 * holds it. */

#include <stdbool.h>
#include <stdint.h>

typedef struct DirectoryId {
        uint64_t dev; /* the major number in the upper half */
        uint64_t ino;
        uint64_t mount_id; /* as in proc_pid_mountinfo(5) */
} DirectoryId;

/* Reads it as statx(2) does with these flags and this path.  No automounter is asked, and no server of a
 * file system.  Returns 0, -EOPNOTSUPP (a kernel before Linux 5.8) or another negative errno. */
int directory_id_read(int dir_fd, const char *path, int flags, DirectoryId *ret);

/* The same of a directory that this process holds. */
int directory_id_of_fd(int fd, DirectoryId *ret);

bool directory_id_equal(const DirectoryId *a, const DirectoryId *b);
