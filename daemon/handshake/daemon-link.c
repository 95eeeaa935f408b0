/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Speaks with the daemon.  Run by the acceptor.  Owns the socket, and the one message that must not get
 * lost. Must never wait for the daemon before the acceptor ends. */

#include "handshake/daemon-link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/message.h"
#include "common/ownership.h"

int daemon_link_tell(const DaemonLink *link, const AcceptorMessage *message) {
        return message_send(link->fd, message, sizeof(*message), -EBADF);
}

void daemon_link_refused(DaemonLink *link, const Peer *peer, const char *text, uint64_t records_per_second) {
        AcceptorMessage message = {
                .kind = ACCEPTOR_REFUSED,
                .pid = peer->pid,
                .uid = peer->uid,
                .account = peer->account,
                .suppressed = link->n_suppressed,
        };

        (void)snprintf(message.text, sizeof(message.text), "%s", text);
        if (rate_limit_take(&link->refusals, records_per_second, clock_usec(CLOCK_MONOTONIC)) &&
                daemon_link_tell(link, &message) >= 0)
                link->n_suppressed = 0;
        else
                link->n_suppressed++;
}

void daemon_link_tell_suppressed(DaemonLink *link) {
        const AcceptorMessage message = {.kind = ACCEPTOR_REFUSED, .suppressed = link->n_suppressed};

        if (link->n_suppressed > 0 && daemon_link_tell(link, &message) >= 0)
                link->n_suppressed = 0;
}

void daemon_link_set(DaemonLink *link, const AcceptorMessage *announcement) {
        link->announcement = *announcement;
}

bool daemon_link_is_busy(const DaemonLink *link) {
        return link->announcement.kind != 0;
}

void daemon_link_announce(DaemonLink *link) {
        if (daemon_link_is_busy(link) && daemon_link_tell(link, &link->announcement) != -EAGAIN)
                link->announcement.kind = 0;
}

void daemon_link_flush(DaemonLink *link) {
        daemon_link_announce(link);
        while (daemon_link_is_busy(link)) {
                struct pollfd fd = {.fd = link->fd, .events = POLLOUT};

                if (poll(&fd, 1, -1) < 0 && errno != EINTR)
                        return;
                daemon_link_announce(link);
        }
}

void daemon_link_keep_above(DaemonLink *link, int fd) {
        int higher_fd;

        if (fd < link->fd)
                return;
        higher_fd = fcntl(link->fd, F_DUPFD_CLOEXEC, 2 * fd); /* so far that this is rare */
        if (higher_fd < 0)
                higher_fd = fcntl(link->fd, F_DUPFD_CLOEXEC, fd);
        if (higher_fd < 0)
                return;
        fd_close(link->fd);
        link->fd = higher_fd;
}
