/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /proc/self is the process that looks it up.  A supervisor that follows a target's path through /proc/self
 * reaches its own descriptors, working directory and root, and so gives the target access to them.
 *
 *      proc-self DIRECTORY   creates a directory through each such link, by each of its names, also through
 *                            descriptors that are closed here but may be open in the supervisor.  Prints the
 *                            errno of each call.  Removes each new directory by the same path; rmdir(2) is
 *                            not supervised, so that it finds only what the target's own path leads to.
 *
 * What it prints must be the same with supervision and without. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 64, OPEN_DIRECTORY = 40, OPEN_FILE = 41 };

static void try(int dir_fd, const char *said, const char *path) {
        int made = mkdirat(dir_fd, path, 0755), error = made < 0 ? errno : 0;
        int removed = made < 0 ? 0 : unlinkat(dir_fd, path, AT_REMOVEDIR);

        (void)printf("%s: %d%s\n", said, error, removed < 0 ? ", but not here" : "");
}

/* Tries the entries of a process's directory in /proc; before is the path to that directory. */
static void try_entries(int dir_fd, const char *said, const char *before) {
        static const char *const entries[] = {"cwd/x", "cwd/../x", "cwd/./x/", "root/x", "root/../x",
                "exe/x", "fd/x", "fdinfo/x", "ns/x", "ns/mnt/x", "attr/x", "task/x", "map_files/x", "net/x",
                "x", "../x", "fd/../cwd/x", "task/../cwd/x"};
        char path[256], text[256];

        for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", before, entries[i]);
                (void)snprintf(text, sizeof(text), "%s%s", said, entries[i]);
                try(dir_fd, text, path);
        }
        for (int fd = 0; fd < DESCRIPTORS; fd++) {
                (void)snprintf(path, sizeof(path), "%sfd/%d/x", before, fd);
                (void)snprintf(text, sizeof(text), "%sfd/%d/x", said, fd);
                try(dir_fd, text, path);
                (void)snprintf(path, sizeof(path), "%sfd/%d/../x", before, fd);
                (void)snprintf(text, sizeof(text), "%sfd/%d/../x", said, fd);
                try(dir_fd, text, path);
        }
}

int main(int argc, char **argv) {
        static const char *const names[] = {"/proc/self/", "/proc/thread-self/", "/proc/./self/../self/",
                "/proc/self/task/../", "to-self/"};
        char name[64];
        int dir_fd, fd;

        if (argc != 2 || chdir(argv[1]) < 0)
                return 255;
        (void)close_range(3, ~0U, 0);
        (void)unlink("to-self");
        if (symlink("/proc/self", "to-self") < 0)
                return 255;
        fd = open(".", O_RDONLY | O_DIRECTORY);
        if (dup2(fd, OPEN_DIRECTORY) < 0 || dup2(STDOUT_FILENO, OPEN_FILE) < 0)
                return 255;
        (void)close(fd);

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                try_entries(AT_FDCWD, names[i], names[i]);
        (void)snprintf(name, sizeof(name), "/proc/%d/", getpid());
        try_entries(AT_FDCWD, "/proc/PID/", name);
        (void)snprintf(name, sizeof(name), "/proc/%d/task/%ld/", getpid(), syscall(SYS_gettid));
        try_entries(AT_FDCWD, "/proc/PID/task/TID/", name);
        dir_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        try_entries(dir_fd, "fd of /proc/self: ", "");
        (void)close(dir_fd);
        dir_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        try_entries(dir_fd, "fd of /proc: self/", "self/");
        return unlink("to-self") < 0;
}
