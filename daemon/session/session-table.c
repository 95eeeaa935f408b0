/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the sessions.  Run by the daemon.  A SessionTable owns them and their identities.  It must never
 * have a session without an identity, nor leave an identity without a session. */

#include "session/session-table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/ledger.h"
#include "common/ownership.h"
#include "policy/policy.h"
#include "session/identities.h"

struct SessionTable {
        const SessionContext *context;
        Identities *identities;
        Session *sessions[LIMITS_SESSIONS_MAX];
        size_t n_sessions;
        LedgerTotals ended; /* of the sessions that have ended */
};

int session_table_new(const SessionContext *context, StoreContents *stored, SessionTable **ret) {
        SessionTable *table = calloc(1, sizeof(*table));
        int r = -ENOMEM;

        if (table) {
                table->context = context;
                r = identities_open(TAKE_FD(stored->identities_fd), &table->identities);
        }
        if (r > 0)
                r = store_put_identities(identities_fd(table->identities));
        if (r < 0) {
                (void)report_line(context->report, REPORT_ERROR,
                        "cannot keep the identities of sessions: %s", strerror(-r));
                session_table_free(table);
                return r;
        }
        *ret = table;
        return 0;
}

SessionTable *session_table_free(SessionTable *table) {
        if (!table)
                return NULL;
        identities_free(table->identities);
        while (table->n_sessions > 0)
                session_free(table->sessions[--table->n_sessions]);
        free(table);
        return NULL;
}

/* The end of the record of a session that cannot be taken over. */
static const char *explain_restore(const StoredSession *stored, int error) {
        switch (error) {
        case -EBADFD: /* systemd drops a listener that a release before FDPOLL=0 stored */
                return stored->listener_fd < 0 ? "its listener is missing in the store"
                                               : "its ledger is missing in the store";
        case -ENOENT:
                return "its identity is missing in the store";
        case -EBADMSG:
                return "what is stored of it is not its ledger";
        case -EPROTONOSUPPORT:
                return "its ledger is of another version of snotifyd";
        default:
                return strerror(-error);
        }
}

static int table_restore_one(SessionTable *table, StoredSession *stored) {
        SessionIdentity identity;
        Session *session;
        int r;

        if (stored->listener_fd < 0 || stored->ledger_fd < 0)
                return -EBADFD;
        if (table->n_sessions >= LIMITS_SESSIONS_MAX)
                return -EUSERS;
        r = identities_find(table->identities, stored->session_id, &identity);
        if (r < 0)
                return r;
        r = session_restore(table->context, &identity, TAKE_FD(stored->listener_fd),
                TAKE_FD(stored->ledger_fd), &session);
        if (r < 0)
                return r;
        table->sessions[table->n_sessions++] = session;
        return 0;
}

/* Returns whether the session goes on. */
static bool table_restore_or_end(SessionTable *table, StoredSession *stored) {
        int r = table_restore_one(table, stored);

        if (r >= 0)
                return true;
        (void)report_line(table->context->report, REPORT_ERROR,
                "cannot take over session %016" PRIx64 ": %s; its calls fail with ENOSYS from now on",
                stored->session_id, explain_restore(stored, r));
        store_remove(stored->session_id);
        return false;
}

const SessionIdentity *session_table_find(const SessionTable *table, uint64_t id) {
        for (size_t i = 0; i < table->n_sessions; i++)
                if (session_identity(table->sessions[i])->session_id == id)
                        return session_identity(table->sessions[i]);
        return NULL;
}

static bool has_session(uint64_t id, void *userdata) {
        return session_table_find(userdata, id) != NULL;
}

void session_table_restore(SessionTable *table, StoreContents *stored) {
        size_t n_ended = 0;

        for (size_t i = 0; i < stored->n_sessions; i++)
                n_ended += !table_restore_or_end(table, &stored->sessions[i]);
        (void)identities_prune(table->identities, has_session, table);
        if (table->n_sessions > 0)
                (void)report_line(table->context->report, REPORT_NOTE,
                        "took over %zu session%s from the previous daemon", table->n_sessions,
                        table->n_sessions == 1 ? "" : "s");
        if (n_ended > 0)
                (void)report_line(table->context->report, REPORT_ERROR,
                        "ended %zu session%s of the previous daemon: restart the programs, which can create "
                        "no directories any more",
                        n_ended, n_ended == 1 ? "" : "s");
}

int session_table_begin(SessionTable *table, const SessionIdentity *identity, const NotifyRequest *knock,
        int64_t knock_answer, int listener_fd) {
        _cleanup_close_ int own_listener_fd = listener_fd, ledger_fd = -EBADF;
        const Limits *limits = policy_limits(table->context->policy);
        Session *session;
        int r;

        if (table->n_sessions >= limits->sessions ||
                session_table_count(table, identity->account) >= limits->sessions_per_user)
                return -EUSERS;
        r = ledger_new(identity->session_id, knock, knock_answer, &ledger_fd);
        if (r >= 0)
                r = identities_add(table->identities, identity);
        if (r < 0)
                return r;
        r = session_new(table->context, identity, TAKE_FD(own_listener_fd), TAKE_FD(ledger_fd), &session);
        if (r < 0) {
                identities_remove(table->identities, identity->session_id);
                return r;
        }
        table->sessions[table->n_sessions++] = session;
        return 0;
}

static void add_totals(LedgerTotals *sum, const Session *session) {
        LedgerTotals totals;

        if (session_totals(session, &totals) < 0)
                return;
        sum->allowed += totals.allowed;
        sum->denied += totals.denied;
        sum->failed += totals.failed;
        sum->audited += totals.audited;
}

void session_table_remove(SessionTable *table, Session *session) {
        add_totals(&table->ended, session);
        for (size_t i = 0; i < table->n_sessions; i++)
                if (table->sessions[i] == session) {
                        table->sessions[i] = table->sessions[--table->n_sessions];
                        break;
                }
        identities_remove(table->identities, session_identity(session)->session_id);
        session_free(session);
}

size_t session_table_size(const SessionTable *table) {
        return table->n_sessions;
}

uint32_t session_table_count(const SessionTable *table, uint32_t account) {
        uint32_t n = 0;

        for (size_t i = 0; i < table->n_sessions; i++)
                n += session_identity(table->sessions[i])->account == account;
        return n;
}

void session_table_sum(const SessionTable *table, LedgerTotals *ret_totals, uint32_t *ret_hanging) {
        *ret_totals = table->ended;
        *ret_hanging = 0;
        for (size_t i = 0; i < table->n_sessions; i++) {
                *ret_hanging += session_count_hanging(table->sessions[i]);
                add_totals(ret_totals, table->sessions[i]);
        }
}

bool session_table_is_active(const SessionTable *table) {
        for (size_t i = 0; i < table->n_sessions; i++)
                if (session_is_active(table->sessions[i]))
                        return true;
        return false;
}

/* Workers of sessions whose profile is gone deny everything. */
static void report_lost_profile(const SessionTable *table, const SessionIdentity *session) {
        char shown[4 * PROTOCOL_PROFILE_SIZE];

        if (!policy_find_profile(table->context->policy, session->profile))
                (void)report_line(table->context->report, REPORT_WARNING,
                        "session %016" PRIx64 " uses profile %s, which the configuration no longer has: "
                        "all its calls are denied",
                        session->session_id,
                        escape_text(session->profile, strlen(session->profile), shown, sizeof(shown)));
}

void session_table_renew(SessionTable *table) {
        for (size_t i = 0; i < table->n_sessions; i++) {
                report_lost_profile(table, session_identity(table->sessions[i]));
                session_renew(table->sessions[i]);
        }
}

static bool table_has_workers(const SessionTable *table) {
        for (size_t i = 0; i < table->n_sessions; i++)
                if (session_has_workers(table->sessions[i]))
                        return true;
        return false;
}

/* Runs the event loop until every worker has exited. */
static void table_await_workers(const SessionTable *table, uint64_t usec) {
        uint64_t until = clock_usec(CLOCK_MONOTONIC) + usec;

        while (table_has_workers(table)) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (now >= until || sd_event_run(table->context->event, until - now) < 0)
                        break;
        }
}

/* systemd does not tell a daemon whether its stop is one half of a restart. */
static void report_left_sessions(const SessionTable *table) {
        if (store_exists())
                (void)report_line(table->context->report, REPORT_WARNING,
                        "running sessions left to systemd: %zu; a restart takes them over, and a stop loses "
                        "them: their supervised calls then fail with ENOSYS",
                        table->n_sessions);
        else
                (void)report_line(table->context->report, REPORT_WARNING,
                        "running sessions lost, because without systemd nothing keeps them: %zu; their "
                        "supervised calls fail with ENOSYS from now on",
                        table->n_sessions);
}

void session_table_shut_down(SessionTable *table, uint64_t usec) {
        for (size_t i = 0; i < table->n_sessions; i++)
                session_stop(table->sessions[i]);
        table_await_workers(table, usec);
        for (size_t i = 0; i < table->n_sessions; i++)
                session_kill(table->sessions[i]);
        table_await_workers(table, usec);
        for (size_t i = 0; i < table->n_sessions; i++)
                session_abandon(table->sessions[i]);
        if (table->n_sessions > 0)
                report_left_sessions(table);
}
