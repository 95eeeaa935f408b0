/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session: one workload under supervision, from its knock until its last process is gone.
 *
 * It is two fds (the listener and the ledger), an entry in the event loop, and workers while there is
 * something to do.  Whatever happens to it - begun, restored after a restart, a worker gone, a call waiting,
 * a worker stalled, the policy replaced - ends in session_reconcile(), which spawns workers where they are
 * needed and nowhere else does so. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"
#include "common/report.h"
#include "common/session-identity.h"
#include "policy/policy.h"
#include "sandbox/sandboxes.h"

typedef struct Session Session;

/* What all sessions share; the manager owns it, and it outlives them. */
typedef struct SessionContext {
        sd_event *event;
        Report *report;
        const Policy *policy;
        const Sandboxes *sandboxes;
        int daemon_fd;                     /* a pidfd of the daemon */
        int host_root_fd;                  /* O_PATH, of PID 1's root */
        int cgroups_fd;                    /* above the sessions' cgroups; -EBADF: they have none */
        void (*on_active)(void *userdata); /* a session wants session_tick() from now on */
        void (*on_end)(Session *session, void *userdata); /* the session is over: free it */
        void *userdata;
} SessionContext;

/* Begins a session with vetted fds, which it takes over even on failure.  It becomes durable first
 * (systemd's store), then its knock, which lies in the ledger, is answered.  Returns 0 or a negative errno.
 */
int session_new(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret);

/* Takes up a session that an earlier daemon left in the store; takes the fds over even on failure.  Returns
 * 0, what ledger_check() returns, or another negative errno. */
int session_restore(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret);

/* Lets go of a session without ending it: its workers were stopped (session_stop()), its fds stay in the
 * store.  Takes NULL, returns NULL. */
Session *session_free(Session *session);

/* Workers that can still do something; those that hang in the kernel are not to be waited for. */
bool session_has_workers(const Session *session);
uint32_t session_count_hanging(const Session *session);
const SessionIdentity *session_identity(const Session *session);
/* Returns 0 or a negative errno. */
int session_totals(const Session *session, LedgerTotals *ret);

/* To be called as soon as it says, and soon after it said on_active(): notices workers that take too long.
 * Returns after how many microseconds it wants to be called again; UINT64_MAX while it is not active. */
uint64_t session_tick(Session *session);

/* The policy was replaced: workers of the old one finish what they have in hand and leave. */
void session_renew(Session *session);

/* Like that, and none is spawned any more. */
void session_stop(Session *session);

/* Those that didn't leave are killed. */
void session_kill(Session *session);
/* Where one hangs nevertheless, a rejecting worker stays with it: see worker/reject.h.  Records that the
 * session is left. */
void session_abandon(Session *session);
