/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the list of connections in the handover socket.  Run by the daemon.  Pure functions, which own
 * nothing: the daemon never holds a connection. */

#include "handshake/handover-queue.h"

#include <errno.h>
#include <string.h>

static uint64_t generation_of(uint64_t number) {
        return number >> ACCEPTOR_GENERATION_SHIFT;
}

static void entry_remove(HandoverQueue *queue, size_t i) {
        queue->n--;
        memmove(&queue->entries[i], &queue->entries[i + 1], (queue->n - i) * sizeof(queue->entries[0]));
}

int handover_queue_add(HandoverQueue *queue, uint64_t number, uint32_t account) {
        if (queue->n == HANDOVER_QUEUE_MAX)
                return -ENOBUFS;
        queue->entries[queue->n++] = (HandoverEntry){.number = number, .account = account};
        return 0;
}

void handover_queue_add_unknown(HandoverQueue *queue) {
        (void)handover_queue_add(queue, 0, 0);
}

void handover_queue_take(HandoverQueue *queue, uint64_t number, HandoverLost on_lost, void *userdata) {
        for (size_t i = 0; i < queue->n;) {
                HandoverEntry entry = queue->entries[i];

                if (entry.number > number || generation_of(entry.number) != generation_of(number)) {
                        i++;
                        continue;
                }
                entry_remove(queue, i);
                if (entry.number != number)
                        on_lost(entry.account, userdata);
        }
}

void handover_queue_drop(HandoverQueue *queue, size_t n, HandoverLost on_lost, void *userdata) {
        for (; n > 0 && queue->n > 0; n--) {
                HandoverEntry entry = queue->entries[0];

                entry_remove(queue, 0);
                if (entry.number != 0)
                        on_lost(entry.account, userdata);
        }
}
