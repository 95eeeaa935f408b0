/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acceptor's end of the socket to the daemon; acceptor-link.h is the other one. */

#include <stdbool.h>
#include <stdint.h>

#include "common/rate-limit.h"
#include "handshake/acceptor.h"
#include "handshake/peer.h"

typedef struct DaemonLink {
        int fd;
        AcceptorMessage announcement; /* must reach the daemon, and has not yet; kind 0: none */
        RateLimit refusals;
        uint64_t n_suppressed; /* refusals that the daemon was not told */
} DaemonLink;

/* Sends a message without waiting.  Returns 0, -EAGAIN where the socket is full, or another negative errno.
 */
int daemon_link_tell(const DaemonLink *link, const AcceptorMessage *message);

/* Tells of a refusal unless there were records_per_second in this second.  Those that it does not tell are
 * counted, and go with the next one that it does, or by themselves with daemon_link_tell_suppressed(). */
void daemon_link_refused(DaemonLink *link, const Peer *peer, const char *text, uint64_t records_per_second);
void daemon_link_tell_suppressed(DaemonLink *link);

/* Keeps a message until it is sent; there must be no other.  daemon_link_announce() tries to send it,
 * daemon_link_flush() waits until it is sent or the daemon is gone. */
void daemon_link_set(DaemonLink *link, const AcceptorMessage *announcement);
bool daemon_link_is_busy(const DaemonLink *link);
void daemon_link_announce(DaemonLink *link);
void daemon_link_flush(DaemonLink *link);

/* Moves the socket above another descriptor of the process.
 *
 * The kernel releases the descriptors of a process that ends from the highest down (task_work_add() makes a
 * stack, since Linux 4.3).  The release of a connection may hang, and the daemon gets no SIGCHLD before all
 * is released.  But it sees at once that this socket, the highest descriptor, is closed. */
void daemon_link_keep_above(DaemonLink *link, int fd);
