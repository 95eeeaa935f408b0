/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures the memory of a daemon.  Run by the main process. */

#include "memory.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSIONS 100
#define SOCKET TESTBED "/memory-socket"

struct MemoryTest {
        const Programs *programs;
        pid_t daemon_pid;
        int idle_fd; /* the sessions' stdin */
        double fresh_kib;
        double half_kib;
};

static double read_rollup(pid_t pid, const char *key) {
        char name[64], line[256];
        size_t length = strlen(key);
        double kib = -1;
        FILE *file;

        (void)snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", pid);
        file = fopen(name, "re");
        if (!file)
                err(1, "%s", name);
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, key, length) == 0 && line[length] == ':')
                        kib = strtod(line + length + 1, NULL);
        (void)fclose(file);
        if (kib < 0)
                errx(1, "%s says nothing of %s", name, key);
        return kib;
}

/* What a session adds is heap.  The rest of the PSS depends on what else runs on the machine. */
static double read_heap(pid_t pid) {
        return read_rollup(pid, "Pss_Anon");
}

static bool is_acceptor(int pid) {
        char name[64], comm[32] = "";
        FILE *file;

        (void)snprintf(name, sizeof(name), "/proc/%d/comm", pid);
        file = fopen(name, "re");
        if (!file)
                return false;
        (void)!fgets(comm, sizeof(comm), file);
        (void)fclose(file);
        return strcmp(comm, "snotifyd-accept\n") == 0;
}

/* Except for the acceptor, which always runs. */
static bool has_children(pid_t pid) {
        char name[64];
        bool found = false;
        FILE *file;
        int child;

        (void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
        file = fopen(name, "re");
        if (!file)
                err(1, "%s", name);
        while (!found && fscanf(file, "%d", &child) == 1)
                found = !is_acceptor(child);
        (void)fclose(file);
        return found;
}

static void wait_for_idleness(const MemoryTest *test) {
        for (int i = 0; i < 150 && has_children(test->daemon_pid); i++)
                (void)usleep(100000);
        if (has_children(test->daemon_pid))
                errx(1, "the workers of idle sessions don't leave");
}

static void start_session(const MemoryTest *test) {
        const Programs *programs = test->programs;
        pid_t pid;

        pid = fork();
        if (pid < 0)
                err(1, "fork");
        if (pid == 0) {
                (void)dup2(test->idle_fd, STDIN_FILENO);
                (void)execl(programs->snotify_run, programs->snotify_run, "--socket", SOCKET, "--",
                        programs->nothing, "wait", NULL);
                err(1, "%s", programs->snotify_run);
        }
}

static unsigned count_ledgers(pid_t pid, double *ret_kib);

static void start_sessions(const MemoryTest *test, unsigned n_total) {
        double unused;

        for (int i = 0; i < SESSIONS; i++)
                start_session(test);
        for (int i = 0; i < 1000 && count_ledgers(test->daemon_pid, &unused) < n_total; i++)
                (void)usleep(10000);
        if (count_ledgers(test->daemon_pid, &unused) != n_total)
                errx(1, "there should be %u sessions", n_total);
}

MemoryTest *memory_begin(const Programs *programs, const char *config) {
        MemoryTest *test = calloc(1, sizeof(*test));
        int ends[2];

        if (!test || pipe2(ends, O_CLOEXEC) < 0)
                err(1, "memory");
        *test = (MemoryTest){.programs = programs, .idle_fd = ends[0]};
        test->daemon_pid = testbed_start_daemon(programs, config, SOCKET);
        (void)usleep(100000);
        test->fresh_kib = read_rollup(test->daemon_pid, "Pss");
        start_sessions(test, SESSIONS);
        return test;
}

void memory_go_on(MemoryTest *test) {
        wait_for_idleness(test);
        test->half_kib = read_heap(test->daemon_pid);
        start_sessions(test, 2 * SESSIONS);
}

/* How many ledgers the daemon has, and how many pages they take. */
static unsigned count_ledgers(pid_t pid, double *ret_kib) {
        char name[64], target[64];
        struct dirent *entry;
        struct stat st;
        unsigned n = 0;
        DIR *dir;

        *ret_kib = 0;
        (void)snprintf(name, sizeof(name), "/proc/%d/fd", pid);
        dir = opendir(name);
        if (!dir)
                err(1, "%s", name);
        while ((entry = readdir(dir))) {
                ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

                target[length < 0 ? 0 : length] = '\0';
                if (strstr(target, "snotify-ledger") && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0) {
                        n++;
                        *ret_kib += (double)st.st_blocks / 2;
                }
        }
        (void)closedir(dir);
        return n;
}

void memory_end(MemoryTest *test, Memory *ret) {
        double ledgers_kib;

        wait_for_idleness(test);
        (void)count_ledgers(test->daemon_pid, &ledgers_kib);
        *ret = (Memory){
                .daemon_kib = test->fresh_kib,
                .session_kib = (read_heap(test->daemon_pid) - test->half_kib) / SESSIONS,
                .ledger_kib = ledgers_kib / (2 * SESSIONS),
        };
        free(test);
}
