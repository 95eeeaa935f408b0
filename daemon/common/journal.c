/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Speaks to journald.  Run by the daemon and by workers, which share the socket: it must have no timeout of
 * its own.  Owns nothing.  Must never block for longer than the caller says. */

#include "common/journal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/ownership.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static int journal_connect(int socket_fd) {
        static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};

        return connect(socket_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int journal_open(int *ret) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return -errno;
        r = journal_connect(fd);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

/* Did journald's end of the socket go away? */
static bool is_disconnected(int error) {
        return error == ECONNREFUSED || error == ENOTCONN || error == EPIPE;
}

int journal_send(int socket_fd, struct iovec *records, size_t n) {
        struct mmsghdr messages[JOURNAL_RECORDS_MAX] = {};
        bool reconnected = false;

        for (size_t i = 0; i < n; i++)
                messages[i].msg_hdr = (struct msghdr){.msg_iov = &records[i], .msg_iovlen = 1};
        for (;;) {
                int sent = sendmmsg(socket_fd, messages, (unsigned)n, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (sent >= 0)
                        return sent;
                if (errno == EINTR)
                        continue;
                if (reconnected || !is_disconnected(errno))
                        return -errno;
                /* journald has a new socket.  This connects every process that shares ours. */
                reconnected = true;
                if (journal_connect(socket_fd) < 0)
                        return -ECONNREFUSED;
        }
}

void journal_wait(int socket_fd, uint64_t usec) {
        struct pollfd pollfd = {.fd = socket_fd, .events = POLLOUT};

        (void)poll(&pollfd, 1, (int)(usec / 1000));
}

void journal_drain(int socket_fd, uint64_t usec) {
        static const struct timespec step = {.tv_nsec = 1000000}, moment = {.tv_nsec = 20000000};
        int unread;

        for (uint64_t waited = 0; waited < usec; waited += 1000) {
                /* What this socket has sent and its peer has not read (unix_outq_len() in the kernel). */
                if (ioctl(socket_fd, SIOCOUTQ, &unread) < 0 || unread == 0)
                        break;
                (void)nanosleep(&step, NULL);
        }
        /* journald has read the record, but may not have looked at /proc yet. */
        (void)nanosleep(&moment, NULL);
}
