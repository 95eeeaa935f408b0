/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a session.  Run by the daemon.  A Session owns its listener and ledger fds and, while it has
 * workers, its WorkerPool.  Must never touch a target or a path, and never wait. */

#include "session/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "session/backlog.h"
#include "session/cgroups.h"
#include "session/session-guard.h"
#include "session/session-records.h"
#include "session/staffing.h"
#include "session/store.h"
#include "session/wakeups.h"
#include "session/worker-pool.h"
#include "worker/reject.h"

/* For how long the record of a session's end is tried, and how often. */
#define END_PATIENCE_USEC 10000000U
#define END_PAUSE_USEC 200000U

struct Session {
        const SessionContext *context;
        SessionIdentity identity;
        int listener_fd;
        int ledger_fd;
        SessionGuard guard;
        Wakeups wakeups;
        StorePending *pending; /* while systemd has not confirmed yet */
        WorkerPool *pool;
        Staffing staffing;
        uint64_t end_by_usec; /* 0: it has not come to its end */
        bool said_pause;      /* since a worker was spawned last */
        bool over;            /* the last target is gone */
        bool tidied;          /* and so is what workers left */
        bool stopping;
};

static void session_reconcile(Session *session, bool has_call);

static const Profile *session_profile(const Session *session) {
        return policy_find_profile(session->context->policy, session->identity.profile);
}

static const Limits *session_limits(const Session *session) {
        return policy_limits(session->context->policy);
}

static void on_died(pid_t pid, const siginfo_t *info, void *userdata) {
        Session *session = userdata;

        session_records_death(session->context->report, session->identity.session_id, pid, info);
        staffing_note_death(&session->staffing);
}

static void on_hangs(pid_t pid, uint32_t n_hanging, void *userdata) {
        Session *session = userdata;

        session_records_hang(session->context->report, session->identity.session_id, pid, n_hanging);
}

static void on_unanswered(uint32_t index, void *userdata) {
        Session *session = userdata;
        const RejectContext reject = {
                .listener_fd = session->listener_fd,
                .ledger = pool_ledger(session->pool),
                .session = &session->identity,
                .profile = session_profile(session),
                .records_per_second = session_limits(session)->records_per_second,
                .report = session->context->report,
        };

        (void)reject_slot(&reject, index, ETIMEDOUT, REJECT_TIMED_OUT);
}

static void on_worker_gone(void *userdata) {
        session_reconcile(userdata, false);
}

static int session_need_pool(Session *session) {
        static const WorkerPoolOwner owner = {
                .on_died = on_died,
                .on_hangs = on_hangs,
                .on_unanswered = on_unanswered,
                .on_worker_gone = on_worker_gone,
        };

        if (session->pool)
                return 0;
        return pool_new(session->context->event, &owner, session, session->ledger_fd, &session->pool);
}

/* Returns 0 or a negative errno. */
static int session_spawn_worker(uint32_t number, PoolRole role, void *userdata) {
        Session *session = userdata;
        const SessionContext *context = session->context;
        _cleanup_close_ int cgroup_fd =
                context->cgroups_fd < 0 ? -EBADF
                                        : cgroups_create(context->cgroups_fd, session->identity.session_id);
        const WorkerArguments arguments = {
                .listener_fd = session->listener_fd,
                .ledger_fd = session->ledger_fd,
                .daemon_fd = context->daemon_fd,
                .host_root_fd = context->host_root_fd,
                .cgroup_fd = cgroup_fd,
                .reader_fd = context->reader_fd,
                .number = number,
                .session = session->identity,
                .policy = context->policy,
                .profile = session_profile(session),
                .report = context->report,
                .sandbox = &context->sandboxes->worker,
                .helper_sandbox = &context->sandboxes->helper,
                .executor = session->identity.guarded ? &executor_guarded : &executor_acting,
                .guard = session->identity.guarded ? context->guard : NULL,
        };
        int r = pool_spawn(session->pool, &arguments, role);

        if (r >= 0)
                session->said_pause = false;
        return r;
}

/* The session cannot have a worker now: says so once, and tries again later; calls wait. */
static void session_pause(Session *session, int error) {
        if (!session->said_pause)
                (void)report_line(session->context->report, REPORT_ERROR,
                        "cannot start a worker for session %016" PRIx64 ": %s; its calls wait, trying again",
                        session->identity.session_id, strerror(-error));
        session->said_pause = true;
        staffing_pause(&session->staffing);
}

static void session_drop_pool(Session *session) {
        session->pool = pool_free(session->pool);
        session->context->on_idle(session->context->userdata);
}

/* Has the workers that there is work for.  Returns 0 or a negative errno. */
static int session_staff(Session *session, bool has_call) {
        int r = session_need_pool(session);

        if (r < 0 || pool_has_foreign_rejecting(session->pool))
                return r;
        r = staffing_spawn_successors(&session->staffing, session->pool);
        if (r >= 0 && (has_call || backlog_has_waiting(pool_ledger(session->pool))))
                r = staffing_receive(&session->staffing, session->pool);
        if (r < 0)
                return r;
        if (pool_is_empty(session->pool) && !staffing_has_records(session->pool))
                session_drop_pool(session);
        return 0;
}

/* Sees once more to what a worker that was killed left behind: a record, most likely.  Returns whether a
 * worker does. */
static bool session_tidy(Session *session) {
        if (session->tidied || session_need_pool(session) < 0)
                return false;
        session->tidied = true;
        session->staffing.records_due_usec = 0;
        (void)staffing_spawn_successors(&session->staffing, session->pool);
        return !pool_is_empty(session->pool);
}

/* The last target is gone.  Returns whether the session was freed. */
static bool session_end(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        if ((session->pool && !pool_is_empty(session->pool)) || session_tidy(session))
                return false;
        if (session->end_by_usec == 0)
                session->end_by_usec = now + END_PATIENCE_USEC;
        /* A journal that is busy is given time for this record, which says what the session came to. */
        if (!session_records_end(session->context->report, &session->identity, session->ledger_fd) &&
                now < session->end_by_usec) {
                session->staffing.pause_until_usec = now + END_PAUSE_USEC;
                return false;
        }
        if (session->context->cgroups_fd >= 0)
                cgroups_remove(session->context->cgroups_fd, session->identity.session_id);
        store_remove(session->identity.session_id);
        session_guard_leave(&session->guard);
        session->context->on_end(session, session->context->userdata);
        return true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        session_reconcile(userdata, false);
        return 0;
}

/* Says when session_reconcile() is to run again.  is_active: the listener has just said that there are
 * calls. */
static void session_plan(Session *session, bool is_active) {
        uint64_t at = UINT64_MAX, other;

        if (session->staffing.pause_until_usec != 0) {
                wakeups_set_events(&session->wakeups, 0);
                at = session->staffing.pause_until_usec;
        } else if (!session->pool)
                wakeups_set_events(&session->wakeups, EPOLLIN);
        else if (pool_has_foreign_rejecting(session->pool))
                wakeups_set_events(&session->wakeups, 0);
        else {
                at = wakeups_watch_calls(&session->wakeups, session->pool, is_active);
                if (!session->over && session->staffing.records_due_usec < at &&
                        staffing_has_records(session->pool))
                        at = session->staffing.records_due_usec;
        }
        if (session->pool) {
                other = pool_next_deadline(session->pool, session_limits(session)->call_timeout_usec);
                at = other < at ? other : at;
        }
        wakeups_set_timer(&session->wakeups, at);
}

/* Brings workers, watching and the timer in line with what there is to do; may free the session.  has_call:
 * the listener has said so. */
static void session_reconcile(Session *session, bool has_call) {
        uint64_t timeout = session_limits(session)->call_timeout_usec, now = clock_usec(CLOCK_MONOTONIC);
        int r;

        if (session->stopping)
                return;
        if (session->pool) {
                if (wakeups_were_frozen(&session->wakeups, pool_next_deadline(session->pool, timeout)))
                        pool_excuse(session->pool);
                pool_enforce(session->pool, timeout, session->over);
                session->context->on_active(session->context->userdata);
        }
        if (session->over || session->staffing.pause_until_usec <= now)
                session->staffing.pause_until_usec = 0;
        if (session->over) {
                if (session_end(session))
                        return;
        } else if (session->staffing.pause_until_usec == 0) {
                r = session_staff(session, has_call);
                if (r < 0)
                        session_pause(session, r);
        }
        session_plan(session, has_call);
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Session *session = userdata;
        bool has_call = revents & (EPOLLIN | EPOLLOUT);

        (void)source;
        (void)fd;
        if (session->stopping)
                return 0;
        if (!has_call && revents & (EPOLLHUP | EPOLLERR)) {
                wakeups_stop_listening(&session->wakeups);
                session->over = true;
                session->staffing.pause_until_usec = 0;
                /* No launcher waits for the knock's answer any more. */
                session->pending = store_pending_free(session->pending);
                if (session->pool)
                        pool_retire_all(session->pool);
        }
        session_reconcile(session, has_call);
        return 0;
}

void session_renew(Session *session) {
        session_guard_renew(&session->guard);
        if (!session->pool)
                return;
        pool_retire_receiver(session->pool);
        session_reconcile(session, false);
}

void session_stop(Session *session) {
        session->stopping = true;
        wakeups_stop_listening(&session->wakeups);
        wakeups_set_timer(&session->wakeups, UINT64_MAX);
        if (session->pool)
                pool_retire_all(session->pool);
}

void session_kill(Session *session) {
        if (session->pool)
                pool_kill_all(session->pool);
}

void session_abandon(Session *session) {
        WorkerPool *pool = session->pool;

        session_records_leave(
                session->context->report, &session->identity, session->ledger_fd, store_exists());
        if (pool && !pool_is_empty(pool) && !pool_has_process(pool, LEDGER_REJECTING) && !session->over)
                (void)session_spawn_worker(LEDGER_REJECTING, POOL_REJECTS_AFTER_STOP, session);
}

/* Lets the launcher go on, and has a worker ready for the program that it becomes. */
static int session_answer_knock(Session *session) {
        Slot *slot;
        int r;

        r = session_need_pool(session);
        if (r < 0)
                return r;
        slot = ledger_slot(pool_ledger(session->pool), 0);
        r = notify_send(session->listener_fd, &slot->reply);
        if (r < 0)
                return r;
        slot_clear(slot);
        (void)ledger_pass(pool_ledger(session->pool), 0, SLOT_WAITING, SLOT_FREE);
        return session_spawn_worker(0, POOL_RECEIVES, session);
}

static void session_begin(Session *session) {
        session_records_start(session->context->report, &session->identity);
        (void)session_answer_knock(session);
        session_reconcile(session, true);
}

/* The session is durable: from here on it survives this daemon, so that its knock may be answered.  If this
 * daemon is killed before, the next one finds the knock in the ledger. */
static void on_stored(void *userdata) {
        Session *session = userdata;

        session->pending = store_pending_free(session->pending);
        if (!session->over && !session->stopping)
                session_begin(session);
}

static int session_make(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret) {
        Session *session;
        int r;

        session = calloc(1, sizeof(*session));
        if (!session) {
                fd_close(listener_fd);
                fd_close(ledger_fd);
                return -ENOMEM;
        }
        *session = (Session){
                .context = context,
                .identity = *identity,
                .listener_fd = listener_fd,
                .ledger_fd = ledger_fd,
        };
        session->guard = (SessionGuard){
                .context = context, .identity = &session->identity, .listener_fd = listener_fd};
        session->staffing = (Staffing){.spawn = session_spawn_worker, .userdata = session};
        r = wakeups_init(&session->wakeups, context->event, listener_fd, on_listener, on_timer, session);
        if (r < 0) {
                session_free(session);
                return r;
        }
        *ret = session;
        return 0;
}

int session_new(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret) {
        Session *session;
        int r;

        r = session_make(context, identity, listener_fd, ledger_fd, &session);
        if (r < 0)
                return r;
        r = session_guard_enter(&session->guard);
        if (r >= 0)
                r = store_put(context->event, identity->session_id, listener_fd, ledger_fd, on_stored,
                        session, &session->pending);
        if (r < 0) {
                session_guard_leave(&session->guard);
                session_free(session);
                return r;
        }
        *ret = session;
        if (r == 0)
                on_stored(session);
        return 0;
}

int session_restore(const SessionContext *context, const SessionIdentity *identity, int listener_fd,
        int ledger_fd, Session **ret) {
        Session *session;
        int r;

        r = ledger_check(ledger_fd);
        if (r < 0) {
                fd_close(listener_fd);
                fd_close(ledger_fd);
                return r;
        }
        r = session_make(context, identity, listener_fd, ledger_fd, &session);
        if (r < 0)
                return r;
        *ret = session;
        session_guard_renew(&session->guard);
        if (session_need_pool(session) >= 0 && pool_is_empty(session->pool) &&
                backlog_has_knock(pool_ledger(session->pool)))
                session_begin(session);
        else
                session_reconcile(session, false);
        return 0;
}

Session *session_free(Session *session) {
        if (!session)
                return NULL;
        pool_free(session->pool);
        store_pending_free(session->pending);
        wakeups_done(&session->wakeups);
        fd_close(session->listener_fd);
        fd_close(session->ledger_fd);
        free(session);
        return NULL;
}

const SessionIdentity *session_identity(const Session *session) {
        return &session->identity;
}

bool session_is_active(const Session *session) {
        return session->pool != NULL;
}

bool session_has_workers(const Session *session) {
        return session->pool && pool_has_live(session->pool);
}

uint32_t session_count_hanging(const Session *session) {
        return session->pool ? pool_count_hanging(session->pool) : 0;
}

int session_totals(const Session *session, LedgerTotals *ret) {
        return ledger_read_totals(session->ledger_fd, ret);
}
