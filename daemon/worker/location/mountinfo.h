/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parses mountinfo files (proc_pid_mountinfo(5)): lists with one mount per line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line.  The strings point into the line that mounts_parse() was given. */
typedef struct Mount {
        uint64_t id;
        uint64_t device;   /* the file system: see mounts_device() */
        const char *root;  /* the path, in the file system, of the directory that the mount shows */
        const char *point; /* the mount point, from the root directory of the process whose list it is */
        /* Of the file system.  Empty if the line ends before them. */
        const char *type;
        const char *options;
} Mount;

/* A file system's number in mountinfo.  stat(2) may return another one (btrfs subvolumes). */
static inline uint64_t mounts_device(uint32_t major, uint32_t minor) {
        return (uint64_t)major << 32 | minor;
}

/* Parses a line, which must not have a newline, in place.  Returns false if the line does not have the
 * format that the kernel writes. */
bool mounts_parse(char *line, Mount *ret);

/* Returns the process group, in the worker's PID namespace, of the automounter of an autofs mount with these
 * options.  Returns 0 if it has no number there. */
pid_t mounts_automounter(const char *options);

/* Is the process group the automounter of an autofs mount in the list?  Reads mountinfo_fd from its start
 * and does not close it.  Returns 1 or 0, or a negative errno. */
int mounts_have_automounter(int mountinfo_fd, pid_t group);

/* A result of mounts_find_device(): the list has no such mount. */
#define MOUNTS_NONE 1

/* Finds the file system that the mount shows, see mounts_device().  Reads mountinfo_fd from its start and
 * does not close it.  Returns 0, MOUNTS_NONE or a negative errno. */
int mounts_find_device(int mountinfo_fd, uint64_t mount_id, uint64_t *ret);

/* Finds the path, in its file system, of the directory that the mount shows; size is that of ret in bytes.
 * Returns as mounts_find_device(). */
int mounts_find_root(int mountinfo_fd, uint64_t mount_id, char *ret, size_t size);
