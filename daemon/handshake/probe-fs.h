/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The probe: a small tmpfs for one launcher, mounted nowhere, so that no rule is about it.  The launcher has
 * to create a directory in its root before it is supervised.  A launcher that is restricted by landlock(7),
 * or by another security module that does not let it create directories just anywhere, cannot - and would
 * gain by supervision, for such rules do not bind the worker that acts for it.
 *
 * Each launcher has its own, so that what one leaves there takes no room from another.  A launcher may mount
 * on it (Linux 6.15), and unmounting that may take as long as it likes: only the child that made it may
 * close it. */

#include <stdbool.h>

typedef struct ProbeFs {
        int mount_fd; /* keeps it */
        int dir_fd;   /* its root, for the launcher */
} ProbeFs;

#define PROBE_FS_NONE ((ProbeFs){.mount_fd = -EBADF, .dir_fd = -EBADF})

/* Creates one; takes about 16 us.  Needs CAP_SYS_ADMIN.  Returns 0 or a negative errno.  probe_fs_close()
 * closes what is there of it. */
int probe_fs_new(ProbeFs *ret);
void probe_fs_close(ProbeFs *probe_fs);

/* Has the directory PROTOCOL_PROOF been created there? */
bool probe_fs_is_passed(const ProbeFs *probe_fs);
