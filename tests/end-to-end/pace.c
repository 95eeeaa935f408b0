/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pace threads|processes DIRECTORY SLOW: eight of them make and remove directories in DIRECTORY as fast as
 * they can, some rounds alone and then some beside a ninth, which makes the one directory SLOW.  Prints the
 * median of how many each kind of rounds made per second, and how long the ninth took.  Exits 0 if each call
 * succeeded and the last round was over before the ninth's call was. */

#include <errno.h>
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
#define ROUNDS 7
#define ROUND_MSEC 300L
#define SETTLE_MSEC 200L

/* All of them share this. */
static struct Board {
        atomic_long made;
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
                atomic_fetch_add(&board->made, 1);
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

static void rest(long msec) {
        const struct timespec ts = {msec / 1000, msec % 1000 * 1000000};

        (void)nanosleep(&ts, NULL);
}

static long now_usec(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int compare(const void *a, const void *b) {
        const long *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Returns the median of what is made in one second. */
static long measure(void) {
        long rates[ROUNDS];

        for (int i = 0; i < ROUNDS; i++) {
                long begin = now_usec(), made = board->made;

                rest(ROUND_MSEC);
                rates[i] = (board->made - made) * 1000000 / (now_usec() - begin);
        }
        qsort(rates, ROUNDS, sizeof(rates[0]), compare);
        return rates[ROUNDS / 2];
}

int main(int argc, char **argv) {
        static char names[MAKERS][16];
        long alone, beside, begin;
        bool as_threads, in_time;

        if (argc != 4 || chdir(argv[2]) < 0)
                return 2;
        as_threads = strcmp(argv[1], "threads") == 0;
        slow = argv[3];
        board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (board == MAP_FAILED)
                return 2;

        for (int i = 0; i < MAKERS; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "%d-%d", (int)getpid(), i);
                start(as_threads, make, names[i]);
        }
        rest(SETTLE_MSEC);
        alone = measure();
        begin = now_usec();
        start(as_threads, make_slow, NULL);
        rest(SETTLE_MSEC);
        beside = measure();
        in_time = !board->slow_is_over;
        while (!board->slow_is_over && board->failures == 0)
                rest(1);
        printf("alone %ld beside %ld slow %ld\n", alone, beside, (now_usec() - begin) / 1000);
        board->over = true;
        while (wait(NULL) > 0)
                continue;
        return !in_time || board->failures > 0;
}
