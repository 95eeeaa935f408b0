/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ways in which a launcher can go wrong. */

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connection.h"
#include "hanging.h"
#include "target.h"

static void do_nothing(void) {
}

static void do_byte(void) {
        connection_send("S", 1, NULL, 0);
}

static void do_empty(void) {
        connection_send("", 0, NULL, 0);
}

static void do_short(void) {
        const ProtocolHello message = connection_hello("default");

        connection_send(&message, sizeof(message) - 1, NULL, 0);
}

static void do_long(void) {
        static char message[65536];
        const ProtocolHello first = connection_hello("default");

        memcpy(message, &first, sizeof(first));
        connection_send(message, sizeof(message), NULL, 0);
}

static void do_version(void) {
        ProtocolHello message = connection_hello("default");

        message.version++;
        connection_send(&message, sizeof(message), NULL, 0);
}

static void do_endless_name(void) {
        ProtocolHello message = connection_hello("default");

        memset(message.profile, 'x', sizeof(message.profile));
        connection_send(&message, sizeof(message), NULL, 0);
}

static void do_profile(void) {
        const ProtocolHello message = connection_hello("no\nwhere");

        connection_send(&message, sizeof(message), NULL, 0);
}

static void do_not_permitted(void) {
        const ProtocolHello message = connection_hello("certain");

        connection_send(&message, sizeof(message), NULL, 0);
}

static void do_twice(void) {
        const ProtocolHello message = connection_hello("default");

        connection_greet();
        connection_send(&message, sizeof(message), NULL, 0);
}

static void do_early_fds(void) {
        const ProtocolHello message = connection_hello("default");
        const int fds[] = {STDIN_FILENO, STDERR_FILENO};

        connection_send(&message, sizeof(message), fds, 2);
}

static void do_no_fd(void) {
        connection_greet();
        connection_send_fds(NULL, 0);
}

static void do_many(size_t n) {
        int fds[FDS_MAX];

        for (size_t i = 0; i < n; i++)
                fds[i] = STDERR_FILENO;
        connection_greet();
        connection_send_fds(fds, n);
}

static void do_2_fds(void) {
        do_many(2);
}

static void do_200_fds(void) {
        do_many(200);
}

static void do_pipe(void) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                fail("pipe");
        (void)close(ends[1]);
        connection_send_fd(ends[0]);
}

static void do_memfd(void) {
        connection_send_fd(memfd_create("seccomp notify", MFD_CLOEXEC));
}

static void do_socket(void) {
        connection_send_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* The connection itself: it then holds a reference to itself while the message is on the way. */
static void do_connection(void) {
        connection_send_fd(dup(connection_fd));
}

static void do_directory(void) {
        connection_send_fd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* The listener of another process, which knocks. */
static void do_another(void) {
        int target_fd;
        pid_t pid = target_fork(&target_fd);

        connection_send_fd(target_take_listener(target_fd));
        (void)send(target_fd, &connection_reply.nonce, sizeof(connection_reply.nonce), MSG_NOSIGNAL);
        (void)waitpid(pid, NULL, 0);
        (void)close(target_fd);
}

static void do_dead(void) {
        int target_fd, listener_fd;
        pid_t pid = target_fork(&target_fd);

        listener_fd = target_take_listener(target_fd);
        (void)close(target_fd);
        (void)waitpid(pid, NULL, 0);
        connection_send_fd(listener_fd);
}

/* Greets, sends a listener of this process, and does the rest; in a child if further kinds follow, because a
 * filter cannot be removed. */
static void with_filter(void (*rest)(void)) {
        pid_t pid = getpid();
        int fd;

        connection_greet();
        (void)fflush(stdout);
        if (connection_is_quiet) {
                pid = fork();
                if (pid > 0)
                        (void)waitpid(pid, NULL, 0);
                if (pid != 0)
                        return;
        }
        fd = target_install_filter();
        connection_send_fds(&fd, 1);
        (void)close(fd);
        rest();
        if (connection_is_quiet)
                _exit(0);
}

static void wrong_nonce(void) {
        target_knock(connection_reply.nonce ^ 1);
}

static void another_call(void) {
        (void)mkdirat(AT_FDCWD, "rogue-launcher", 0700);
}

static void leave_before_knock(void) {
        (void)shutdown(connection_fd, SHUT_RDWR);
        target_knock(connection_reply.nonce);
}

/* Ends the connection. */
static void hang_up(void) {
        (void)shutdown(connection_fd, SHUT_RDWR);
}

static void do_wrong_nonce(void) {
        /* The process that knocks must be the one that has connected. */
        with_filter(wrong_nonce);
}

static void do_another_call(void) {
        with_filter(another_call);
}

static void do_silence(void) {
        with_filter(do_nothing);
}

static void do_leave_connected(void) {
        hang_up();
}

static void do_leave_greeting(void) {
        const ProtocolHello message = connection_hello("default");

        connection_send(&message, sizeof(message), NULL, 0);
        hang_up();
}

static void do_leave_welcome(void) {
        connection_greet();
        hang_up();
}

/* Creates as many directories as fit where launchers prove themselves, which must leave room for others. */
static void do_fill(void) {
        char name[16];
        int fd;

        const ProtocolHello message = connection_hello("default");

        connection_send(&message, sizeof(message), NULL, 0);
        (void)connection_receive();
        fd = probe_fd;
        for (unsigned i = 0; i < 10000; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                if (mkdirat(fd, name, 0700) < 0)
                        break;
        }
        (void)printf("%s\n", strerror(errno));
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, name, 1);
        hang_up();
}

static void do_leave_listener(void) {
        with_filter(hang_up);
}

static void do_leave_knock(void) {
        with_filter(leave_before_knock);
}

/* Keeps the file hanging until the end of stdin. */
static void do_flush(void) {
        pid_t pid;
        int fd = hanging_open(&pid);
        char byte;

        connection_greet();
        connection_send_fds(&fd, 1);
        (void)connection_receive();
        (void)printf("refused: %s\n", connection_reply.text);
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        exit(0);
}

static const struct {
        const char *name;
        void (*act)(void);
        bool is_patient; /* ends with a timeout, or needs more than a socket: not for load_mixed() */
} kinds[] = {
        {"nothing", do_nothing, true},
        {"byte", do_byte, false},
        {"empty", do_empty, false},
        {"short", do_short, false},
        {"long", do_long, false},
        {"version", do_version, false},
        {"endless-name", do_endless_name, false},
        {"profile", do_profile, false},
        {"not-permitted", do_not_permitted, false},
        {"twice", do_twice, false},
        {"early-fds", do_early_fds, true}, /* since Linux 6.16 the message does not arrive */
        {"no-fd", do_no_fd, false},
        {"2-fds", do_2_fds, false},
        {"200-fds", do_200_fds, false},
        {"pipe", do_pipe, false},
        {"memfd", do_memfd, false},
        {"socket", do_socket, false},
        {"connection", do_connection, false},
        {"directory", do_directory, false},
        {"another", do_another, false},
        {"dead", do_dead, false},
        {"wrong-nonce", do_wrong_nonce, false},
        {"another-call", do_another_call, false},
        {"silence", do_silence, true},
        {"leave-connected", do_leave_connected, false},
        {"leave-greeting", do_leave_greeting, false},
        {"leave-welcome", do_leave_welcome, false},
        {"leave-listener", do_leave_listener, false},
        {"leave-knock", do_leave_knock, false},
        {"fill", do_fill, true},
        {"flush", do_flush, true},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void commit(size_t kind) {
        connection_fd = connection_open();
        kinds[kind].act();
        connection_print_end();
        (void)close(connection_fd);
        connection_fd = -1;
}

bool faults_commit(const char *name) {
        for (size_t i = 0; i < N_KINDS; i++)
                if (strcmp(kinds[i].name, name) == 0) {
                        commit(i);
                        return true;
                }
        return false;
}

void faults_commit_any(size_t number) {
        size_t kind = number % N_KINDS;

        commit(kinds[kind].is_patient ? 1 : kind);
}
