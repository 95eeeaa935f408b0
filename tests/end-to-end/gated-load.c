/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gated-load DIRECTORY GO DONE END: waits until the test opens the FIFO GO, creates 100 directories in
 * DIRECTORY from 4 threads, appends a line to the file DONE, and ends when the test opens the FIFO END.
 * Exits 0 if each call succeeded. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 4
#define EACH 25

static void *make(void *userdata) {
        static char good;
        char name[32];

        for (int i = 0; i < EACH; i++) {
                (void)snprintf(name, sizeof(name), "%c-%d", *(const char *)userdata, i);
                if (mkdir(name, 0755) < 0) {
                        perror(name);
                        return NULL;
                }
        }
        return &good;
}

static void wait_for_gate(const char *gate) {
        int fd = open(gate, O_RDONLY | O_CLOEXEC);

        if (fd < 0) {
                perror(gate);
                exit(EXIT_FAILURE);
        }
        (void)close(fd);
}

int main(int argc, char **argv) {
        char names[THREADS] = {'a', 'b', 'c', 'd'};
        pthread_t threads[THREADS];
        int failures = 0, fd;
        void *result;

        if (argc != 5 || chdir(argv[1]) < 0)
                return 2;
        wait_for_gate(argv[2]);
        for (int i = 0; i < THREADS; i++)
                if (pthread_create(&threads[i], NULL, make, &names[i]) != 0)
                        return 2;
        for (int i = 0; i < THREADS; i++) {
                (void)pthread_join(threads[i], &result);
                failures += !result;
        }
        fd = open(argv[3], O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd < 0 || write(fd, "done\n", 5) != 5)
                return 2;
        (void)close(fd);
        wait_for_gate(argv[4]);
        return failures > 0;
}
