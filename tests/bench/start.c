/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures how long a session takes to start.  Run by the main process. */

#include "start.h"

#include <err.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t start_once(const char *const *argv) {
        struct timespec began;
        uint64_t before;
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                err(1, "pipe");
        before = clock_ns();
        pid = fork();
        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                (void)dup2(ends[1], STDOUT_FILENO);
                (void)execv(argv[0], (char *const *)(uintptr_t)argv);
                err(1, "%s", argv[0]);
        }
        (void)close(ends[1]);
        if (read(ends[0], &began, sizeof(began)) != sizeof(began))
                errx(1, "%s did not start", argv[0]);
        (void)close(ends[0]);
        (void)waitpid(pid, NULL, 0);
        return (uint32_t)((uint64_t)began.tv_sec * 1000000000 + (uint64_t)began.tv_nsec - before);
}

void start_measure(
        const Programs *programs, const char *program, const char *socket_path, unsigned n, Start *ret) {
        const char *const bare[] = {program, NULL};
        const char *const supervised[] = {
                programs->snotify_run, "--socket", socket_path, "--", program, NULL};

        for (unsigned i = 0; i < n; i++) {
                /* Give the previous session's worker a moment to exit, and its record to be sent. */
                (void)usleep(2000);
                samples_add(&ret->bare, start_once(bare));
                (void)usleep(2000);
                samples_add(&ret->supervised, start_once(supervised));
        }
}
