/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that hang the process that closes them: a FUSE file system whose server does not answer. */

#include <sys/types.h>

/* Mounts the file system on /mnt, in a new mount namespace of this process.  Returns the server's pid: the
 * files hang processes until it is killed. */
pid_t hanging_mount(void);

/* Mounts the file system.  Returns a file of which each descriptor hangs the process that closes it. */
int hanging_open(pid_t *ret_pid);

/* Opens a file of the mounted file system.  Returns a descriptor for writing, and in *ret_fd another one.
 * Once something was written to the file, closing the last descriptor of *ret_fd's open file description
 * hangs the process. */
int hanging_open_written(unsigned number, int *ret_fd);
