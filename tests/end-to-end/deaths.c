/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* deaths kill|exit|unmount DIRECTORY ROUNDS: what a process that creates directories leaves behind when it
 * dies.
 *
 * kill: a process creates directories in a loop and is killed.  After waitpid(2) has returned, this program
 * counts the directories, and again 20 ms later.
 *
 * exit: the same with a process that exits while its threads create directories.
 *
 * unmount: a process creates directories on a file system of its own and is killed.  After waitpid(2) has
 * returned, this program unmounts the file system.
 *
 * Prints "late N of ROUNDS": in how many rounds a directory appeared late, or the file system was busy.
 * Fails if more directories appear late than there are threads, or if the file system stays busy. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define AT_MOST_USEC 2000
#define LATE_MSEC 20
#define BUSY_MSEC_MAX 10000

static const char *directory;

static void sleep_usec(long usec) {
        const struct timespec pause = {.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000};

        (void)nanosleep(&pause, NULL);
}

static void fail(const char *what) {
        perror(what);
        exit(1);
}

/* Returns how many directories there are: on a tmpfs each is one link more. */
static long count(void) {
        struct stat st;

        if (stat(directory, &st) < 0)
                fail(directory);
        return (long)st.st_nlink - 2;
}

static void *make(void *thread) {
        char path[4096];

        for (unsigned n = 0;; n++) {
                (void)snprintf(path, sizeof(path), "%s/%u-%u", directory, (unsigned)(uintptr_t)thread, n);
                if (mkdir(path, 0700) < 0)
                        _exit(1);
        }
        return NULL;
}

/* Returns once the new process creates directories. */
static pid_t start(bool exits) {
        pid_t pid = fork();

        if (pid < 0)
                fail("fork");
        if (pid > 0) {
                while (count() == 0)
                        sleep_usec(100);
                return pid;
        }
        if (!exits)
                (void)make(NULL);
        for (uintptr_t n = 0; n < THREADS; n++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, make, (void *)n) != 0)
                        _exit(1);
        }
        while (count() == 0)
                sleep_usec(100);
        sleep_usec(random() % AT_MOST_USEC);
        _exit(0);
}

static void end(pid_t pid, bool exits) {
        int status;

        if (!exits) {
                sleep_usec(random() % AT_MOST_USEC);
                (void)kill(pid, SIGKILL);
        }
        if (waitpid(pid, &status, 0) < 0)
                fail("waitpid");
        if (exits ? status != 0 : !WIFSIGNALED(status)) {
                (void)fprintf(stderr, "the process ended with status %d\n", status);
                exit(1);
        }
}

static bool is_late(bool exits) {
        long more = count();

        sleep_usec(LATE_MSEC * 1000L);
        more = count() - more;
        if (more > (exits ? THREADS : 1)) {
                (void)fprintf(stderr, "%ld directories appeared late\n", more);
                exit(1);
        }
        return more > 0;
}

static bool is_busy(void) {
        for (int msec = 0; msec < BUSY_MSEC_MAX; msec++) {
                if (umount2(directory, 0) == 0)
                        return msec > 0;
                if (errno != EBUSY)
                        break;
                sleep_usec(1000);
        }
        fail("umount");
        return true;
}

int main(int argc, char **argv) {
        int rounds, n_late = 0;
        bool exits, unmounts;

        if (argc != 4)
                return 2;
        exits = strcmp(argv[1], "exit") == 0;
        unmounts = strcmp(argv[1], "unmount") == 0;
        directory = argv[2];
        rounds = atoi(argv[3]);
        for (int n = 0; n < rounds; n++) {
                srandom((unsigned)n);
                if (mount("tmpfs", directory, "tmpfs", 0, "mode=755") < 0)
                        fail("mount");
                end(start(exits), exits);
                if (unmounts)
                        n_late += is_busy();
                else {
                        n_late += is_late(exits);
                        (void)umount2(directory, MNT_DETACH);
                }
        }
        (void)printf("late %d of %d\n", n_late, rounds);
        return 0;
}
