/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the ring of the guard's refusals.  Run by the daemon.  A GuardRefusals owns the ring and its event
 * source. The guard bounds how many refusals a session has in a second.  Must never take text from the ring
 * for printable: it is what a workload chose. */

#include "session/guard-refusals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "common/ownership.h"
#include "guard/refusal-ring.h"
#include "session/session-records.h"

/* How many are recorded at once, while all else waits. */
#define BATCH 16

struct GuardRefusals {
        const SessionContext *context;
        const SessionTable *table;
        RefusalRing *ring;
        sd_event_source *source;
};

/* A session that has ended since, or is another daemon's, gets no record. */
static int on_refusals(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GuardRefusals *refusals = userdata;
        GuardRefusal refusal;

        (void)source;
        (void)fd;
        (void)revents;
        for (unsigned i = 0; i < BATCH && refusal_ring_take(refusals->ring, &refusal); i++) {
                const SessionIdentity *session = session_table_find(refusals->table, refusal.session_id);

                if (session)
                        session_records_refusal(refusals->context->report, session, &refusal);
        }
        return 0;
}

DEFINE_CLEANUP(GuardRefusals, guard_refusals_free)

int guard_refusals_new(const SessionContext *context, const SessionTable *table, GuardRefusals **ret) {
        _cleanup_(guard_refusals_free_p) GuardRefusals *refusals = calloc(1, sizeof(*refusals));
        int r;

        if (!refusals)
                return -ENOMEM;
        refusals->context = context;
        refusals->table = table;
        r = refusal_ring_new(context->guard, &refusals->ring);
        if (r == -EBADF)
                return 0;
        if (r >= 0)
                r = sd_event_add_io(context->event, &refusals->source,
                        guard_fd(context->guard, GUARD_FD_REFUSALS), EPOLLIN, on_refusals, refusals);
        if (r >= 0) /* calls that wait come first */
                r = sd_event_source_set_priority(refusals->source, SD_EVENT_PRIORITY_NORMAL + 1);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(refusals);
        return 0;
}

GuardRefusals *guard_refusals_free(GuardRefusals *refusals) {
        if (!refusals)
                return NULL;
        sd_event_source_unref(refusals->source);
        refusal_ring_free(refusals->ring);
        free(refusals);
        return NULL;
}
