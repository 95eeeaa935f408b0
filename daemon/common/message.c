/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passes messages and file descriptors between processes.  Run by the launcher and by each process of the
 * daemon.  Owns nothing.  Must never let more than one fd in. */

#include "common/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

typedef union Control {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
} Control;

int message_send(int socket_fd, const void *message, size_t size, int fd) {
        Control control = {.header = {.cmsg_level = SOL_SOCKET,
                                   .cmsg_type = SCM_RIGHTS,
                                   .cmsg_len = CMSG_LEN(sizeof(int))}};
        struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;

        if (fd >= 0) {
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
                msg.msg_control = &control;
                msg.msg_controllen = sizeof(control);
        }
        do
                n = sendmsg(socket_fd, &msg, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == ECONNRESET ? -EPIPE : -errno;
        return 0;
}

ssize_t message_receive(int socket_fd, void *message, size_t room, int *ret_fd) {
        Control control;
        struct iovec iov = {.iov_base = message, .iov_len = room};
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = ret_fd ? &control : NULL,
                /* Not CMSG_SPACE(): its padding has room for a second fd. */
                .msg_controllen = ret_fd ? CMSG_LEN(sizeof(int)) : 0,
        };
        struct cmsghdr *header;
        ssize_t n;

        /* A peer that exits without having read what we sent resets the connection.  recvmsg() reports that
         * once, and then delivers what the peer sent before. */
        do
                n = recvmsg(socket_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
        while (n < 0 && (errno == EINTR || errno == ECONNRESET));
        if (n < 0)
                return -errno;
        header = CMSG_FIRSTHDR(&msg);
        if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
                header->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
        /* Truncated without a header: the one fd found no free descriptor number in this process. */
        if ((msg.msg_flags & MSG_CTRUNC) && (header || !ret_fd))
                return -EPROTO;
        return n;
}
