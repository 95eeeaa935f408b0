/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lists of mounts, as proc_pid_mountinfo(5) has them. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One line.  The strings point into it. */
typedef struct Mount {
        uint64_t id;
        uint64_t device;   /* the file system: see mounts_device() */
        const char *root;  /* of the mount in its file system */
        const char *point; /* relative to the root of the process that the list is of */
        /* Of the file system; empty where the line ends before it. */
        const char *type;
        const char *options;
} Mount;

/* A file system, as mountinfo names it.  stat(2) may say otherwise (btrfs subvolumes). */
static inline uint64_t mounts_device(uint32_t major, uint32_t minor) {
        return (uint64_t)major << 32 | minor;
}

/* Takes a line apart, without its newline, in place.  Returns false where the kernel cannot have written it.
 */
bool mounts_parse(char *line, Mount *ret);

/* The process group of the automounter of an autofs with these options, as our PID namespace numbers it, or
 * 0 where it has no number there. */
pid_t mounts_automounter(const char *options);

/* Is the process group the automounter of an autofs in the list?  mountinfo_fd is read from its start.
 * Returns 1 or 0, or a negative errno. */
int mounts_have_automounter(int mountinfo_fd, pid_t group);

/* Positive outcome: there is none. */
#define MOUNTS_NONE 1

/* Which file system does the mount show?  mountinfo_fd is read from its start.  Returns 0, MOUNTS_NONE or a
 * negative errno. */
int mounts_find_device(int mountinfo_fd, uint64_t mount_id, uint64_t *ret);
