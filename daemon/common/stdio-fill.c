/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Run by snotifyd and snotify-run.  The descriptors stay open until the process ends or, with O_CLOEXEC,
 * execs. */

#include "common/stdio-fill.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int stdio_fill(const char *path, int flags) {
        /* The lowest number that is free is the one that is missing, for those below it are open by then. */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open(path, flags) < 0)
                        return -errno;
        return 0;
}
