/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The main process's side of a row.  Owns the pipe to the row's process. */

#include "row.h"

#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

#define NOBODY 65534

static void make_directories(const Row *row, char *path, size_t size, unsigned number) {
        static const char *const below[] = {"", "/a", "/a/b"};
        char name[256];

        if (strcmp(row->kind, "denied") == 0)
                (void)snprintf(path, size, TESTBED "/denied");
        else
                (void)snprintf(path, size, TESTBED "/%u", number);
        for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
                (void)snprintf(name, sizeof(name), "%s%s", path, below[i]);
                if (mkdir(name, 0755) < 0)
                        err(1, "%s", name);
                if (row->start == START_SNOTIFY_AS_USER && chown(name, NOBODY, NOBODY) < 0)
                        err(1, "%s", name);
        }
}

static void become_nobody(void) {
        const gid_t groups[] = {NOBODY, 60001};

        if (setgroups(2, groups) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                setresuid(NOBODY, NOBODY, NOBODY) < 0)
                err(1, "cannot become an unprivileged user");
}

/* Executes the workload's command by the command that starts it natively or supervised. */
__attribute__((noreturn)) static void execute(
        const Row *row, const Programs *programs, const char *socket_path, char **workload) {
        const char *before[8] = {};
        char *argv[16];
        size_t n = 0;

        switch (row->start) {
        case START_NATIVE:
                break;
        case START_BARE:
                supervisor_run(SUPERVISOR_BARE, workload);
        case START_REFERENCE:
                supervisor_run(SUPERVISOR_REFERENCE, workload);
        case START_SNOTIFY_AS_USER:
                become_nobody();
                __attribute__((fallthrough));
        case START_SNOTIFY:
                memcpy(before, (const char *[]){programs->snotify_run, "--socket", socket_path, "--"},
                        4 * sizeof(*before));
                break;
        case START_STRACE:
                memcpy(before,
                        (const char *[]){
                                "strace", "-f", "--seccomp-bpf", "-etrace=mkdir,mkdirat", "-o", "/dev/null"},
                        6 * sizeof(*before));
                break;
        case START_PROOT:
                memcpy(before, (const char *[]){"proot"}, sizeof(*before));
                break;
        }
        while (before[n]) {
                argv[n] = (char *)(uintptr_t)before[n];
                n++;
        }
        do
                argv[n++] = *workload;
        while (*workload++);
        (void)execvp(argv[0], argv);
        err(1, "%s", argv[0]);
}

static void row_fork(
        Row *row, const Programs *programs, const char *socket_path, int samples_fd, char *directory) {
        char command[16], samples[16];
        char *workload[] = {(char *)(uintptr_t)programs->workload, command, samples,
                (char *)(uintptr_t)row->kind, directory, NULL};
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
                err(1, "socketpair");
        (void)snprintf(command, sizeof(command), "%d", ends[1]);
        (void)snprintf(samples, sizeof(samples), "%d", samples_fd);
        pid = fork();
        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                (void)close(ends[0]);
                execute(row, programs, socket_path, workload);
        }
        (void)close(ends[1]);
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC); /* the next rows' processes must not inherit it */
        row->command_fd = ends[0];
}

/* Does the row's program start here?  Some kernels forbid what it needs. */
static bool is_present(const Row *row) {
        if (row->start == START_STRACE)
                return system("strace -o /dev/null true >/dev/null 2>&1") == 0;
        if (row->start == START_PROOT)
                return system("proot true >/dev/null 2>&1") == 0;
        return true;
}

void row_start(Row *row, const Programs *programs, const char *socket_path, unsigned number) {
        char directory[128];
        int samples_fd;

        row->absent = !is_present(row);
        if (row->absent)
                return;
        make_directories(row, directory, sizeof(directory), number);
        samples_fd = memfd_create("samples", 0);
        if (samples_fd < 0 || ftruncate(samples_fd, sizeof(Batch)) < 0)
                err(1, "memfd");
        row->batch = mmap(NULL, sizeof(Batch), PROT_READ | PROT_WRITE, MAP_SHARED, samples_fd, 0);
        if (row->batch == MAP_FAILED)
                err(1, "mmap");
        row_fork(row, programs, socket_path, samples_fd, directory);
        (void)close(samples_fd);
}

void row_warm_up(Row *row, uint32_t n) {
        uint32_t done;

        if (row->absent)
                return;
        if (write(row->command_fd, &n, sizeof(n)) != sizeof(n) ||
                read(row->command_fd, &done, sizeof(done)) != sizeof(done))
                errx(1, "%s: its process ended", row->name);
        if (row->batch->n_wrong > 0)
                errx(1, "%s: a call returned what it should not: %s", row->name,
                        strerror(row->batch->wrong));
}

void row_run(Row *row, uint32_t n) {
        if (row->absent)
                return;
        row_warm_up(row, n);
        for (uint32_t i = 0; i < n; i++)
                samples_add(&row->samples, row->batch->ns[i]);
}
