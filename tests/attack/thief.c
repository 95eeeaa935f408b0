/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who holds the listener answers for himself, and who traces a process that nobody supervises makes what he
 * likes through it.  A listener is in the launcher for a moment, and in the daemon and its children; some of
 * these take the thief's own uid to do his work.
 *
 *      thief search                looks for a listener among its own fds, which it may have inherited
 *      thief rob CALLS DIRECTORY   makes and removes DIRECTORY/x so often, while a thread tries whatever
 * opens another process to each that is not of the session; says what it got thief seize CALLS DIRECTORY the
 * same, but only seizes, only whoever is the youngest, and fast: for processes that are open for a moment
 *      thief kill CALLS DIRECTORY  the same, but sends each SIGKILL; it says whom that reached
 *
 * Ends with 1 if something was got, with an errno if a call failed. */

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

static atomic_int loot;
static atomic_ulong tries;
static const char *how;

static void got(const char *what, pid_t pid) {
        char path[64], comm[32] = "?";
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        file = fopen(path, "re");
        if (file) {
                if (fscanf(file, "%31[^\n]", comm) != 1)
                        (void)strcpy(comm, "nobody");
                (void)fclose(file);
        }
        (void)printf("%s of %s\n", what, comm);
        (void)fflush(stdout);
        atomic_store(&loot, 1);
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
                /* It opens for everybody, and then has nothing to read. */
                if (strcmp(names[i], "environ") != 0 || read(fd, path, 1) > 0)
                        got(names[i], pid);
                (void)close(fd);
        }
}

static void try_fds(pid_t pid) {
        int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

        for (int fd = 0; pid_fd >= 0 && fd < 16; fd++) {
                int copy_fd = (int)syscall(SYS_pidfd_getfd, pid_fd, fd, 0);

                if (copy_fd < 0)
                        continue;
                got(is_listener(copy_fd) ? "a listener" : "an fd", pid);
                (void)close(copy_fd);
        }
        (void)close(pid_fd);
}

static void try_trace(pid_t pid, int request) {
        if (ptrace((enum __ptrace_request)request, pid, NULL, NULL) < 0)
                return;
        got("seized, the memory", pid);
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void try_memory(pid_t pid) {
        char byte;
        struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};

        /* EFAULT: it would have let us, had anything been there. */
        if (process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0 || errno == EFAULT)
                got("the memory", pid);
}

static void try_all(pid_t pid) {
        atomic_fetch_add(&tries, 1);
        if (strcmp(how, "kill") == 0) {
                if (kill(pid, SIGKILL) == 0)
                        got("the death", pid);
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

/* The session's own processes are no prey: us, and who started us, up to the launcher's process. */
static int is_ours(pid_t pid) {
        static pid_t first; /* of the test's: the daemon is older */
        char path[64];
        struct stat st;

        if (first == 0)
                first = getpid();
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d", first, pid);
        return pid <= 0 || pid == getppid() || stat(path, &st) == 0;
}

static int is_prey(pid_t pid) {
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

static void rob_all(void) {
        DIR *dir = opendir("/proc");
        struct dirent *entry;

        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                pid_t pid = atoi(entry->d_name);

                if (!is_ours(pid) && is_prey(pid))
                        try_all(pid);
        }
        (void)closedir(dir);
}

__attribute__((noreturn)) static void *rob(void *unused) {
        int last_fd = open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC);
        char text[16];

        (void)unused;
        for (unsigned turn = 0;; turn++) {
                ssize_t n = pread(last_fd, text, sizeof(text) - 1, 0);

                text[n > 0 ? n : 0] = '\0';
                if (!is_ours(atoi(text)))
                        try_all(atoi(text));
                if (strcmp(how, "seize") != 0 && turn % 64 == 0)
                        rob_all();
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
        if (pthread_create(&thread, NULL, rob, NULL) != 0)
                return 255;
        for (unsigned long n = strtoul(argv[2], NULL, 10); n > 0; n--)
                if (mkdir(path, 0755) < 0 || rmdir(path) < 0) {
                        int error = errno;

                        perror(path);
                        return error;
                }
        (void)printf("%lu tries\n", atomic_load(&tries));
        return atomic_load(&loot);
}
