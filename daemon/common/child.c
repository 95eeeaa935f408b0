/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks the daemon's children: workers, the acceptor and verifiers.  Owns nothing.  Run by the daemon up to
 * the fork, and by the child after it.  Must never let an fd of another session through to a child. */

#include "common/child.h"

#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ownership.h"

/* Closes the ranges between the fds to keep, which are few.  Needs no fd for that, and cannot fail halfway.
 */
static void close_others(const int *keep, size_t n_keep) {
        unsigned from = STDERR_FILENO + 1;

        for (;;) {
                unsigned next = ~0U;

                for (size_t i = 0; i < n_keep; i++)
                        if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
                                next = (unsigned)keep[i];
                if (next > from && syscall(SYS_close_range, from, next - 1, 0) < 0)
                        _exit(EXIT_FAILURE); /* since Linux 5.9 only a seccomp filter can forbid it */
                if (next == ~0U)
                        return;
                from = next + 1;
        }
}

/* The daemon reads signals from a file descriptor and has no handlers.  A child only needs its signal mask
 * back. */
static void unblock_signals(void) {
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

pid_t child_fork(const char *name, const int *keep, size_t n_keep) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                unblock_signals();
                close_others(keep, n_keep);
                (void)prctl(PR_SET_NAME, name);
        }
        return pid;
}

static int reap(pid_t pid, int *ret_status) {
        while (waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

int child_wait(pid_t pid, int patience_msec, int *ret_status) {
        _cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd fd = {.fd = pid_fd, .events = POLLIN};
        int r;

        if (pid_fd < 0) /* no descriptor is left: wait for the child, however long that takes */
                return reap(pid, ret_status);
        do
                r = poll(&fd, 1, patience_msec);
        while (r < 0 && errno == EINTR);
        return r == 0 ? -ETIME : reap(pid, ret_status);
}
