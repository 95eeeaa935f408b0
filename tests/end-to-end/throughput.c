/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pace threads|processes DIRECTORY BOARD [SLOW]: eight of them create and remove directories in DIRECTORY as
 * fast as they can.  Two such programs share the file BOARD.  The one with SLOW waits until both are at
 * work, lets a ninth of its own create the one directory SLOW, prints how many directories each program
 * created meanwhile, and how long that took, and ends both.  They compete for the same processors at the
 * same time, so that what else the machine does slows down both.  Exits 0 if each call succeeded. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAKERS 8
/* Each program creates so many first, so that its workers are there. */
#define WARM 200L

enum {
        CONTROL,
        BESIDE,
};

/* All of them share this. */
static struct Board {
        atomic_long made[2];
        atomic_int failures;
        atomic_bool slow_is_over;
        atomic_bool over;
} * board;
static const char *slow;

static void fail(const char *name) {
        perror(name);
        atomic_fetch_add(&board->failures, 1);
}

static void *make(void *userdata) {
        const char *name = userdata;

        while (!board->over) {
                if (mkdir(name, 0755) < 0 || rmdir(name) < 0) {
                        fail(name);
                        break;
                }
                atomic_fetch_add(&board->made[slow ? BESIDE : CONTROL], 1);
        }
        return NULL;
}

static void *make_slow(void *userdata) {
        (void)userdata;
        if (mkdir(slow, 0755) < 0)
                fail(slow);
        board->slow_is_over = true;
        return NULL;
}

static void start(bool as_thread, void *(*function)(void *), void *argument) {
        pthread_t thread;
        pid_t pid;

        if (as_thread) {
                if (pthread_create(&thread, NULL, function, argument) != 0)
                        abort();
                return;
        }
        pid = fork();
        if (pid < 0)
                abort();
        if (pid == 0) {
                (void)function(argument);
                _exit(EXIT_SUCCESS);
        }
}

static void rest(void) {
        const struct timespec millisecond = {.tv_nsec = 1000000};

        (void)nanosleep(&millisecond, NULL);
}

static long now_msec(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int open_board(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (fd < 0 || ftruncate(fd, sizeof(*board)) < 0)
                return -1;
        board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        return board == MAP_FAILED ? -1 : 0;
}

static void measure(bool as_threads) {
        long begin, made[2];

        while ((board->made[CONTROL] < WARM || board->made[BESIDE] < WARM) && board->failures == 0)
                rest();
        begin = now_msec();
        for (int i = 0; i < 2; i++)
                made[i] = board->made[i];
        start(as_threads, make_slow, NULL);
        while (!board->slow_is_over && board->failures == 0)
                rest();
        for (int i = 0; i < 2; i++)
                made[i] = board->made[i] - made[i];
        printf("control %ld beside %ld slow %ld\n", made[CONTROL], made[BESIDE], now_msec() - begin);
        board->over = true;
}

int main(int argc, char **argv) {
        static char names[MAKERS][16];
        bool as_threads;

        if (argc < 4 || argc > 5 || open_board(argv[3]) < 0 || chdir(argv[2]) < 0)
                return 2;
        as_threads = strcmp(argv[1], "threads") == 0;
        slow = argv[4];
        for (int i = 0; i < MAKERS; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "%d-%d", (int)getpid(), i);
                start(as_threads, make, names[i]);
        }
        if (slow)
                measure(as_threads);
        while (!board->over && board->failures == 0)
                rest();
        board->over = true;
        while (wait(NULL) > 0)
                continue;
        return board->failures > 0;
}
