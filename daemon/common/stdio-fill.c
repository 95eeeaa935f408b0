/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens descriptors 0, 1 and 2 where they are closed.  Run by snotifyd and snotify-run.  The descriptors
 * stay open until the process ends or, with O_CLOEXEC, executes a program. */

#include "common/stdio-fill.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int stdio_fill(const char *path, int flags) {
        /* open() takes the lowest free number.  All below fd are open by then, so that this is fd. */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open(path, flags) < 0)
                        return -errno;
        return 0;
}
