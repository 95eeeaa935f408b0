/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A supervisor reads about the caller in /proc, and has access to every process.  In its own mount namespace
 * a workload can mount another process's entry over its own entry in a copy of /proc.  A supervisor that
 * takes that entry for the caller's follows links there that the caller itself must not follow.
 *
 *      forger HOW VICTIM DIRECTORY NAME
 *
 * mounts a copy of /proc at DIRECTORY/that, in which the caller's entry shows the process VICTIM, and calls
 * mkdirat() for NAME in that entry.  HOW is
 *
 *      entry    the entry of the caller's process is VICTIM's, except that its "status" is the caller's
 *      thread   the entry of the caller's thread, below its own process's, is VICTIM's
 *      fifo     the entry is the caller's own, except that "status" is a FIFO without a writer
 *      cwd      as entry; the call reaches the copy by the working directory instead of a descriptor
 *      show     as entry, without a call; prints the path, and waits until standard input ends
 *
 * Exits with the errno of the call, 0 if it created the directory. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(255);
}

static void cover(const char *what, const char *where) {
        must(mount(what, where, NULL, MS_BIND | MS_REC, NULL) == 0, where);
}

/* The path of the caller's entry, from the root of the copy of /proc. */
static void name_entry(const char *how, pid_t caller, char *ret, size_t size) {
        if (strcmp(how, "thread") == 0)
                (void)snprintf(ret, size, "%d/task/%d", caller, caller);
        else
                (void)snprintf(ret, size, "%d", caller);
}

static void forge(const char *how, pid_t caller, const char *victim, const char *directory) {
        char copy[PATH_MAX], entry[64], covered[2 * PATH_MAX], from[PATH_MAX];

        must(unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) == 0, "unshare");
        must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
        (void)snprintf(copy, sizeof(copy), "%s/that", directory);
        cover("/proc", copy);
        name_entry(how, caller, entry, sizeof(entry));
        (void)snprintf(covered, sizeof(covered), "%s/%s", copy, entry);
        (void)snprintf(from, sizeof(from), "/proc/%s", victim);
        if (strcmp(how, "fifo") != 0)
                cover(from, covered);
        (void)snprintf(covered, sizeof(covered), "%s/%s/status", copy, entry);
        (void)snprintf(from, sizeof(from), "/proc/%d/status", caller);
        if (strcmp(how, "fifo") == 0)
                (void)snprintf(from, sizeof(from), "%s/fifo", directory);
        cover(from, covered);
}

/* Starts a process in whose root directory the copy of /proc is.  Returns its pid. */
static pid_t start_forging(const char *how, const char *victim, const char *directory) {
        pid_t caller = getpid(), pid;
        int ends[2];
        char byte;

        must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
        pid = fork();
        must(pid >= 0, "fork");
        if (pid > 0) {
                (void)close(ends[1]);
                must(read(ends[0], &byte, 1) == 1, "what is forged");
                return pid;
        }
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        forge(how, caller, victim, directory);
        must(write(ends[1], "", 1) == 1, "pipe");
        for (;;)
                (void)pause();
}

int main(int argc, char **argv) {
        char copy[PATH_MAX], entry[64], path[PATH_MAX];
        int copy_fd, made;

        if (argc != 5)
                return 255;
        (void)snprintf(copy, sizeof(copy), "/proc/%d/root%s/that", start_forging(argv[1], argv[2], argv[3]),
                argv[3]);
        name_entry(argv[1], getpid(), entry, sizeof(entry));
        (void)snprintf(path, sizeof(path), "%s/%s", entry, argv[4]);
        if (strcmp(argv[1], "show") == 0) {
                (void)printf("%s/%s\n", copy, path);
                (void)fflush(stdout);
                return read(STDIN_FILENO, path, 1) != 0;
        }
        copy_fd = open(copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
        must(copy_fd >= 0, copy);
        if (strcmp(argv[1], "cwd") == 0) {
                must(fchdir(copy_fd) == 0, copy);
                copy_fd = AT_FDCWD;
        }
        made = mkdirat(copy_fd, path, 0755);
        return made < 0 ? errno : 0;
}
