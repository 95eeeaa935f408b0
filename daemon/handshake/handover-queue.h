/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which connections lie in the handover socket: acceptors have announced them, and no verifier has
 * taken them.  A verifier takes the first one without knowing which that is, and may die before it
 * tells.  The ticket numbers then show the daemon what is gone. */

#include <stddef.h>
#include <stdint.h>

#include "handshake/acceptor.h"

/* Acceptors have no more than half of it with verifiers at once. */
#define HANDOVER_QUEUE_MAX (2 * ACCEPTOR_TOTAL_MAX)

typedef struct HandoverEntry {
        uint64_t number; /* of the ticket; 0: unknown */
        uint32_t account;
} HandoverEntry;

/* All zero: empty. */
typedef struct HandoverQueue {
        HandoverEntry entries[HANDOVER_QUEUE_MAX];
        size_t n;
} HandoverQueue;

/* Called for a connection that a verifier took before it died. */
typedef void (*HandoverLost)(uint32_t account, void *userdata);

/* Returns -ENOBUFS where the queue is full, which only a faulty acceptor can cause; otherwise 0. */
int handover_queue_add(HandoverQueue *queue, uint64_t number, uint32_t account);

/* An acceptor has died: it may have handed over one connection that it did not announce. */
void handover_queue_add_unknown(HandoverQueue *queue);

/* A verifier has taken the connection with this number.  Earlier ones of the same acceptor are
 * lost. */
void handover_queue_take(HandoverQueue *queue, uint64_t number, HandoverLost on_lost, void *userdata);

/* A verifier has found the socket empty.  So the first n, which had been announced when the process
 * was forked, are lost. */
void handover_queue_drop(HandoverQueue *queue, size_t n, HandoverLost on_lost, void *userdata);
