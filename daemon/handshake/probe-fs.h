/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The probe: a small tmpfs for one launcher.  It is mounted nowhere, so that no rule is about it.  The
 * launcher has to create a directory in its root before it is supervised.  A launcher that landlock(7) or
 * another security module restricts cannot do that.  It would gain by supervision, because such rules do not
 * bind the worker that acts for it.
 *
 * Each launcher has its own, so that what one leaves there takes no room from another.  Since Linux 6.15 a
 * launcher can mount on it, and the unmounting may take as long as the launcher likes.  So only the
 * verifier that created the probe may close it.
 *
 * A launcher can keep its probe for as long as it keeps the descriptor: some 5 KB of kernel memory, and one
 * of 1048576 device numbers.  The daemon is not told when a launcher lets go, so there is no bound but on
 * how many descriptors a user may have. */

#include <stdbool.h>

typedef struct ProbeFs {
        int mount_fd; /* the mount, which goes with its last descriptor */
        int dir_fd;   /* its root directory, for the launcher */
} ProbeFs;

#define PROBE_FS_NONE ((ProbeFs){.mount_fd = -EBADF, .dir_fd = -EBADF})

/* Creates one, which takes about 16 us.  Needs CAP_SYS_ADMIN.  Returns 0 or a negative errno.
 * probe_fs_close() closes what there is of it. */
int probe_fs_new(ProbeFs *ret);
void probe_fs_close(ProbeFs *probe_fs);

/* What to append to the text of an error that probe_fs_new() returned: "", or what is missing. */
const char *probe_fs_remedy(int error);

/* Has the launcher created the directory PROTOCOL_PROBE_NAME there? */
bool probe_fs_is_passed(const ProbeFs *probe_fs);
