/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the machine.  Run by the daemon.  A Host owns its fds and its table of subordinate user IDs. */

#include "host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"
#include "session/cgroups.h"

int host_check_kernel(Report *report) {
        int r = notify_check_sizes();

        if (r == -E2BIG)
                (void)report_line(report, REPORT_ERROR,
                        "the seccomp notifications of this kernel are larger than this snotifyd expects; "
                        "update snotify");
        else if (r < 0 || !notify_can_wait_killable()) {
                r = -EOPNOTSUPP;
                (void)report_line(report, REPORT_ERROR,
                        "this kernel lacks SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV; snotify needs Linux 5.19 "
                        "or later");
        }
        return r;
}

/* Paths are judged as the host sees them, but systemd may have given the daemon a mount namespace of its
 * own: PID 1 has the host's root.  Where the kernel does not let the daemon open that, as in some
 * containers, its own root has to do: then all calls of a target that sees another tree are denied. */
static int open_root(Report *report) {
        int fd = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                return fd;
        (void)report_line(report, REPORT_NOTE,
                "cannot open /proc/1/root: %s; judging paths as snotifyd sees them", strerror(errno));
        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int host_open(Report *report, Host *ret) {
        int fd;

        fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (fd < 0)
                return -errno;
        ret->daemon_fd = fd;
        fd = open_root(report);
        if (fd < 0)
                return fd;
        ret->root_fd = fd;
        ret->cgroups_fd = cgroups_open(report);
        return 0;
}

void host_close(Host *host) {
        fd_close(host->daemon_fd);
        fd_close(host->root_fd);
        fd_close(host->cgroups_fd);
        subordinate_ids_done(&host->subordinates);
        *host = HOST_NONE;
}

void host_read_subordinates(Host *host, Report *report) {
        int r;

        subordinate_ids_done(&host->subordinates);
        host->subordinates = (SubordinateIds){};
        r = subordinate_ids_read("/etc/subuid", "/etc/passwd", &host->subordinates);
        if (r < 0)
                (void)report_line(report, REPORT_WARNING,
                        "cannot read /etc/subuid or /etc/passwd: %s; the limits per user do not count "
                        "what a user starts by subordinate user IDs",
                        strerror(-r));
}

void host_report_missing_sync(Host *host, Report *report) {
        if (host->said_sync_is_missing)
                return;
        host->said_sync_is_missing = true;
        (void)report_line(report, REPORT_FEATURE_MISSING,
                "this kernel lacks SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (Linux 6.6): supervised calls "
                "take several times longer");
}
