/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The identity of a directory.  A worker notes it in the ledger.  If the worker dies, the worker that takes
 * over its call can tell whether a directory that it opens is the same one. */

#include <stdbool.h>

#include "common/ledger.h"

/* Reads the identity of the directory fd, except its handle, and the mount through which it was opened.  fd
 * may be O_PATH.  Does not ask the server of a file system.  A FUSE file system that belongs to another user
 * refuses to identify the directory: then ret->ino is 0, but ret->mount_id and the device are valid. Returns
 * 0, -ENOTDIR or another negative errno. */
int object_read(int fd, LedgerObject *ret);

/* Adds the file handle, by which object_open() finds the object again.  Leaves it empty if the file system
 * has no handles. */
void object_read_handle(int fd, LedgerObject *object);

/* Are both the same object?  An object that could not be identified (ino is 0) equals none. */
bool object_equal(const LedgerObject *a, const LedgerObject *b);

/* Opens the same object again, by its handle.  mount_fd is a directory of the mount to open it on, open for
 * reading.  Needs CAP_DAC_READ_SEARCH.  Returns 0 with the caller's O_PATH fd, -ESTALE if the object has no
 * handle, does not exist any more, or the handle leads to another object; or another negative errno. */
int object_open(int mount_fd, const LedgerObject *object, int *ret_fd);
