/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds a directory of an overlay on the host.  Overlays have no file handles: a directory is looked for by
 * its path in the overlay, and recognized by its inode. */

#include "worker/location/host-mounts.h"
#include "worker/location/parent.h"
#include "worker/target/target.h"

/* Is the directory on an overlay?  Asks no file system's server. */
bool overlay_has(int fd);

/* Writes the path of the directory that the parent is, in its overlay, "" for the root.  mountinfo_fd is the
 * target's list of mounts.  Returns 0, -EXDEV if it cannot be told, or another negative errno. */
int overlay_read_path(Target *target, const Parent *parent, int mountinfo_fd, char *ret, size_t size);

/* Opens the same directory on a mount of the host, of which mount_fd is the root.  Returns 0 with the
 * caller's O_PATH fd, -EXDEV if the mount does not show it under this path, or another negative errno. */
int overlay_open(const HostMount *mount, int mount_fd, const char *path, const Parent *parent, int *ret_fd);
