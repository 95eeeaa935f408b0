/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the daemon. */

#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/message.h"

const char *socket_path;
int connection_fd = -1;
int probe_fd = -1;
ProtocolReply connection_reply;
bool connection_is_quiet;

void fail(const char *what) {
        perror(what);
        exit(255);
}

int connection_open(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void)strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                fail("connect");
        return fd;
}

/* Errors are ignored: the daemon may have closed the connection. */
void connection_send(const void *message, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control = {.header = {CMSG_LEN(n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
        struct iovec iov = {(void *)(uintptr_t)message, size};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (n_fds > 0) {
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        }
        (void)sendmsg(connection_fd, &msg, MSG_NOSIGNAL);
}

ProtocolHello connection_hello(const char *profile) {
        ProtocolHello message = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        (void)strncpy(message.profile, profile, sizeof(message.profile) - 1);
        return message;
}

ssize_t connection_receive(void) {
        struct pollfd fd = {.fd = connection_fd, .events = POLLIN};
        ssize_t n = -ETIMEDOUT;

        if (poll(&fd, 1, PATIENCE_MSEC) > 0)
                n = message_receive(connection_fd, &connection_reply, sizeof(connection_reply), &probe_fd);
        if (n < 0) {
                (void)fprintf(stderr, "rogue-launcher: no answer: %s\n", strerror((int)-n));
                exit(255);
        }
        return n;
}

void connection_print_end(void) {
        bool refused = false;

        while (connection_receive() > 0) {
                if (connection_reply.verdict != PROTOCOL_REFUSED)
                        continue;
                refused = true;
                if (!connection_is_quiet)
                        (void)printf("refused: %s\n", connection_reply.text);
        }
        if (!refused && !connection_is_quiet)
                (void)puts("closed");
}

void connection_greet(void) {
        const ProtocolHello message = connection_hello("default");

        connection_send(&message, sizeof(message), NULL, 0);
        if (connection_receive() == 0 || connection_reply.verdict != PROTOCOL_WELCOME) {
                (void)fprintf(stderr, "rogue-launcher: not welcome: %s\n", connection_reply.text);
                exit(255);
        }
        if (mkdirat(probe_fd, PROTOCOL_PROBE_NAME, 0700) < 0)
                fail("probe");
        (void)close(probe_fd);
        probe_fd = -1;
}

void connection_send_fds(const int *fds, size_t n_fds) {
        const ProtocolListener message = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};

        connection_send(&message, sizeof(message), fds, n_fds);
}

void connection_send_fd(int fd) {
        if (fd < 0)
                fail("fd");
        connection_greet();
        connection_send_fds(&fd, 1);
        (void)close(fd);
}
