/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many connections at once, or one after the other. */

#include "load.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connection.h"
#include "faults.h"
#include "hanging.h"

/* One of so many descriptors hangs the process that drops it. */
#define PILE_HANGING 64

static void hang_as(uid_t uid, int fd) {
        const ProtocolHello message = connection_hello("default");

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                fail("setresuid");
        connection_fd = connection_open();
        connection_send(&message, sizeof(message), NULL, 0);
        if (connection_receive() > 0 && connection_reply.verdict == PROTOCOL_WELCOME &&
                mkdirat(probe_fd, PROTOCOL_PROBE_NAME, 0700) == 0) {
                connection_send_fds(&fd, 1);
                (void)connection_receive();
        }
}

/* The processes that have the file open wait for the server's end: closing the file would hang them, too. */
int load_hang(unsigned n, char **uids) {
        int fd, ends[2], heard[2];
        unsigned started = 0;
        char byte;
        pid_t pid;

        fd = hanging_open(&pid);
        if (pipe2(ends, O_CLOEXEC) < 0 || pipe2(heard, O_CLOEXEC) < 0)
                fail("pipe");
        for (; *uids; uids++)
                for (unsigned i = 0; i < n; i++, started++)
                        if (fork() == 0) {
                                (void)close(ends[1]);
                                hang_as((uid_t)atoi(*uids), fd);
                                (void)!write(heard[1], "", 1);
                                (void)!read(ends[0], &byte, 1);
                                _exit(0);
                        }
        for (; started > 0 && read(heard[0], &byte, 1) == 1; started--)
                ;
        (void)puts("all");
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return 0;
}

int load_flood(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        uint64_t *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (counter == MAP_FAILED)
                fail(path);
        for (;;) {
                (void)close(connection_open());
                (*counter)++;
        }
}

/* First closes its own descriptor: after the write that would hang this process. */
static void send_hanging(unsigned number) {
        const ProtocolHello message = connection_hello("default");
        int fd, written_fd = hanging_open_written(number, &fd);

        connection_send(&message, sizeof(message), &fd, 1);
        (void)close(fd);
        (void)!write(written_fd, "", 1);
}

static void pile_as(uid_t uid, unsigned number) {
        const ProtocolHello message = connection_hello("default");
        int ends[2];

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
                prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || pipe2(ends, O_CLOEXEC) < 0)
                fail("setresuid");
        for (unsigned n = 0; n < number; n++) {
                connection_fd = connection_open();
                if (n % PILE_HANGING == 0)
                        send_hanging((unsigned)getpid() * 10000 + n / PILE_HANGING);
                else
                        connection_send(&message, sizeof(message), ends, 1);
                (void)close(connection_fd);
        }
}

/* The kernel also takes this limit for the number of a user's descriptors in sockets. */
static void raise_fd_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("getrlimit");
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int load_pile(unsigned n, char **uids) {
        unsigned started = 0;
        int done[2];
        char byte;

        raise_fd_limit();
        (void)hanging_mount();
        if (pipe2(done, O_CLOEXEC) < 0)
                fail("pipe");
        for (; *uids; uids++, started++)
                if (fork() == 0) {
                        pile_as((uid_t)atoi(*uids), n);
                        (void)!write(done[1], "", 1);
                        (void)pause();
                        _exit(0);
                }
        for (; started > 0 && read(done[0], &byte, 1) == 1; started--)
                ;
        (void)puts("all");
        (void)fflush(stdout);
        return pause();
}

/* Returns how many of the connections the daemon has closed. */
static unsigned count_closed(const int *fds, unsigned n) {
        unsigned closed = 0;

        for (unsigned i = 0; i < n; i++) {
                struct pollfd fd = {.fd = fds[i], .events = POLLIN};

                closed += poll(&fd, 1, 0) > 0;
        }
        return closed;
}

int load_crowd(unsigned n, unsigned enough) {
        struct rlimit limit = {4096, 4096};
        int *fds = calloc(n, sizeof(int));
        char byte;

        (void)setrlimit(RLIMIT_NOFILE, &limit);
        for (unsigned i = 0; fds && i < n; i++)
                fds[i] = connection_open();
        for (int msec = 0; msec < PATIENCE_MSEC && count_closed(fds, n) < enough; msec += 10)
                (void)poll(NULL, 0, 10);
        (void)printf("%u refused\n", count_closed(fds, n));
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)printf("%u open\n", n - count_closed(fds, n));
        return 0;
}

int load_mixed(unsigned n, unsigned processes) {
        int status, result = 0;

        connection_is_quiet = true;
        for (unsigned process = 0; process < processes; process++)
                if (fork() == 0) {
                        for (unsigned i = process; i < n; i += processes) {
                                faults_commit_any(i / processes);
                        }
                        exit(0);
                }
        while (wait(&status) > 0)
                result |= status;
        return result != 0;
}
