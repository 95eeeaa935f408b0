/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* throughput threads|processes DIRECTORY FILE [SLOW]: compares the throughput of two sessions.  Each of the
 * two runs this program, whose eight threads or processes create and remove directories in DIRECTORY as fast
 * as they can; both programs share FILE.  The one with SLOW waits until both are at work, starts a ninth
 * thread or process that creates the directory SLOW, prints how many directories each program created
 * meanwhile and how long that took, and ends both.  They run at the same time, so that other load on the
 * machine slows down both.  Exits 0 if each call succeeded. */

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
/* Each program first creates this many, so that its session has its workers. */
#define WARM 200L

enum {
        CONTROL,
        BESIDE,
};

/* Shared by all threads and processes of both programs. */
static struct Shared {
        atomic_long made[2];
        atomic_int failures;
        atomic_bool slow_is_over;
        atomic_bool over;
} * shared;
static const char *slow;

static void fail(const char *name) {
        perror(name);
        atomic_fetch_add(&shared->failures, 1);
}

static void *make(void *userdata) {
        const char *name = userdata;

        while (!shared->over) {
                if (mkdir(name, 0755) < 0 || rmdir(name) < 0) {
                        fail(name);
                        break;
                }
                atomic_fetch_add(&shared->made[slow ? BESIDE : CONTROL], 1);
        }
        return NULL;
}

static void *make_slow(void *userdata) {
        (void)userdata;
        if (mkdir(slow, 0755) < 0)
                fail(slow);
        shared->slow_is_over = true;
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

static int shared_open(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (fd < 0 || ftruncate(fd, sizeof(*shared)) < 0)
                return -1;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        return shared == MAP_FAILED ? -1 : 0;
}

static void measure(bool as_threads) {
        long begin, made[2];

        while ((shared->made[CONTROL] < WARM || shared->made[BESIDE] < WARM) && shared->failures == 0)
                rest();
        begin = now_msec();
        for (int i = 0; i < 2; i++)
                made[i] = shared->made[i];
        start(as_threads, make_slow, NULL);
        while (!shared->slow_is_over && shared->failures == 0)
                rest();
        for (int i = 0; i < 2; i++)
                made[i] = shared->made[i] - made[i];
        printf("control %ld beside %ld slow %ld\n", made[CONTROL], made[BESIDE], now_msec() - begin);
        shared->over = true;
}

int main(int argc, char **argv) {
        static char names[MAKERS][16];
        bool as_threads;

        if (argc < 4 || argc > 5 || shared_open(argv[3]) < 0 || chdir(argv[2]) < 0)
                return 2;
        as_threads = strcmp(argv[1], "threads") == 0;
        slow = argv[4];
        for (int i = 0; i < MAKERS; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "%d-%d", (int)getpid(), i);
                start(as_threads, make, names[i]);
        }
        if (slow)
                measure(as_threads);
        while (!shared->over && shared->failures == 0)
                rest();
        shared->over = true;
        while (wait(NULL) > 0)
                continue;
        return shared->failures > 0;
}
