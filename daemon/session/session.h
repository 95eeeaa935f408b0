/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session: one workload under supervision, from its knock until its last process is gone.
 *
 * It is two fds (the listener and the ledger), an entry in the event loop, and workers and a timer while
 * there is something to do.  Whatever happens to it - begun, restored after a restart, a worker gone, a call
 * waiting, a deadline, the policy replaced - ends in session_reconcile(), which spawns workers where they
 * are needed and says when it has to run again. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"
#include "common/report.h"
#include "common/session-identity.h"
#include "guard/guard.h"
#include "policy/policy.h"
#include "sandbox/sandboxes.h"

typedef struct Session Session;

/* What all sessions share; the manager owns it, and it outlives them. */
typedef struct SessionContext {
        sd_event *event;
        Report *report;
        const Policy *policy;
        const Sandboxes *sandboxes;
        const Guard *guard; /* NULL: there is none */
        int reader_fd;      /* see reader/reader.h; -EBADF: there is no reader */
        int daemon_fd;      /* a pidfd of the daemon */
        int host_root_fd;   /* O_PATH, of PID 1's root */
        int cgroups_fd;     /* above the sessions' cgroups; -EBADF: they have none */
        /* A session's workers have been at work: its totals, or how many of them hang, may have changed. */
        void (*on_active)(void *userdata);
        void (*on_idle)(void *userdata);                  /* a session has no workers any more */
        void (*on_end)(Session *session, void *userdata); /* the session is over: free it */
        void *userdata;
} SessionContext;

/* Begins a session with verified fds, which it takes over even on failure.  First the guard takes the
 * session, where its identity says so; then it becomes durable (systemd's store), and then its knock, which
 * lies in the ledger, is answered.  Returns 0 or a negative errno. */
int session_new(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret);

/* Takes over a session that an earlier daemon left in the store, and its fds even on failure.  Returns 0,
 * what ledger_check() returns, or another negative errno. */
int session_restore(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret);

/* Lets go of a session without ending it: its workers were stopped (session_stop()), and its fds stay in the
 * store.  Takes NULL and returns NULL. */
Session *session_free(Session *session);

/* Has it workers that can still do something?  There is no point in waiting for those that hang in the
 * kernel. */
bool session_has_workers(const Session *session);
/* Has it workers at all, or work for one? */
bool session_is_active(const Session *session);
uint32_t session_count_hanging(const Session *session);
const SessionIdentity *session_identity(const Session *session);
/* Returns 0 or a negative errno. */
int session_totals(const Session *session, LedgerTotals *ret);

/* The policy was replaced: workers of the old one finish what they have in hand and exit. */
void session_renew(Session *session);

/* Lets workers finish what they have in hand and exit.  No worker is spawned any more. */
void session_stop(Session *session);

/* Kills the workers that did not exit. */
void session_kill(Session *session);

/* Records that the session is left.  Where a worker hangs nevertheless, a rejecting worker stays with the
 * session: see worker/reject.h. */
void session_abandon(Session *session);
