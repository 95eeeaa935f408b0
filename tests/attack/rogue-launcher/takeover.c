/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of another user takes over a connection. */

#include "takeover.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "connection.h"
#include "target.h"

int takeover_lend(const char *profile, char *program) {
        const ProtocolHello message = connection_hello(profile);
        char number[16], nonce[32];

        connection_fd = connection_open();
        connection_send(&message, sizeof(message), NULL, 0);
        if (connection_receive() <= 0 || connection_reply.verdict != PROTOCOL_WELCOME ||
                mkdirat(probe_fd, PROTOCOL_PROBE_NAME, 0700) < 0) {
                (void)printf("refused: %s\n", connection_reply.text);
                return 0;
        }
        if (fcntl(connection_fd, F_SETFD, 0) < 0)
                fail("fcntl");
        (void)snprintf(number, sizeof(number), "%d", connection_fd);
        (void)snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)connection_reply.nonce);
        (void)execl(program, program, socket_path, "borrow", number, nonce, (char *)NULL);
        fail(program);
}

int takeover_borrow(int fd, uint64_t nonce) {
        int listener_fd;

        connection_fd = fd;
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresuid(getuid(), getuid(), getuid()) < 0))
                fail("setresuid");
        listener_fd = target_install_filter();
        connection_send_fds(&listener_fd, 1);
        (void)close(listener_fd);
        if (syscall(SYS_mkdirat, PROTOCOL_KNOCK_DIRFD, protocol_knock_path(nonce), 0) ==
                protocol_knock_answer(nonce))
                (void)puts("in");
        else
                connection_print_end();
        return 0;
}
