/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the unit tests share: checks for forked children, which must never return into cmocka, and waits with
 * a timeout.  cmocka's own assertions are for the test's own process alone. */

/* <cmocka.h> needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang's; gcc defines __SANITIZE_ADDRESS__ */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif

/* What `meson test` takes for "skipped". */
#define EXIT_SKIP 77

/* How long anything may take on a busy machine.  Only a test that fails waits that long. */
#define PATIENCE_SEC 30

/* At the beginning of main() of a test that installs filters: skips it where tests/run has found that the
 * kernel does not. */
static inline void harness_need_filters(void) {
        const char *why = getenv("SNOTIFY_NO_FILTERS");

        if (!why || *why == '\0')
                return;
        (void)printf("1..0 # SKIP %s\n", why);
        exit(EXIT_SKIP);
}

#define CHECK(condition)                                                                                    \
        do {                                                                                                \
                if (!(condition)) {                                                                         \
                        (void)fprintf(stderr, "%s:%d: in a child: %s\n", __FILE__, __LINE__, #condition);   \
                        _exit(EXIT_FAILURE);                                                                \
                }                                                                                           \
        } while (0)

#define CHECK_INT(got, expected)                                                                            \
        do {                                                                                                \
                long long _got = (long long)(got), _expected = (long long)(expected);                       \
                if (_got != _expected) {                                                                    \
                        (void)fprintf(stderr, "%s:%d: in a child: %s is %lld, not %lld\n", __FILE__,        \
                                __LINE__, #got, _got, _expected);                                           \
                        _exit(EXIT_FAILURE);                                                                \
                }                                                                                           \
        } while (0)

/* Waits until pid changes its state, as waitpid(2) with flags does.  Returns false where it doesn't in time.
 * SIGCHLD must be blocked: harness_init(). */
static inline bool harness_wait(pid_t pid, int flags, int *ret_status) {
        const struct timespec patience = {.tv_sec = PATIENCE_SEC};
        sigset_t child;

        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        for (;;) {
                pid_t r = waitpid(pid, ret_status, flags | WNOHANG);

                if (r == pid)
                        return true;
                if (r < 0 && errno != EINTR)
                        return false;
                if (r == 0 && sigtimedwait(&child, NULL, &patience) < 0 && errno == EAGAIN)
                        return false;
        }
}

/* Kills and reaps the process, unless pid is 0 or less. */
static inline void harness_kill(pid_t pid) {
        int status;

        if (pid <= 0)
                return;
        (void)kill(pid, SIGKILL);
        (void)harness_wait(pid, 0, &status);
}

/* Of the test's process, in a child. */
static int harness_parent_fd = -EBADF;

/* Forks a child that doesn't outlive the test, as long as it keeps its credentials.  Returns as fork(2)
 * does. */
static inline pid_t harness_fork(void) {
        int parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        pid_t parent = getpid(), pid = fork();

        if (pid == 0) {
                harness_parent_fd = parent_fd;
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(EXIT_FAILURE);
        } else
                (void)close(parent_fd);
        return pid;
}

/* In a child, whatever its credentials: waits to be killed, or for the test's end. */
__attribute__((noreturn)) static inline void harness_stay(void) {
        struct pollfd pollfd = {.fd = harness_parent_fd, .events = POLLIN};

        while (poll(&pollfd, 1, -1) < 0)
                ;
        _exit(EXIT_FAILURE);
}

/* Starts a child that prepares itself, where CHECK() may fail, and then stays.  Returns once it is ready. */
static inline pid_t harness_start(void (*prepare)(const void *), const void *argument) {
        int fds[2];
        pid_t pid;
        char byte;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = harness_fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (prepare)
                        prepare(argument);
                CHECK_INT(write(fds[1], "", 1), 1);
                harness_stay();
        }
        (void)close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        (void)close(fds[0]);
        return pid;
}

/* Runs function in a new child, in which it may use CHECK(), and asserts that no check failed. */
static inline void harness_run(void (*function)(const void *), const void *argument) {
        pid_t pid = harness_fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                function(argument);
                _exit(EXIT_SUCCESS);
        }
        if (!harness_wait(pid, 0, &status)) {
                harness_kill(pid);
                fail_msg("a child hangs");
        }
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

/* Whether unshare(2) takes flags and, with CLONE_NEWNS, the root directory is a mount that can be made
 * private. The kernel refuses the first in a chroot with CLONE_NEWUSER, the second where a chroot's root is
 * a mere directory, and a container may refuse all of it. */
static inline bool harness_can_unshare(int flags) {
        pid_t pid = harness_fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(unshare(flags) < 0 ||
                        ((flags & CLONE_NEWNS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0));
        assert_true(harness_wait(pid, 0, &status));
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Skips a test of cmocka's that needs that. */
static inline void harness_need_unshare(int flags) {
        if (harness_can_unshare(flags))
                return;
        print_message("skipped: cannot make a namespace of its own here, as in a chroot\n");
        skip();
}

/* main() must call this first. */
static inline void harness_init(void) {
        sigset_t child;

        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        (void)sigprocmask(SIG_BLOCK, &child, NULL);
}
