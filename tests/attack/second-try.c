/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* second-try DIRECTORY PAGE: mounts a tmpfs on DIRECTORY in its own user and mount namespace, and calls
 * mkdir() in it.  Makes the process that performs the call hang, unmounts the tmpfs, and kills that process:
 * the worker that repeats the call finds the directory below the mount under the same path.  To make the
 * process hang, another process holds the directory's lock: it calls getdents64() into a page of PAGE, a
 * file whose contents never arrive.  Prints the result of mkdir(); exits with 2 if a step before that
 * fails. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char name[4096];

static void fail(const char *what) {
        (void)fprintf(stderr, "second-try: %s: %s\n", what, strerror(errno));
        exit(2);
}

static void read_file(const char *format, int pid, char *ret, size_t size) {
        char path[64];
        ssize_t n;
        int fd;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(path, sizeof(path), format, pid);
#pragma GCC diagnostic pop
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, ret, size - 1);
        ret[n < 0 ? 0 : n] = '\0';
        (void)close(fd);
}

/* Without supervision the caller itself performs the call, and hangs. */
static int caller;

static bool hangs(int pid) {
        char text[512];
        const char *state;

        read_file("/proc/%d/stat", pid, text, sizeof(text));
        state = strrchr(text, ')');
        return state && state[1] == ' ' && state[2] == 'D';
}

static bool is_performer(int pid) {
        char comm[64];

        read_file("/proc/%d/comm", pid, comm, sizeof(comm));
        return (strcmp(comm, "snotifyd-helper\n") == 0 || pid == caller) && hangs(pid);
}

/* Returns the process that hangs in the directory, or 0. */
static int find_performer(void) {
        DIR *proc = opendir("/proc");
        const struct dirent *entry;
        int found = 0;

        while (proc && found == 0 && (entry = readdir(proc))) {
                int pid = atoi(entry->d_name);
                struct stat st;

                if (pid > 0 && fstatat(dirfd(proc), entry->d_name, &st, 0) == 0 && is_performer(pid))
                        found = pid;
        }
        (void)closedir(proc);
        return found;
}

static bool holds_lock(int pid) {
        char text[256];

        read_file("/proc/%d/syscall", pid, text, sizeof(text));
        return atoi(text) == SYS_getdents64 && text[0] != 'r';
}

static int start_holder(const char *directory, const char *page) {
        int pid = fork();

        if (pid == 0) {
                int directory_fd = open(directory, O_RDONLY | O_DIRECTORY), fd = open(page, O_RDONLY);
                void *buffer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

                if (directory_fd < 0 || buffer == MAP_FAILED)
                        fail(page);
                (void)syscall(SYS_getdents64, directory_fd, buffer, 4096);
                _exit(0);
        }
        return pid;
}

static int start_caller(void) {
        int pid = fork();

        if (pid == 0)
                _exit(mkdir(name, 0755) < 0 ? errno : 0);
        return pid;
}

int main(int argc, char **argv) {
        const struct timespec nap = {.tv_nsec = 1000000};
        int holder, performer = 0, status;

        if (argc != 3 || mount("tmpfs", argv[1], "tmpfs", 0, NULL) < 0)
                fail("a tmpfs");
        (void)snprintf(name, sizeof(name), "%s/x", argv[1]);
        holder = start_holder(argv[1], argv[2]);
        for (int i = 0; i < 10000 && !holds_lock(holder); i++)
                (void)nanosleep(&nap, NULL);
        if (!holds_lock(holder))
                fail("the directory's lock");
        caller = start_caller();
        for (int i = 0; i < 10000 && (performer = find_performer()) == 0; i++)
                (void)nanosleep(&nap, NULL);
        if (performer == 0)
                fail("the process that performs the call");
        if (umount2(argv[1], MNT_DETACH) < 0)
                fail("umount2");
        if (performer != caller && kill(performer, SIGKILL) < 0)
                fail("kill");
        (void)puts("answer");
        (void)fflush(stdout);
        (void)waitpid(holder, NULL, 0);
        if (waitpid(caller, &status, 0) < 0 || !WIFEXITED(status))
                fail("waitpid");
        (void)printf("%s\n", WEXITSTATUS(status) == 0 ? "0" : strerrorname_np(WEXITSTATUS(status)));
        return 0;
}
