/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records that a worker has built but not sent.  Sending a record takes longer than answering a call, hence
 * a worker sends while no call waits.  The records lie in the ledger, beside the slot of the worker: if the
 * worker is killed, the next worker sends them. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* A queue in memory that its user owns.  bytes holds records one after the other, each behind its length.
 * The records between *start and *used are unsent.  If a worker is killed after it has sent a record and
 * before it has moved *start, the next worker sends that record again.  Where *start is not before *used,
 * the queue is empty. */
typedef struct Outbox {
        _Atomic uint32_t *start;
        _Atomic uint32_t *used;
        uint8_t *bytes;
        uint32_t size;
} Outbox;

bool outbox_is_empty(const Outbox *outbox);

/* Returns false where there is no room. */
bool outbox_append(Outbox *outbox, const void *record, size_t length);

/* Finds the first records, at most n.  Returns how many.  Bytes that cannot be a record end the queue. */
size_t outbox_peek(const Outbox *outbox, struct iovec *ret, size_t n);

/* Removes the first n records. */
void outbox_remove(Outbox *outbox, size_t n);
