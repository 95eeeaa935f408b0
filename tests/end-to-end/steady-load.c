/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* steady OPEN SHUT PAUSE: makes a directory of a new name in OPEN and removes it, every PAUSE microseconds,
 * and after each eighth tries to make one in SHUT, until SIGTERM.  Says "slow BEGIN END" of each call that
 * took 20 ms or longer, in microseconds of CLOCK_REALTIME, says "wrong NAME ERROR" of one that had not the
 * result that it should have had, and at the end
 *
 *   SESSION ALLOWED DENIED LONGEST
 *
 * where ALLOWED and DENIED are how many it made and was denied with EPERM, and LONGEST is the longest call's
 * time.  Exits 0 if none was wrong. */

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
