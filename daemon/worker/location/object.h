/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The identity of a directory: what the ledger notes of it, so that a successor can tell whether it holds
 * the same one. */

#include <stdbool.h>

#include "common/ledger.h"

/* Reads which directory fd is, and on which mount it was opened, without asking the server of its file
 * system.  fd may be O_PATH.  Where the file system refuses that to this process (FUSE, to another user)
 * ret->ino is 0 and ret->mount_id is known all the same.  Returns 0, -ENOTDIR or another negative errno. */
int object_read(int fd, LedgerObject *ret);

/* Adds the file handle, by which object_open() finds the object again; none where there are none. */
void object_read_handle(int fd, LedgerObject *object);

/* Are both the same object?  An unknown one is none. */
bool object_equal(const LedgerObject *a, const LedgerObject *b);

/* Opens the very object again, by its handle, below a directory on the same file system that is open for
 * reading.  Needs CAP_DAC_READ_SEARCH.  Returns 0 and the caller's O_PATH fd, -ESTALE where the object is no
 * more or the handle is another's, or another negative errno. */
int object_open(int mount_fd, const LedgerObject *object, int *ret_fd);
