/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A workload that held its own listener could answer its own calls, and a workload that traced an
 * unsupervised process could create directories through it.  The launcher holds a listener for a moment, the
 * daemon and its children hold one all the time, and a helper takes on the workload's own uid.
 *
 *      steal-listener search                 looks for a listener among its own descriptors
 *      steal-listener open CALLS DIRECTORY   creates and removes DIRECTORY/x that often, while a thread
 * tries everything that gives access to another process (ptrace, pidfd_getfd, process_vm_readv, /proc) on
 * each process outside the session; prints what it got steal-listener seize CALLS DIRECTORY  the same, but
 * only PTRACE_SEIZE, on the youngest process, as fast as it can: for processes that are accessible for a
 * moment steal-listener kill CALLS DIRECTORY   the same as open, but sends SIGKILL; prints what it killed
 *
 * Exits with 1 if it got access, with an errno if a call failed. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int has_access;
static atomic_ulong tries;
static const char *how;

static void report_access(const char *what, pid_t pid) {
        char path[64], comm[32] = "?";
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        file = fopen(path, "re");
        if (file) {
                if (fscanf(file, "%31[^\n]", comm) != 1)
                        (void)strcpy(comm, "a process that has exited");
                (void)fclose(file);
        }
        (void)printf("%s of %s\n", what, comm);
        (void)fflush(stdout);
        atomic_store(&has_access, 1);
}

static int is_listener(int fd) {
        char path[64], target[64] = "";

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "seccomp") != NULL;
}

static int search(void) {
        int n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += is_listener(fd);
        return n > 0;
}

static void try_files(pid_t pid) {
        static const char *const names[] = {"fd", "mem", "cwd/.", "root/.", "exe", "map_files", "environ"};
        char path[64];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                int fd;

                (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
                fd = open(path, strcmp(names[i], "mem") == 0 ? O_RDWR : O_RDONLY);
                if (fd < 0)
                        continue;
                /* Every user may open it; reading it takes access to the process. */
                if (strcmp(names[i], "environ") != 0 || read(fd, path, 1) > 0)
                        report_access(names[i], pid);
                (void)close(fd);
        }
}

static void try_fds(pid_t pid) {
        int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

        for (int fd = 0; pid_fd >= 0 && fd < 16; fd++) {
                int copy_fd = (int)syscall(SYS_pidfd_getfd, pid_fd, fd, 0);

                if (copy_fd < 0)
                        continue;
                report_access(is_listener(copy_fd) ? "a listener" : "an fd", pid);
                (void)close(copy_fd);
        }
        (void)close(pid_fd);
}

static void try_trace(pid_t pid, int request) {
        if (ptrace((enum __ptrace_request)request, pid, NULL, NULL) < 0)
                return;
        report_access("seized, the memory", pid);
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void try_memory(pid_t pid) {
        char byte;
        struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};

        /* EFAULT: access was granted, but nothing is mapped there. */
        if (process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0 || errno == EFAULT)
                report_access("the memory", pid);
}

static void try_all(pid_t pid) {
        atomic_fetch_add(&tries, 1);
        if (strcmp(how, "kill") == 0) {
                if (kill(pid, SIGKILL) == 0)
                        report_access("the death", pid);
                return;
        }
        try_trace(pid, PTRACE_SEIZE);
        if (strcmp(how, "seize") == 0)
                return;
        try_trace(pid, PTRACE_ATTACH);
        try_fds(pid);
        try_memory(pid);
        try_files(pid);
}

/* Is it a process of this session: a thread of this one, or its parent? */
static int is_ours(pid_t pid) {
        static pid_t first;
        char path[64];
        struct stat st;

        if (first == 0)
                first = getpid();
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d", first, pid);
        return pid <= 0 || pid == getppid() || stat(path, &st) == 0;
}

static int is_snotify(pid_t pid) {
        char path[64], comm[8] = "";
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        (void)!read(fd, comm, sizeof(comm) - 1);
        (void)close(fd);
        return strncmp(comm, "snotify", 7) == 0;
}

static void try_each_process(void) {
        DIR *dir = opendir("/proc");
        struct dirent *entry;

        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                pid_t pid = atoi(entry->d_name);

                if (!is_ours(pid) && is_snotify(pid))
                        try_all(pid);
        }
        (void)closedir(dir);
}

__attribute__((noreturn)) static void *try_all_the_time(void *unused) {
        int last_fd = open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC);
        char text[16];

        (void)unused;
        for (unsigned turn = 0;; turn++) {
                ssize_t n = pread(last_fd, text, sizeof(text) - 1, 0);

                text[n > 0 ? n : 0] = '\0';
                if (!is_ours(atoi(text)))
                        try_all(atoi(text));
                if (strcmp(how, "seize") != 0 && turn % 64 == 0)
                        try_each_process();
        }
}

int main(int argc, char **argv) {
        pthread_t thread;
        char path[4096];

        if (argc == 2 && strcmp(argv[1], "search") == 0)
                return search();
        if (argc != 4)
                return 255;
        how = argv[1];
        (void)snprintf(path, sizeof(path), "%s/x", argv[3]);
        if (pthread_create(&thread, NULL, try_all_the_time, NULL) != 0)
                return 255;
        for (unsigned long n = strtoul(argv[2], NULL, 10); n > 0; n--)
                if (mkdir(path, 0755) < 0 || rmdir(path) < 0) {
                        int error = errno;

                        perror(path);
                        return error;
                }
        (void)printf("%lu tries\n", atomic_load(&tries));
        return atomic_load(&has_access);
}
