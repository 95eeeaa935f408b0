/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the host.  Run by the daemon at start.  Owns nothing. */

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"

int host_check_kernel(Report *report) {
        int r = notify_check_sizes();

        if (r == -E2BIG)
                (void)report_line(report, REPORT_ERROR,
                        "this kernel's seccomp notifications are larger than this snotifyd knows; it needs "
                        "an update");
        else if (r < 0 || !notify_can_wait_killable()) {
                r = -EOPNOTSUPP;
                (void)report_line(report, REPORT_ERROR,
                        "this kernel lacks SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV; snotify needs Linux 5.19 "
                        "or later");
        }
        return r;
}

/* What is judged are the host's paths, and systemd may have given us a mount namespace of our own: PID 1's
 * root is the host's.  Where it may not be looked at, as in some containers, our own has to do: a target
 * that sees another tree is then denied everything. */
static int open_root(Report *report) {
        int fd = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                return fd;
        (void)report_line(report, REPORT_NOTE,
                "cannot open /proc/1/root: %s; judging paths as snotifyd sees them", strerror(errno));
        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int host_open(Report *report, int *ret_daemon_fd, int *ret_root_fd) {
        _cleanup_close_ int daemon_fd = -EBADF;
        int root_fd;

        daemon_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (daemon_fd < 0)
                return -errno;
        root_fd = open_root(report);
        if (root_fd < 0)
                return root_fd;
        *ret_daemon_fd = TAKE_FD(daemon_fd);
        *ret_root_fd = root_fd;
        return 0;
}
