/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Load generators, and a program that kills workers under their load.  They share counters in FILE, which
 * also says when the test is over.
 *
 *      kills make FILE DIRECTORY NUMBER REST   creates NUMBER-1, NUMBER-2 and so on in DIRECTORY, checks and
 *                                              removes each, and rests up to REST microseconds
 *      kills try FILE DIRECTORY NUMBER REST    the same, in DIRECTORY/A and DIRECTORY/B by turns; a call may
 *                                              be denied
 *      kills contend FILE DIRECTORY NUMBER     as make, while a competitor creates the same names
 *      kills compete FILE DIRECTORY NUMBER     the competitor: creates each name at the same time
 *      kills kill FILE DAEMON KILLS PERIOD     kills the daemon's workers and their helpers, one at random
 *                                              every PERIOD microseconds on average, until KILLS have died
 * of it; then ends the test kills over FILE                         ends the test kills show FILE prints the
 * counters, in one line of "NAME NUMBER"
 *
 * The counter "wrong" is of calls that failed, or whose directory was not as it should be; "poisoned" of
 * calls that failed with EIO because workers died over them; "both" of names that maker and competitor both
 * created according to their results, and "neither" of names that none of the two did. */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAKERS_MAX 64
#define PROCESSES_MAX 512
/* The histogram of durations: up to a second, in steps of 0.1 ms. */
#define STEPS 10000
#define STEP_USEC 100
/* About as long as a supervised call takes, so that neither side always wins. */
#define HEAD_START_USEC 120

static struct Shared {
        atomic_bool over;
        atomic_long workers, helpers; /* killed */
        atomic_long calls, made, poisoned, wrong;
        atomic_long both, neither;
        atomic_long longest_usec;
        atomic_long took[STEPS + 1];
        struct Contest {
                atomic_int round; /* the maker has begun this one */
                atomic_int tried; /* the competitor has tried this one... */
                atomic_int error; /* ... with this result */
        } contests[MAKERS_MAX];
} * shared;

static int shared_open(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (fd < 0 || ftruncate(fd, sizeof(*shared)) < 0)
                return -1;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        return shared == MAP_FAILED ? -1 : 0;
}

static long now_usec(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static long at_random(long below) {
        return below > 0 ? random() % below : 0;
}

static void note_time(long usec) {
        long longest = shared->longest_usec;

        atomic_fetch_add(&shared->took[usec / STEP_USEC < STEPS ? usec / STEP_USEC : STEPS], 1);
        while (usec > longest && !atomic_compare_exchange_weak(&shared->longest_usec, &longest, usec))
                continue;
}

static void complain(const char *name, const char *what) {
        (void)fprintf(stderr, "%s: %s\n", name, what);
        atomic_fetch_add(&shared->wrong, 1);
}

/* Checks and removes it, whether the maker or the competitor has created it. */
static void check_directory(const char *name) {
        struct stat st;

        if (lstat(name, &st) < 0)
                complain(name, "it does not exist");
        else if (st.st_mode != (S_IFDIR | 0750) || st.st_uid != geteuid() || st.st_gid != getegid())
                complain(name, "its owner or its mode is wrong");
        if (rmdir(name) < 0)
                complain(name, "it cannot be removed");
}

/* Returns 0 or an errno. */
static int make(const char *name) {
        long begin = now_usec();
        int error = mkdir(name, 0750) < 0 ? errno : 0;

        note_time(now_usec() - begin);
        atomic_fetch_add(&shared->calls, 1);
        if (error == 0)
                atomic_fetch_add(&shared->made, 1);
        else if (error == EIO)
                atomic_fetch_add(&shared->poisoned, 1);
        return error;
}

static void make_alone(const char *name) {
        int error = make(name);

        if (error == 0)
                check_directory(name);
        else if (error == EIO)
                (void)rmdir(name); /* a worker may have created it before it died */
        else
                complain(name, strerrorname_np(error));
}

static void try(const char *name) {
        int error = make(name);

        if (error == 0)
                check_directory(name);
        else if (error != EPERM)
                complain(name, strerrorname_np(error));
}

static void set_round(atomic_int *round, int number) {
        *round = number;
        (void)syscall(SYS_futex, round, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Waits until the round is another one than number, and returns it. */
static int wait_round(atomic_int *round, int number) {
        while (*round == number)
                (void)syscall(SYS_futex, round, FUTEX_WAIT, number, NULL, NULL, 0);
        return *round;
}

static void make_contended(const char *name, struct Contest *contest, int round) {
        int error;

        set_round(&contest->round, round);
        error = make(name);
        (void)wait_round(&contest->tried, round - 1);
        if (error != 0 && error != EEXIST && error != EIO)
                complain(name, strerrorname_np(error));
        if (error == 0 && contest->error == 0) {
                (void)fprintf(stderr, "%s: maker and competitor have both created it\n", name);
                atomic_fetch_add(&shared->both, 1);
        } else if (error == EEXIST && contest->error != 0)
                atomic_fetch_add(&shared->neither, 1);
        check_directory(name);
}

static int contend(int number) {
        struct Contest *contest = &shared->contests[number];
        char name[32];

        for (int round = 1; !shared->over; round++) {
                (void)snprintf(name, sizeof(name), "%d-%d", number, round);
                make_contended(name, contest, round);
        }
        set_round(&contest->round, -1);
        return 0;
}

static int make_until_over(int number, long rest_usec, bool may_fail) {
        char name[32];

        for (int round = 1; !shared->over; round++) {
                if (may_fail) {
                        (void)snprintf(name, sizeof(name), "%c/%d-%d", "AB"[round % 2], number, round);
                        try(name);
                } else {
                        (void)snprintf(name, sizeof(name), "%d-%d", number, round);
                        make_alone(name);
                }
                (void)usleep((useconds_t)at_random(rest_usec));
        }
        return 0;
}

static void spin(long usec) {
        long until = now_usec() + usec;

        while (now_usec() < until)
                continue;
}

static int compete(int number) {
        struct Contest *contest = &shared->contests[number];
        char name[32];

        for (int round = 0; (round = wait_round(&contest->round, round)) > 0;) {
                (void)snprintf(name, sizeof(name), "%d-%d", number, round);
                spin(at_random(HEAD_START_USEC));
                contest->error = mkdir(name, 0750) < 0 ? errno : 0;
                set_round(&contest->tried, round);
        }
        return 0;
}

/* Adds the parent's children of this name to the n pids.  Returns how many pids there are now. */
static int find_children(int parent, const char *name, int *pids, int n) {
        char path[64], comm[32];
        FILE *children, *file;
        int pid;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
        children = fopen(path, "re");
        while (children && n < PROCESSES_MAX && fscanf(children, "%d", &pid) == 1) {
                (void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
                file = fopen(path, "re");
                if (file && fscanf(file, "%31s", comm) == 1 && strcmp(comm, name) == 0)
                        pids[n++] = pid;
                if (file)
                        (void)fclose(file);
        }
        if (children)
                (void)fclose(children);
        return n;
}

/* Returns whether the process has died of this kill, and not before it. */
static bool kill_one(int pid) {
        struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
        bool died = fd.fd >= 0 && poll(&fd, 1, 0) == 0 &&
                    syscall(SYS_pidfd_send_signal, fd.fd, SIGKILL, NULL, 0) == 0;

        if (died && poll(&fd, 1, 10000) != 1)
                complain("kills", "a process that was killed does not die");
        if (fd.fd >= 0)
                (void)close(fd.fd);
        return died;
}

static int kill_many(int daemon, long kills, long period_usec) {
        int pids[PROCESSES_MAX], workers, n;

        while (shared->workers + shared->helpers < kills) {
                (void)usleep((useconds_t)at_random(2 * period_usec));
                if (kill(daemon, 0) < 0)
                        break;
                workers = n = find_children(daemon, "snotifyd-worker", pids, 0);
                for (int i = 0; i < workers; i++)
                        n = find_children(pids[i], "snotifyd-helper", pids, n);
                if (n > 0) {
                        int one = (int)at_random(n);

                        if (kill_one(pids[one]))
                                atomic_fetch_add(one < workers ? &shared->workers : &shared->helpers, 1);
                }
        }
        shared->over = true;
        return shared->workers + shared->helpers < kills;
}

static int show(void) {
        long sum = 0;
        int step = 0;

        while (step < STEPS && (sum += shared->took[step]) * 1000 < shared->calls * 999)
                step++;
        printf("calls %ld made %ld poisoned %ld wrong %ld both %ld neither %ld workers %ld helpers %ld "
               "usec999 %d "
               "longest "
               "%ld\n",
                shared->calls, shared->made, shared->poisoned, shared->wrong, shared->both, shared->neither,
                shared->workers, shared->helpers, (step + 1) * STEP_USEC, shared->longest_usec);
        return 0;
}

static bool is(const char *what, int argc, char **argv, int n) {
        return argc == n && strcmp(argv[1], what) == 0;
}

int main(int argc, char **argv) {
        int number = argc > 4 ? atoi(argv[4]) : 0;

        if (argc < 3 || shared_open(argv[2]) < 0 || number < 0)
                return 2;
        srandom((unsigned)getpid());
        if (is("show", argc, argv, 3))
                return show();
        if (is("over", argc, argv, 3)) {
                shared->over = true;
                return 0;
        }
        if (is("kill", argc, argv, 6))
                return kill_many(atoi(argv[3]), number, atol(argv[5]));
        if (argc < 5 || number >= MAKERS_MAX || chdir(argv[3]) < 0)
                return 2;
        if (is("make", argc, argv, 6))
                return make_until_over(number, atol(argv[5]), false);
        if (is("try", argc, argv, 6))
                return make_until_over(number, atol(argv[5]), true);
        if (is("contend", argc, argv, 5))
                return contend(number);
        return is("compete", argc, argv, 5) ? compete(number) : 2;
}
