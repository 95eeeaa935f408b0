/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes holes into the seccomp filters of threads that ask for one: a tracer with CAP_SYS_ADMIN can suspend
 * them.  Runs as root, outside of the session, and does what a defect of the filter would do.
 *
 *      guard-hole SOCKET   listens there until it is killed, and serves one client after the other */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard-hole.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

static int open_hole(pid_t tid) {
        return ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_SUSPEND_SECCOMP) < 0 ? errno : 0;
}

/* The thread waits for the answer meanwhile. */
static int close_hole(pid_t tid) {
        int status;

        if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || waitpid(tid, &status, __WALL) != tid)
                return errno;
        return ptrace(PTRACE_DETACH, tid, NULL, NULL) < 0 ? errno : 0;
}

static int number_next(pid_t tid) {
        int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC), error = 0;

        if (fd < 0 || dprintf(fd, "%d", tid - 1) < 0)
                error = errno;
        if (fd >= 0)
                (void)close(fd);
        return error;
}

static int obey(const HoleRequest *request) {
        switch (request->what) {
        case HOLE_OPEN:
                return open_hole(request->tid);
        case HOLE_CLOSE:
                return close_hole(request->tid);
        case HOLE_NEXT:
                return number_next(request->tid);
        default:
                return EINVAL;
        }
}

int main(int argc, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int listening_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 255;
        (void)strcpy(address.sun_path, argv[1]);
        (void)umask(0);
        if (bind(listening_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                listen(listening_fd, 16) < 0)
                return 255;
        for (;;) {
                int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC), error;
                HoleRequest request;

                while (read(fd, &request, sizeof(request)) == sizeof(request)) {
                        error = obey(&request);
                        if (write(fd, &error, sizeof(error)) != sizeof(error))
                                break;
                }
                (void)close(fd);
        }
}
