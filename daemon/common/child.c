/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks workers and vetting children.  Owns nothing.  Run by the daemon up to the fork, by the child after
 * it.  Must never let an fd of another session through. */

#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHILD_KEEP_MAX 8U

/* Closes what lies between the fds to keep; they are few.  Not one more fd is needed for it, and it can't
 * fail halfway. */
static void close_others(const int *keep, size_t n_keep) {
        unsigned from = STDERR_FILENO + 1;

        for (;;) {
                unsigned next = ~0U;

                for (size_t i = 0; i < n_keep; i++)
                        if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
                                next = (unsigned)keep[i];
                if (next > from && syscall(SYS_close_range, from, next - 1, 0) < 0)
                        _exit(EXIT_FAILURE); /* Linux 5.9 has it: only a filter can forbid it */
                if (next == ~0U)
                        return;
                from = next + 1;
        }
}

/* The daemon reads signals from a file descriptor and has no handlers: only what it blocks has to be undone.
 */
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

/* The socket tells of its peer's end by SIGIO, for which F_SETSIG puts another signal (fcntl(2)).  The
 * kernel compares the uids of the process that called F_SETOWN (sigio_perm() in fs/fcntl.c): that is this
 * one, while it is still root. */
static int hang_on_line(int line_fd) {
        struct pollfd fd = {.fd = line_fd};

        if (fcntl(line_fd, F_SETSIG, SIGKILL) < 0 || fcntl(line_fd, F_SETOWN, getpid()) < 0 ||
                fcntl(line_fd, F_SETFL, O_ASYNC | O_NONBLOCK) < 0)
                return -errno;
        /* The end may have come before. */
        return poll(&fd, 1, 0) == 0 ? 0 : -EPIPE;
}

pid_t child_fork_on_line(const char *name, const int *keep, size_t n_keep, int *ret_line_fd) {
        int ends[2], kept[CHILD_KEEP_MAX + 1];
        pid_t pid;

        assert(n_keep <= CHILD_KEEP_MAX);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        for (size_t i = 0; i < n_keep; i++)
                kept[i] = keep[i];
        kept[n_keep] = ends[1];
        pid = child_fork(name, kept, n_keep + 1);
        if (pid == 0) {
                if (hang_on_line(ends[1]) < 0)
                        _exit(EXIT_FAILURE);
                return 0;
        }
        (void)close(ends[1]);
        if (pid < 0)
                (void)close(ends[0]);
        else
                *ret_line_fd = ends[0];
        return pid;
}
