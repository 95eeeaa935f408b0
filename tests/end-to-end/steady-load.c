/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* steady-load OPEN SHUT PAUSE: creates and removes a directory of a new name in OPEN every PAUSE
 * microseconds, and after each eighth tries to create one in SHUT, where a rule denies it, until SIGTERM.
 * Prints "slow BEGIN END" for each call that took 20 ms or longer, in microseconds of CLOCK_REALTIME,
 * "wrong NAME ERROR" for each call whose result was not the expected one, and at the end
 *
 *      SESSION ALLOWED DENIED LONGEST
 *
 * where ALLOWED is how many directories it created, DENIED how many calls failed with EPERM, and LONGEST the
 * duration of the longest call in microseconds.  Exits 0 if no call was wrong. */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLOW_USEC 20000L
#define DENIED_EVERY 8L

static volatile sig_atomic_t over;
static long longest_usec, n_wrong;

static void on_sigterm(int signal) {
        (void)signal;
        over = 1;
}

static long usec(clockid_t clock) {
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Returns whether the call had that result. */
static bool make(const char *name, int expected) {
        long begin = usec(CLOCK_MONOTONIC), took, end;
        int error = mkdir(name, 0755) < 0 ? errno : 0;

        took = usec(CLOCK_MONOTONIC) - begin;
        if (took > longest_usec)
                longest_usec = took;
        if (took >= SLOW_USEC) {
                end = usec(CLOCK_REALTIME);
                printf("slow %ld %ld\n", end - took, end);
        }
        if (error == 0 && rmdir(name) < 0)
                error = errno;
        if (error == expected)
                return true;
        printf("wrong %s %s\n", name, strerror(error));
        n_wrong++;
        return false;
}

int main(int argc, char **argv) {
        const struct sigaction action = {.sa_handler = on_sigterm, .sa_flags = SA_RESTART};
        const char *session = getenv("SNOTIFY_SESSION");
        long n_made = 0, n_denied = 0, pause_usec;
        char name[256];

        if (argc != 4 || sigaction(SIGTERM, &action, NULL) < 0)
                return 2;
        pause_usec = atol(argv[3]);
        for (long i = 0; !over; i++) {
                const struct timespec rest = {pause_usec / 1000000, pause_usec % 1000000 * 1000};

                (void)snprintf(name, sizeof(name), "%s/%d-%ld", argv[1], (int)getpid(), i);
                n_made += make(name, 0);
                if (i % DENIED_EVERY == 0) {
                        (void)snprintf(name, sizeof(name), "%s/%d-%ld", argv[2], (int)getpid(), i);
                        n_denied += make(name, EPERM);
                }
                (void)nanosleep(&rest, NULL);
        }
        printf("%s %ld %ld %ld\n", session ? session : "none", n_made, n_denied, longest_usec);
        return n_wrong > 0;
}
