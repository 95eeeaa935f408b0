/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that is measured: creates a directory and measures that, then removes it.  Runs natively or
 * under the supervisor that has started it, and does the same in both cases. */

#include "workload.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

typedef struct Kind {
        const char *name;
        const char *path; /* appended to the directory's own if it begins with a slash */
        int error;        /* the expected errno of mkdir() */
        bool is_answered; /* without effect: the workload then creates the directory by an unsupervised call
                           */
        bool by_dirfd;
        bool by_newcomer; /* each call is the first of a new process */
} Kind;

static const Kind kinds[] = {
        {.name = "relative", .path = "d"},
        {.name = "absolute", .path = "/a/b/d"},
        {.name = "dirfd", .path = "d", .by_dirfd = true},
        {.name = "below", .path = "a/b/d"},
        {.name = "denied", .path = "d", .error = EPERM},
        {.name = "newcomer", .path = "d", .by_newcomer = true},
        {.name = "answered", .path = "d", .is_answered = true},
        {.name = "answered newcomer", .path = "d", .by_newcomer = true, .is_answered = true},
};

static Batch *batch;
static char path[PATH_MAX];
static int dirfd = AT_FDCWD;

static void call_once(const Kind *kind, uint32_t *ret_ns) {
        uint64_t start, end;
        int r;

        start = clock_ns();
        r = kind->by_dirfd ? mkdirat(dirfd, path, 0777) : mkdir(path, 0777);
        end = clock_ns();
        if ((r < 0 ? errno : 0) != kind->error) {
                batch->n_wrong++;
                batch->wrong = r < 0 ? errno : 0;
        }
        *ret_ns = (uint32_t)(end - start);
}

static void call_by_newcomer(const Kind *kind, uint32_t *ret_ns) {
        pid_t pid = fork();

        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                call_once(kind, ret_ns);
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
}

/* Every kind has this loop, so that every call finds the caches as the others find them. */
static void run_batch(const Kind *kind, uint32_t n) {
        for (uint32_t i = 0; i < n; i++) {
                if (kind->by_newcomer)
                        call_by_newcomer(kind, &batch->ns[i]);
                else
                        call_once(kind, &batch->ns[i]);
                if (kind->is_answered && mkdirat(dirfd, path, 0777) < 0)
                        err(1, "%s", path);
                (void)unlinkat(dirfd, path, AT_REMOVEDIR);
        }
}

static const Kind *kind_find(const char *name) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        errx(1, "no such kind: %s", name);
}

/* Enters the directory in which the calls are made.  A caller by dirfd stays in the root directory. */
static void settle(const Kind *kind, const char *directory) {
        (void)snprintf(path, sizeof(path), "%s%s", kind->path[0] == '/' ? directory : "", kind->path);
        if (kind->by_dirfd) {
                dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (dirfd < 0)
                        err(1, "%s", directory);
        } else if (chdir(directory) < 0)
                err(1, "%s", directory);
}

int main(int argc, char **argv) {
        int command_fd, samples_fd;
        const Kind *kind;
        uint32_t n;

        if (argc != 5)
                errx(1, "run by the benchmark");
        command_fd = atoi(argv[1]);
        samples_fd = atoi(argv[2]);
        kind = kind_find(argv[3]);
        batch = mmap(NULL, sizeof(*batch), PROT_READ | PROT_WRITE, MAP_SHARED, samples_fd, 0);
        if (batch == MAP_FAILED)
                err(1, "mmap");
        settle(kind, argv[4]);
        while (read(command_fd, &n, sizeof(n)) == sizeof(n) && n <= BATCH_MAX) {
                run_batch(kind, n);
                if (write(command_fd, &n, sizeof(n)) != sizeof(n))
                        break;
        }
        return 0;
}
