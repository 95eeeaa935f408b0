/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets up the reader.  Run by the daemon at its start, when there is nothing else to do yet.  Owns the child
 * for as long as it runs.  Must never let a fault of libbpf's become one of the daemon. */

#include "reader/set-up.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/child.h"
#include "common/message.h"
#include "common/ownership.h"
#include "reader/load.h"

/* A slow machine takes seconds to load the program, because the kernel proves it first. */
#define PATIENCE_MSEC 60000

static void explain(ReaderSetUp *set_up, const char *what, int error) {
        (void)snprintf(set_up->reason, sizeof(set_up->reason), "%s: %s", what, strerror(-error));
}

/* The child: sends the program, or why there is none. */
static int load(int socket_fd) {
        char reason[READER_REASON_SIZE] = "";
        int fd = -EBADF;

        (void)reader_load(reason, sizeof(reason), &fd);
        return message_send(socket_fd, reason, sizeof(reason), fd) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_child(int sockets[2]) {
        pid_t pid = child_fork("snotifyd-reader", &sockets[1], 1);
        int status = 0, r;

        if (pid == 0)
                _exit(load(sockets[1]));
        if (pid < 0)
                return (int)pid;
        r = child_wait(pid, PATIENCE_MSEC, &status);
        if (r == -ETIME) {
                (void)kill(pid, SIGKILL);
                (void)child_wait(pid, PATIENCE_MSEC, NULL);
        }
        return r < 0 ? r : status == 0 ? 0 : -ECHILD;
}

void reader_set_up(ReaderSetUp *ret) {
        int sockets[2], r;

        *ret = (ReaderSetUp){.program_fd = -EBADF};
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
                explain(ret, "there is no socket to load it", -errno);
                return;
        }
        r = run_child(sockets);
        if (r >= 0 && message_receive(sockets[0], ret->reason, sizeof(ret->reason), &ret->program_fd) !=
                              sizeof(ret->reason))
                r = -EPROTO;
        ret->reason[sizeof(ret->reason) - 1] = '\0';
        if (r < 0)
                explain(ret, "the process that loads it failed", r);
        fd_close(sockets[0]);
        fd_close(sockets[1]);
}
