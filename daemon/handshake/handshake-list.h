/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The handshakes that there are, and what they count for. */

#include "handshake/acceptor.h"
#include "handshake/handover-queue.h"
#include "handshake/handshake.h"

/* All zero: none. */
typedef struct HandshakeList {
        Handshake *first;
        Handshake
                *accepting; /* its process is about to take the next connection: no other may until it has */
        unsigned n_at_work;
        unsigned n_hanging;
} HandshakeList;

/* Adds one whose process was just forked, and so is accepting. */
void handshake_list_add(HandshakeList *list, Handshake *handshake);

/* Removes one, which stays the caller's. */
void handshake_list_remove(HandshakeList *list, Handshake *handshake);

/* One that has told what it took, or was killed, is no longer accepting. */
void handshake_list_accepted(HandshakeList *list, const Handshake *handshake);

/* One that was at work hangs from now on. */
void handshake_list_hang(HandshakeList *list);

/* What one that is at work, or hangs, counts for with an acceptor.  Returns false where its account is not
 * known. */
bool handshake_count(const Handshake *handshake, AcceptorChange *ret);

/* Adds those that may yet become sessions to *counts. */
void handshake_list_count(const HandshakeList *list, uint32_t account, AdmissionCounts *counts);

/* Lists what an acceptor that begins has to count: these handshakes, and the connections that wait for one.
 * Returns the caller's array, or NULL where there is no memory. */
AcceptorChange *handshake_list_changes(
        const HandshakeList *list, const HandoverQueue *handover, size_t *ret_n);
