/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processes compete for the same directories.
 *
 * race FILE TREE ALL MINE REST PATHS: MINE processes create a tree of so many directories below TREE, each
 * as mkdir -p does: path by path, component by component.  Together with those of other races that share
 * FILE there are ALL of them.  They wait for each other now and then, so that none leads for long, and count
 * in FILE what each has created.  After each wait these MINE rest for up to REST microseconds: a process
 * that is not supervised is faster than the others.  Prints how many directories they have created.
 *
 * race FILE: prints the result: how many directories were created by one process, how many by more than one,
 * how many processes have created any, and how many calls failed that should not have. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Path number 0132 in base 4 is 0/1/3/2: many paths have their first components in common. */
#define BASE 4
#define DEPTH 4
#define DIRECTORIES 1024 /* more than there are: 4 + 16 + 64 + 256, see make_path() */
#define PROCESSES_MAX 64
#define HEAT 10 /* paths from one wait to the next */

static struct Shared {
        atomic_int processes;
        atomic_int ready; /* grows from heat to heat */
        atomic_int failures;
        atomic_int makers[DIRECTORIES]; /* how many processes have created it */
        atomic_int made[PROCESSES_MAX]; /* how many directories it has created */
} * shared;

static int shared_open(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (fd < 0 || ftruncate(fd, sizeof(*shared)) < 0)
                return -1;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        return shared == MAP_FAILED ? -1 : 0;
}

/* Returns how many directories it created.  The number of a directory is its digits with a 1 before them. */
static int make_path(int path) {
        char name[2 * DEPTH + 1] = "";
        int number = 1, made = 0;

        for (int i = 0, divisor = BASE * BASE * BASE; i < DEPTH; i++, divisor /= BASE) {
                int digit = path / divisor % BASE;

                number = number * BASE + digit;
                name[2 * i] = (char)('0' + digit);
                if (mkdir(name, 0755) == 0) {
                        atomic_fetch_add(&shared->makers[number], 1);
                        made++;
                } else if (errno != EEXIST) {
                        perror(name);
                        atomic_fetch_add(&shared->failures, 1);
                }
                name[2 * i + 1] = '/';
        }
        return made;
}

static void begin_heat(int heat, int all, int rest_usec) {
        atomic_fetch_add(&shared->ready, 1);
        while (shared->ready < all * (heat + 1))
                (void)sched_yield();
        (void)usleep((useconds_t)(rest_usec / 4 * (heat % 5)));
}

static void run(int all, int rest_usec, int paths, atomic_int *total) {
        int self = atomic_fetch_add(&shared->processes, 1), made = 0;

        if (self >= PROCESSES_MAX)
                abort();
        for (int path = 0; path < paths; path++) {
                if (path % HEAT == 0)
                        begin_heat(path / HEAT, all, rest_usec);
                made += make_path(path);
        }
        shared->made[self] = made;
        atomic_fetch_add(total, made);
}

static int race(int all, int mine, int rest_usec, int paths) {
        atomic_int *total =
                mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (total == MAP_FAILED)
                return 2;
        for (int i = 0; i < mine; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        return 2;
                if (pid == 0) {
                        run(all, rest_usec, paths, total);
                        _exit(EXIT_SUCCESS);
                }
        }
        while (wait(NULL) > 0)
                continue;
        printf("%d\n", *total);
        return 0;
}

static int show(void) {
        int once = 0, often = 0, makers = 0;

        for (int i = 0; i < DIRECTORIES; i++) {
                once += shared->makers[i] == 1;
                often += shared->makers[i] > 1;
        }
        for (int i = 0; i < PROCESSES_MAX; i++)
                makers += shared->made[i] > 0;
        printf("once %d often %d failures %d makers %d\n", once, often, shared->failures, makers);
        return 0;
}

int main(int argc, char **argv) {
        if ((argc != 2 && argc != 7) || shared_open(argv[1]) < 0)
                return 2;
        if (argc == 2)
                return show();
        return chdir(argv[2]) < 0 ? 2 : race(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]));
}
