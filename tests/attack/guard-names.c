/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of 255 bytes that differ in one, which changes while the call is judged.  Other processes create the
 * allowed name all the time: a guard that keeps the name of a call where another one's can be written in
 * between (the kernel may preempt it) compares the wrong one.
 *
 *      guard-names list TREE    prints the paths that the rules are to deny
 *      guard-names TREE CALLS   makes CALLS calls for each position of that byte
 *
 * Exits with 1 if a denied directory was created, with 2 if for no position there were calls that were
 * allowed and calls that were refused. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_LENGTH 255U

/* At the ends of the name, and of pieces by which a guard may compare it. */
static const unsigned positions[] = {0, 63, 64, 254};
#define N_POSITIONS (sizeof(positions) / sizeof(positions[0]))

static const char *tree;

static char *path_of(unsigned position, char byte) {
        size_t length = strlen(tree);
        char *path = malloc(length + 1 + NAME_LENGTH + 1);

        if (!path)
                exit(255);
        memcpy(path, tree, length);
        path[length] = '/';
        memset(path + length + 1, 'n', NAME_LENGTH);
        path[length + 1 + position] = byte;
        path[length + 1 + NAME_LENGTH] = '\0';
        return path;
}

__attribute__((noreturn)) static void *flip_for_ever(void *argument) {
        volatile char *byte = argument;

        for (;;) {
                *byte = 's';
                *byte = 'o';
        }
}

static void die_with_parent(void) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                _exit(254);
}

/* Of the allowed name alone. */
__attribute__((noreturn)) static void create_for_ever(unsigned position) {
        const char *path = path_of(position, 'o');

        die_with_parent();
        for (;;) {
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        _exit(254);
                (void)rmdir(path);
        }
}

/* Exits as the program does. */
__attribute__((noreturn)) static void race(unsigned position, unsigned long calls) {
        char *path = path_of(position, 'o');
        const char *allowed = path_of(position, 'o'), *denied = path_of(position, 's');
        unsigned long created = 0, refused = 0;
        pthread_t thread;

        die_with_parent();
        if (pthread_create(&thread, NULL, flip_for_ever, path + strlen(tree) + 1 + position) != 0)
                _exit(255);
        for (unsigned long n = 0; n < calls; n++) {
                int error = mkdir(path, 0755) < 0 ? errno : 0;

                if (error != 0 && error != EEXIST && error != EPERM)
                        _exit(error);
                refused += error == EPERM;
                created += error == 0;
                if (rmdir(denied) == 0)
                        _exit(1);
                (void)rmdir(allowed);
        }
        _exit(created == 0 || refused == 0 ? 2 : 0);
}

static int run(unsigned long calls) {
        pid_t others[N_POSITIONS], callers[N_POSITIONS];
        int status, worst = 2;

        for (unsigned i = 0; i < N_POSITIONS; i++) {
                others[i] = fork();
                if (others[i] == 0)
                        create_for_ever(positions[i]);
                callers[i] = fork();
                if (callers[i] == 0)
                        race(positions[i], calls);
        }
        for (unsigned i = 0; i < N_POSITIONS; i++) {
                if (waitpid(callers[i], &status, 0) != callers[i])
                        return 255;
                status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
                (void)printf("byte %u: status %d\n", positions[i], status);
                if (status == 1 || (worst == 2 && status == 0) || (worst != 1 && status != 0 && status != 2))
                        worst = status;
        }
        for (unsigned i = 0; i < N_POSITIONS; i++)
                (void)kill(others[i], SIGKILL);
        return worst;
}

int main(int argc, char **argv) {
        bool list = argc == 3 && strcmp(argv[1], "list") == 0;

        if (argc != 3)
                return 255;
        tree = list ? argv[2] : argv[1];
        if (!list)
                return run(strtoul(argv[2], NULL, 10));
        for (unsigned i = 0; i < N_POSITIONS; i++)
                (void)puts(path_of(positions[i], 's'));
        return 0;
}
