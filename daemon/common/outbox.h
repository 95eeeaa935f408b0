/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records that are made but not yet sent.  They lie in the ledger, beside the slot of the worker that made
 * them: to send one takes longer than to answer a call, so that a worker sends when nobody waits for it; and
 * if it is killed before, the next one sends. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* A queue in memory that belongs to somebody else: a length and so many bytes, again and again.  What stands
 * between *start and *used is to be sent; who was killed between sending and moving *start has it sent
 * twice.  *start may be behind *used: then it is empty. */
typedef struct Outbox {
        _Atomic uint32_t *start;
        _Atomic uint32_t *used;
        uint8_t *bytes;
        uint32_t size;
} Outbox;

bool outbox_is_empty(const Outbox *outbox);

/* Returns false where there is no room. */
bool outbox_append(Outbox *outbox, const void *record, size_t length);

/* Finds the first records, at most n.  Returns how many.  What can't be a record ends the queue. */
size_t outbox_peek(const Outbox *outbox, struct iovec *ret, size_t n);

/* Takes the first n records out. */
void outbox_remove(Outbox *outbox, size_t n);
