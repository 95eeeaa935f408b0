/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* guard-cost DIRECTORY N FILTERS: installs FILTERS seccomp filters that allow everything, creates and
 * removes N directories in DIRECTORY, and prints the median time of a mkdir() in nanoseconds. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int add_filter(void) {
        struct sock_filter instructions[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {2, instructions};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static long long nanoseconds(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int compare(const void *a, const void *b) {
        long long x = *(const long long *)a, y = *(const long long *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv) {
        int n = argc == 4 ? atoi(argv[2]) : 0;
        long long *samples = calloc((size_t)n + 1, sizeof(*samples)), begin;

        if (n <= 0 || !samples || chdir(argv[1]) < 0)
                return 2;
        for (int i = atoi(argv[3]); i > 0; i--)
                if (add_filter() < 0)
                        return 2;
        for (int i = 0; i < n; i++) {
                begin = nanoseconds();
                if (mkdir("cost", 0755) < 0) {
                        perror("mkdir");
                        return 1;
                }
                samples[i] = nanoseconds() - begin;
                if (rmdir("cost") < 0)
                        return 1;
        }
        qsort(samples, (size_t)n, sizeof(*samples), compare);
        (void)printf("%lld\n", samples[n / 2]);
        free(samples);
        return 0;
}
