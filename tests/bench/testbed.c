/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The environment of the benchmark.  Must leave nothing behind outside of its namespaces. */

#include "testbed.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77 /* for meson */

void testbed_write(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        if (!file || fputs(text, file) < 0 || fclose(file) != 0)
                err(1, "%s", path);
}

/* Bind-mounts a program: unprivileged users may have no access to the build tree. */
static const char *program_bring(const char *from, const char *to) {
        testbed_write(to, "");
        if (mount(from, to, NULL, MS_BIND, NULL) < 0)
                err(1, "cannot bind %s", from);
        return to;
}

static void make_namespaces(void) {
        int status;
        pid_t pid;

        if (geteuid() != 0) {
                (void)puts("needs root");
                exit(SKIPPED);
        }
        if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
                err(1, "unshare");
        pid = fork();
        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                return;
        }
        if (waitpid(pid, &status, 0) < 0)
                err(1, "waitpid");
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void testbed_enter(Programs *programs) {
        make_namespaces();
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
                mount("tmpfs", TESTBED, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0 ||
                mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
                err(1, "mount");
        (void)umask(022);
        programs->snotifyd = program_bring(programs->snotifyd, TESTBED "/snotifyd");
        programs->snotify_run = program_bring(programs->snotify_run, TESTBED "/snotify-run");
        programs->workload = program_bring(programs->workload, TESTBED "/workload");
        programs->nothing = program_bring(programs->nothing, TESTBED "/nothing");
        programs->ordinary = program_bring(programs->ordinary, TESTBED "/ordinary");
        if (chdir("/") < 0)
                err(1, "/");
}

void testbed_start_journal(void) {
        const struct sockaddr_un address = {
                .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        static char record[1 << 16];
        int fd;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0 ||
                bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                err(1, "%s", address.sun_path);
        if (fork() == 0)
                for (;;)
                        (void)recv(fd, record, sizeof(record), 0);
        (void)close(fd);
}

pid_t testbed_start_daemon(const Programs *programs, const char *config, const char *socket_path) {
        struct stat st;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                (void)execl(programs->snotifyd, programs->snotifyd, "--config", config, "--socket",
                        socket_path, "--log-target=journal", NULL);
                err(1, "%s", programs->snotifyd);
        }
        for (int i = 0; i < 1000 && stat(socket_path, &st) < 0; i++)
                (void)usleep(5000);
        if (pid < 0 || stat(socket_path, &st) < 0)
                errx(1, "the daemon did not start");
        return pid;
}
