/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a session.  Run by the daemon.  A Session owns its listener and ledger fds and, while it has
 * workers, its WorkerPool and a timer.  Must never touch a target or a path, and never wait. */

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
#include "session/session-records.h"
#include "session/store.h"
#include "session/worker-pool.h"
#include "worker/reject.h"

/* A worker that dies has a successor at once; but in the long run there is one death in that time, and only
 * so many more at once. */
#define DEATH_PAUSE_USEC 50000U
#define DEATHS_AT_ONCE 5U
/* How often a worker is spawned for nothing but unsent records. */
#define RECORDS_PAUSE_USEC 1000000U
/* For how long the record of a session's end is tried, and how often. */
#define END_PATIENCE_USEC 10000000U
#define END_PAUSE_USEC 200000U
/* How often, at most and at least, a receiver that is stalled is looked at. */
#define STALLED_MIN_USEC POOL_STALL_USEC
#define STALLED_MAX_USEC 1000000U
/* By how much a timer may be late. */
#define TIMER_ACCURACY_USEC 1000U

struct Session {
        const SessionContext *context;
        SessionIdentity identity;
        int listener_fd;
        int ledger_fd;
        sd_event_source *listener_source;
        sd_event_source *timer; /* NULL: nothing is due unless the listener says so, or a worker's end */
        StorePending *pending;  /* while systemd has not confirmed yet */
        WorkerPool *pool;
        uint64_t pause_until_usec; /* spawn nothing before; 0: no reason to wait */
        uint64_t records_due_usec; /* when unsent records may have a worker again */
        uint64_t end_by_usec;      /* 0: it has not come to its end */
        uint64_t deaths_usec;      /* until then there were too many, or would be with some more */
        bool said_pause;           /* since a worker was spawned last */
        bool over;                 /* the last target is gone */
        bool tidied;               /* and so is what workers left */
        bool stopping;
};

static void session_reconcile(Session *session, bool has_call);

static const Profile *session_profile(const Session *session) {
        return policy_find_profile(session->context->policy, session->identity.profile);
}

static const Limits *session_limits(const Session *session) {
        return policy_limits(session->context->policy);
}

/* Rate-limits respawning where workers keep dying. */
static void session_note_death(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), at_once = DEATHS_AT_ONCE * DEATH_PAUSE_USEC;

        if (session->deaths_usec < now)
                session->deaths_usec = now;
        session->deaths_usec += DEATH_PAUSE_USEC;
        if (session->deaths_usec > now + at_once)
                session->pause_until_usec = session->deaths_usec - at_once;
}

static void on_died(pid_t pid, const siginfo_t *info, void *userdata) {
        Session *session = userdata;

        session_records_death(session->context->report, session->identity.session_id, pid, info);
        session_note_death(session);
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
static int session_spawn_worker(Session *session, uint32_t number, PoolRole role) {
        const SessionContext *context = session->context;
        _cleanup_close_ int cgroup_fd =
                context->cgroups_fd < 0 ? -EBADF
                                        : cgroups_make(context->cgroups_fd, session->identity.session_id);
        const WorkerArguments arguments = {
                .listener_fd = session->listener_fd,
                .ledger_fd = session->ledger_fd,
                .daemon_fd = context->daemon_fd,
                .host_root_fd = context->host_root_fd,
                .cgroup_fd = cgroup_fd,
                .number = number,
                .session = session->identity,
                .policy = context->policy,
                .profile = session_profile(session),
                .report = context->report,
                .sandbox = &context->sandboxes->worker,
                .helper_sandbox = &context->sandboxes->helper,
                .executor = &executor_acting,
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
        session->pause_until_usec = clock_usec(CLOCK_MONOTONIC) + DEATH_PAUSE_USEC;
}

/* Spawns a successor for each worker that is gone and has left something. */
static int session_spawn_successors(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        bool due = session->records_due_usec <= now;
        int r;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                PoolUnfinished unfinished = pool_unfinished(session->pool, i);

                if (unfinished == POOL_FINISHED || (unfinished == POOL_UNFINISHED_RECORDS && !due))
                        continue;
                /* Do not fork all the time for records that the journal does not take. */
                if (unfinished == POOL_UNFINISHED_RECORDS)
                        session->records_due_usec = now + RECORDS_PAUSE_USEC;
                r = session_spawn_worker(session, i, i == LEDGER_REJECTING ? POOL_FINISHES : POOL_RECEIVES);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool session_has_records(const Session *session) {
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_unfinished(session->pool, i) == POOL_UNFINISHED_RECORDS)
                        return true;
        return false;
}

/* A call waits: sees that a worker is there to receive it, or to take it out of the ledger. */
static int session_receive(Session *session) {
        uint32_t number = pool_find_free(session->pool);

        /* The limit: the call waits until one of the workers has finished. */
        if (number == LEDGER_NO_RECEIVER)
                return 0;
        if (pool_stall_usec(session->pool) >= POOL_STALL_USEC)
                pool_relieve_receiver(session->pool);
        if (pool_has_receiver(session->pool))
                return 0;
        return session_spawn_worker(session, number, POOL_RECEIVES);
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
        r = session_spawn_successors(session);
        if (r >= 0 && (has_call || backlog_has_waiting(pool_ledger(session->pool))))
                r = session_receive(session);
        if (r < 0)
                return r;
        if (pool_is_empty(session->pool) && !session_has_records(session))
                session_drop_pool(session);
        return 0;
}

/* Sees once more to what a worker that was killed left behind: a record, most likely.  Returns whether a
 * worker does. */
static bool session_tidy(Session *session) {
        if (session->tidied || session_need_pool(session) < 0)
                return false;
        session->tidied = true;
        session->records_due_usec = 0;
        (void)session_spawn_successors(session);
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
                session->pause_until_usec = now + END_PAUSE_USEC;
                return false;
        }
        if (session->context->cgroups_fd >= 0)
                cgroups_remove(session->context->cgroups_fd, session->identity.session_id);
        store_remove(session->identity.session_id);
        session->context->on_end(session, session->context->userdata);
        return true;
}

static void session_watch(Session *session, uint32_t events) {
        (void)sd_event_source_set_io_events(session->listener_source, events);
}

/* Watches the listener for as little as possible: each event is a wake-up beside the worker's.  Returns when
 * the receiver has to be looked at in any case, or UINT64_MAX. */
static uint64_t session_watch_calls(Session *session, bool is_active) {
        bool has_free = pool_find_free(session->pool) != LEDGER_NO_RECEIVER;
        uint64_t now = clock_usec(CLOCK_MONOTONIC), stall = pool_stall_usec(session->pool);

        if (!pool_has_receiver(session->pool)) {
                session_watch(session, has_free ? EPOLLIN : 0);
                return UINT64_MAX;
        }
        if (stall >= POOL_STALL_USEC) {
                /* Another worker is spawned only if another call comes. */
                session_watch(session, has_free ? EPOLLIN : 0);
                return now + (stall < STALLED_MAX_USEC ? stall : STALLED_MAX_USEC);
        }
        if (!is_active && pool_is_quiet(session->pool)) {
                /* The receiver takes the next call before us.  Then the listener says that an answer is due
                 * (EPOLLOUT), unless that is sent by the time we ask. */
                session_watch(session, EPOLLIN | EPOLLOUT);
                if (pool_is_quiet(session->pool))
                        return UINT64_MAX;
        }
        session_watch(session, 0);
        return now + POOL_STALL_USEC - stall;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        session_reconcile(userdata, false);
        return 0;
}

static void session_set_timer(Session *session, uint64_t at_usec) {
        int r;

        if (at_usec == UINT64_MAX) {
                session->timer = sd_event_source_disable_unref(session->timer);
                return;
        }
        if (!session->timer)
                r = sd_event_add_time(session->context->event, &session->timer, CLOCK_MONOTONIC, at_usec,
                        TIMER_ACCURACY_USEC, on_timer, session);
        else {
                r = sd_event_source_set_time(session->timer, at_usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(session->timer, SD_EVENT_ONESHOT);
        }
        /* No memory: better to be woken by each call than never. */
        if (r < 0)
                session_watch(session, EPOLLIN | EPOLLOUT);
}

/* Says when session_reconcile() is to run again.  is_active: the listener has just said that there are
 * calls. */
static void session_plan(Session *session, bool is_active) {
        uint64_t at = UINT64_MAX, other;

        if (session->pause_until_usec != 0) {
                session_watch(session, 0);
                at = session->pause_until_usec;
        } else if (!session->pool)
                session_watch(session, EPOLLIN);
        else if (pool_has_foreign_rejecting(session->pool))
                session_watch(session, 0);
        else {
                at = session_watch_calls(session, is_active);
                if (!session->over && session->records_due_usec < at && session_has_records(session))
                        at = session->records_due_usec;
        }
        if (session->pool) {
                other = pool_next_deadline(session->pool, session_limits(session)->call_timeout_usec);
                at = other < at ? other : at;
        }
        session_set_timer(session, at);
}

/* Brings workers, watching and the timer in line with what there is to do; may free the session.  has_call:
 * the listener has said so. */
static void session_reconcile(Session *session, bool has_call) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        int r;

        if (session->stopping)
                return;
        if (session->pool) {
                pool_enforce(session->pool, session_limits(session)->call_timeout_usec, session->over);
                session->context->on_active(session->context->userdata);
        }
        if (session->over || session->pause_until_usec <= now)
                session->pause_until_usec = 0;
        if (session->over) {
                if (session_end(session))
                        return;
        } else if (session->pause_until_usec == 0) {
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
                (void)sd_event_source_set_enabled(session->listener_source, SD_EVENT_OFF);
                session->over = true;
                session->pause_until_usec = 0;
                /* No launcher waits for the knock's answer any more. */
                session->pending = store_pending_free(session->pending);
                if (session->pool)
                        pool_retire_all(session->pool);
        }
        session_reconcile(session, has_call);
        return 0;
}

void session_renew(Session *session) {
        if (!session->pool)
                return;
        pool_retire_receiver(session->pool);
        session_reconcile(session, false);
}

void session_stop(Session *session) {
        session->stopping = true;
        (void)sd_event_source_set_enabled(session->listener_source, SD_EVENT_OFF);
        session_set_timer(session, UINT64_MAX);
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
                (void)session_spawn_worker(session, LEDGER_REJECTING, POOL_REJECTS_AFTER_STOP);
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
        return session_spawn_worker(session, 0, POOL_RECEIVES);
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
        r = sd_event_add_io(context->event, &session->listener_source, listener_fd, 0, on_listener, session);
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
        r = store_put(context->event, identity->session_id, listener_fd, ledger_fd, on_stored, session,
                &session->pending);
        if (r < 0) {
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
        sd_event_source_disable_unref(session->timer);
        sd_event_source_unref(session->listener_source);
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
