/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* signal-storm DIRECTORY THREADS CALLS PERIOD restart|interrupt: each thread creates CALLS directories of
 * its own while a timer sends it a signal every PERIOD microseconds.  The signal's handler restarts system
 * calls or interrupts them.  Prints how the calls ended, in one line of "NAME NUMBER": "wrong" counts those
 * after which the directory did not match the call's result; "interrupted" is per 10,000 calls. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

/* The C library of Debian 12 lacks this name. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static long n_calls, period_usec;
static atomic_long signals, made, interrupted, existed, others, wrong;

static void on_alarm(int signal) {
        (void)signal;
        atomic_fetch_add(&signals, 1);
}

static timer_t begin_storm(void) {
        const struct timespec period = {period_usec / 1000000, period_usec % 1000000 * 1000};
        const struct itimerspec when = {.it_interval = period, .it_value = period};
        struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
        timer_t timer;

        event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
        if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &when, NULL) < 0)
                abort();
        return timer;
}

static atomic_long *outcome(int r) {
        if (r == 0)
                return &made;
        return errno == EINTR ? &interrupted : errno == EEXIST ? &existed : &others;
}

static void *make(void *userdata) {
        timer_t timer = begin_storm();
        char name[64];

        for (long i = 0; i < n_calls; i++) {
                int r;

                (void)snprintf(name, sizeof(name), "%s-%ld", (const char *)userdata, i);
                r = mkdir(name, 0755);
                atomic_fetch_add(outcome(r), 1);
                if ((rmdir(name) == 0) != (r == 0))
                        atomic_fetch_add(&wrong, 1);
        }
        (void)timer_delete(timer);
        return NULL;
}

int main(int argc, char **argv) {
        struct sigaction action = {.sa_handler = on_alarm};
        static char names[THREADS_MAX][16];
        pthread_t threads[THREADS_MAX];
        struct timespec begin, end;
        int n_threads;

        if (argc != 6 || chdir(argv[1]) < 0)
                return 2;
        n_threads = atoi(argv[2]);
        n_calls = atol(argv[3]);
        period_usec = atol(argv[4]);
        if (n_threads < 1 || n_threads > THREADS_MAX || n_calls < 1 || period_usec < 1)
                return 2;
        action.sa_flags = strcmp(argv[5], "restart") == 0 ? SA_RESTART : 0;
        if (sigaction(SIGALRM, &action, NULL) < 0)
                return 2;

        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int i = 0; i < n_threads; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "%d-%d", (int)getpid(), i);
                if (pthread_create(&threads[i], NULL, make, names[i]) != 0)
                        return 2;
        }
        for (int i = 0; i < n_threads; i++)
                (void)pthread_join(threads[i], NULL);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);

        printf("made %ld EINTR %ld EEXIST %ld other %ld wrong %ld signals %ld interrupted %ld msec %ld\n",
                made, interrupted, existed, others, wrong, signals,
                interrupted * 10000 / (n_threads * n_calls),
                (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
        return 0;
}
