/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lists of mounts, as proc_pid_mountinfo(5) has them. */

#include <stdint.h>

/* A file system, as mountinfo names it: "MAJOR:MINOR".  stat(2) may say otherwise (btrfs subvolumes). */
#define MOUNTS_DEVICE_SIZE 24

/* Positive outcome: there is none. */
#define MOUNTS_NONE 1

/* Which file system does the mount show?  mountinfo_fd is read from its start.  Returns 0, MOUNTS_NONE or a
 * negative errno. */
int mounts_find_device(int mountinfo_fd, uint64_t mount_id, char ret[static MOUNTS_DEVICE_SIZE]);

/* What is asked of a mount: mount_fd is its root, opened for reading, and stays the caller's.  Returns
 * -EXDEV to be asked of the next. */
typedef int (*MountsVisit)(int mount_fd, void *userdata);

/* Goes through the mounts of the file system that can be reached: first those that show it whole, then those
 * that show a part.  Returns what visit returned, MOUNTS_NONE where no mount of it is in the list at all,
 * -EXDEV where there are some but none would do, or another negative errno. */
int mounts_visit_device(int mountinfo_fd, const char *device, MountsVisit visit, void *userdata);
