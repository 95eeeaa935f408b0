/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queue of unsent records.  Run by workers.  Owns nothing.  Must stay intact when a worker is killed
 * between any two instructions, and must never trust what it reads: a worker that was taken over may have
 * written it. */

#include "common/outbox.h"

#include <assert.h>
#include <string.h>

bool outbox_is_empty(const Outbox *outbox) {
        return atomic_load(outbox->start) >= atomic_load(outbox->used);
}

bool outbox_append(Outbox *outbox, const void *record, size_t length) {
        uint32_t used, prefix = (uint32_t)length;

        assert(length > 0); /* length 0 would end the queue: see next() */
        if (outbox_is_empty(outbox)) {
                /* In this order: a worker that is killed in between leaves an empty queue. */
                atomic_store(outbox->used, 0);
                atomic_store(outbox->start, 0);
        }
        used = atomic_load(outbox->used);
        if (length > outbox->size || used > outbox->size - length ||
                outbox->size - length - used < sizeof(prefix))
                return false;
        memcpy(outbox->bytes + used, &prefix, sizeof(prefix));
        memcpy(outbox->bytes + used + sizeof(prefix), record, length);
        atomic_store(outbox->used, used + (uint32_t)sizeof(prefix) + prefix);
        return true;
}

/* Finds the record at offset *at, and moves *at behind it.  Returns false where there is no record. */
static bool next(const Outbox *outbox, uint32_t used, uint32_t *at, struct iovec *ret) {
        uint32_t length;

        if (used > outbox->size || *at > used || used - *at < sizeof(length))
                return false;
        memcpy(&length, outbox->bytes + *at, sizeof(length));
        if (length == 0 || length > used - *at - sizeof(length))
                return false;
        *ret = (struct iovec){.iov_base = outbox->bytes + *at + sizeof(length), .iov_len = length};
        *at += (uint32_t)sizeof(length) + length;
        return true;
}

size_t outbox_peek(const Outbox *outbox, struct iovec *ret, size_t n) {
        uint32_t at = atomic_load(outbox->start), used = atomic_load(outbox->used);
        size_t found = 0;

        while (found < n && next(outbox, used, &at, &ret[found]))
                found++;
        return found;
}

void outbox_remove(Outbox *outbox, size_t n) {
        uint32_t at = atomic_load(outbox->start), used = atomic_load(outbox->used);
        struct iovec record;

        while (n > 0 && next(outbox, used, &at, &record))
                n--;
        /* Fewer than n records were readable: drop the rest, which no worker can ever read. */
        atomic_store(outbox->start, n > 0 ? used : at);
}
