/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a session.  Run by the daemon.  A Session owns its listener and ledger fds and, while it has
 * workers, its WorkerPool. Must never touch a target or a path, and never wait. */

#include "session/session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/notify.h"
#include "common/ownership.h"
#include "session/cgroups.h"
#include "session/session-records.h"
#include "session/store.h"
#include "session/worker-pool.h"
#include "worker/reject.h"
#include "worker/worker.h"

/* A worker that dies has a successor at once; but in the long run there is one death in that time, and only
 * so many more at once. */
#define DEATH_PAUSE_USEC 50000U
#define DEATHS_AT_ONCE 5U
/* A worker is spawned for nothing but unsent records so often. */
#define RECORDS_PAUSE_USEC 1000000U
/* For how long the record of a session's end is tried, and how often. */
#define END_PATIENCE_USEC 10000000U
#define END_PAUSE_USEC 200000U
/* How often it wants to be looked at while it has workers; and while it has none but such as hang. */
#define TICK_USEC 10000U
#define HANGING_TICK_USEC 1000000U

struct Session {
        const SessionContext *context;
        SessionIdentity identity;
        int listener_fd;
        int ledger_fd;
        sd_event_source *source;
        StorePending *pending; /* while systemd hasn't confirmed yet */
        WorkerPool *pool;
        uint64_t pause_until_usec; /* spawn nothing before; 0: no reason to wait */
        uint64_t records_due_usec; /* when unsent records may have a worker again */
        uint64_t end_by_usec;      /* 0: it has not come to its end */
        bool said_pause;           /* since a worker was spawned last */
        uint64_t deaths_usec;      /* until then there were too many, or would be with some more */
        bool over;                 /* the last target is gone */
        bool tidied;               /* and so is what workers left */
        bool stopping;
};

static void session_reconcile(Session *session);

static int session_need_pool(Session *session) {
        int r;

        if (session->pool)
                return 0;
        r = pool_new(session->ledger_fd, &session->pool);
        if (r >= 0 && session->pool->n_processes > 0)
                session->context->on_active(session->context->userdata);
        return r;
}

/* Nobody is at work as this number any more. */
static void session_on_worker_gone(Session *session) {
        WorkerPool *pool = session->pool;

        if (pool->receiver == LEDGER_REJECTING && pool_find_free(pool) < LEDGER_REJECTING)
                pool_retire_receiver(pool);
        session_reconcile(session);
}

/* Workers that die all the time are no reason to fork all the time. */
static void session_note_death(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), at_once = DEATHS_AT_ONCE * DEATH_PAUSE_USEC;

        if (session->deaths_usec < now)
                session->deaths_usec = now;
        session->deaths_usec += DEATH_PAUSE_USEC;
        if (session->deaths_usec > now + at_once)
                session->pause_until_usec = session->deaths_usec - at_once;
}

static int on_worker_exit(sd_event_source *source, const siginfo_t *info, void *userdata) {
        WorkerProcess *process = userdata;
        Session *session = process->userdata;
        WorkerPool *pool = session->pool;
        uint32_t number = (uint32_t)(process - pool->processes);
        bool died = info->si_code != CLD_EXITED || info->si_status != WORKER_EXIT_IDLE;

        (void)source;
        if (died && process->killed_usec == 0) {
                session_records_death(
                        session->context->report, session->identity.session_id, process->pid, info);
                session_note_death(session);
        }

        process->source = sd_event_source_unref(process->source);
        if (pool->receiver == number)
                pool_set_receiver(pool, LEDGER_NO_RECEIVER);
        if (!pool_adopt(pool, number))
                session_on_worker_gone(session);
        return 0;
}

/* The only way to get a worker.  Returns 0 or a negative errno. */
static int session_spawn_worker(Session *session, uint32_t number, bool may_receive) {
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
                .profile = policy_find_profile(context->policy, session->identity.profile),
                .report = context->report,
                .sandbox = &context->sandboxes->worker,
                .helper_sandbox = &context->sandboxes->helper,
        };
        const int keep[] = {session->listener_fd, session->ledger_fd, context->daemon_fd,
                context->host_root_fd, cgroup_fd, report_fd(context->report)};
        WorkerPool *pool = session->pool;
        WorkerProcess *process = &pool->processes[number];
        pid_t pid;
        int r;

        assert(process->pid == 0);
        if (may_receive && pool->receiver == LEDGER_NO_RECEIVER)
                pool_set_receiver(pool, number);
        pid = child_fork("snotifyd-worker", keep, sizeof(keep) / sizeof(keep[0]));
        if (pid == 0 && number == LEDGER_REJECTING)
                _exit(reject_run(&arguments, session->stopping ? REJECT_AFTER_STOP : REJECT_WHILE_ALL_HANG));
        if (pid == 0)
                _exit(worker_run(&arguments));
        if (pid > 0) {
                *process = (WorkerProcess){.pid = pid, .userdata = session};
                r = sd_event_add_child(
                        context->event, &process->source, pid, WEXITED, on_worker_exit, process);
                if (r >= 0) {
                        pool->n_processes++;
                        session->said_pause = false;
                        context->on_active(context->userdata);
                        return 0;
                }
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                process->pid = 0;
        } else
                r = (int)pid;
        if (pool->receiver == number)
                pool_set_receiver(pool, LEDGER_NO_RECEIVER);
        return r;
}

/* Can't have a worker now: says so once and tries again later; calls wait. */
static void session_pause(Session *session, int error) {
        if (!session->said_pause)
                (void)report_line(session->context->report, REPORT_ERROR,
                        "cannot start a worker for session %016" PRIx64 ": %s; its calls wait, trying again",
                        session->identity.session_id, strerror(-error));
        session->said_pause = true;
        session->pause_until_usec = clock_usec(CLOCK_MONOTONIC) + DEATH_PAUSE_USEC;
        session->context->on_active(session->context->userdata);
}

static void session_watch(Session *session, uint32_t events) {
        (void)sd_event_source_set_io_events(session->source, events);
}

static int session_spawn_for_orphans(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        bool due = session->records_due_usec <= now;
        WorkerPool *pool = session->pool;
        int r;

        for (uint32_t i = 0; i < LEDGER_WORKERS; i++) {
                PoolUnfinished orphan = pool_unfinished(pool, i);

                if (orphan == POOL_FINISHED || (orphan == POOL_UNFINISHED_RECORDS && !due))
                        continue;
                /* Records that the journal doesn't take are no reason to fork all the time. */
                if (orphan == POOL_UNFINISHED_RECORDS)
                        session->records_due_usec = now + RECORDS_PAUSE_USEC;
                /* The rejecting worker only sends what its predecessor left. */
                r = session_spawn_worker(session, i, i != LEDGER_REJECTING);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool session_has_records_due(const Session *session) {
        if (session->pool)
                for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                        if (pool_unfinished(session->pool, i) == POOL_UNFINISHED_RECORDS)
                                return true;
        return false;
}

/* A journal that is busy is given time for the record of its end, which says what it came to. */
static void session_end(Session *session) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        if (session->end_by_usec == 0)
                session->end_by_usec = now + END_PATIENCE_USEC;
        if (!session_records_end(session->context->report, &session->identity, session->ledger_fd) &&
                now < session->end_by_usec) {
                session->pause_until_usec = now + END_PAUSE_USEC;
                session->context->on_active(session->context->userdata);
                return;
        }
        if (session->context->cgroups_fd >= 0)
                cgroups_remove(session->context->cgroups_fd, session->identity.session_id);
        store_remove(session->identity.session_id);
        session->context->on_end(session, session->context->userdata);
}

/* No worker will answer: the one that holds the slot never comes back from the kernel, only to end there. */
static void session_reject(Session *session, uint32_t index) {
        const SessionContext *context = session->context;
        const RejectContext reject = {
                .listener_fd = session->listener_fd,
                .ledger = session->pool->ledger,
                .session = &session->identity,
                .profile = policy_find_profile(context->policy, session->identity.profile),
                .records_per_second = policy_limits(context->policy)->records_per_second,
                .report = context->report,
        };

        (void)reject_slot(&reject, index, ETIMEDOUT, REJECT_TIMED_OUT);
}

/* Sees to calls that take too long.  Their workers are killed, and their successors answer; but who hangs in
 * a file system doesn't die. */
static void session_look_after_late(Session *session) {
        WorkerPool *pool = session->pool;

        pool_kill_late(pool, policy_limits(session->context->policy)->call_timeout_usec);
        for (uint32_t i = 0; (i = pool_find_unanswered(pool, i)) < LEDGER_SLOTS; i++)
                session_reject(session, i);
        for (uint32_t i = 0; i < LEDGER_WORKERS; i++)
                if (pool_process_hangs(pool, i) && !pool->processes[i].said_hang) {
                        pool->processes[i].said_hang = true;
                        session_records_hang(session->context->report, session->identity.session_id,
                                pool->processes[i].pid, pool_count_hanging(pool));
                }
}

/* What a worker that was killed left behind - a record, most likely - is seen to once more.  Returns whether
 * somebody does. */
static bool session_tidy(Session *session) {
        if (session->tidied || session_need_pool(session) < 0)
                return false;
        session->tidied = true;
        session->records_due_usec = 0;
        (void)session_spawn_for_orphans(session);
        return session_has_workers(session);
}

/* A call waits, and nobody is there to receive or to take it. */
static int session_receive(Session *session) {
        uint32_t number;
        int r;

        r = session_need_pool(session);
        if (r < 0)
                return r;
        if (pool_is_stalled(session->pool))
                pool_relieve_receiver(session->pool);
        if (session->pool->receiver != LEDGER_NO_RECEIVER)
                return 0;
        number = pool_find_free(session->pool);
        if (number == LEDGER_NO_RECEIVER) {
                /* The limit: the call waits until one of the workers is done.  on_worker_exit() goes on. */
                session_watch(session, 0);
                return 0;
        }
        return session_spawn_worker(session, number, true);
}

/* Brings workers and watching in line with what there is to do; may free the session. */
static void session_reconcile(Session *session) {
        int r;

        if (session->stopping)
                return;
        if (session->over) {
                if ((!session->pool || session->pool->n_processes == 0) && !session_tidy(session))
                        session_end(session);
                return;
        }
        if (session->pause_until_usec > clock_usec(CLOCK_MONOTONIC)) {
                session_watch(session, 0);
                session->context->on_active(session->context->userdata);
                return;
        }

        r = session_need_pool(session);
        if (r >= 0)
                r = session_spawn_for_orphans(session);
        if (r >= 0 && pool_has_waiting(session->pool))
                r = session_receive(session);
        if (r < 0) {
                session_watch(session, 0);
                session_pause(session, r);
                return;
        }
        session->pause_until_usec = 0;
        /* While a worker waits for requests the daemon doesn't: it would be woken by each of them. */
        session_watch(session, session->pool->receiver == LEDGER_NO_RECEIVER ? EPOLLIN : 0);
        if (session->pool->n_processes == 0) {
                if (session_has_records_due(session))
                        session->context->on_active(session->context->userdata);
                else
                        session->pool = pool_free(session->pool);
        }
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Session *session = userdata;
        int r = 0;

        (void)source;
        (void)fd;
        if (session->stopping)
                return 0;
        if (revents & EPOLLIN)
                r = session_receive(session);
        else if (revents & (EPOLLHUP | EPOLLERR)) {
                (void)sd_event_source_set_enabled(session->source, SD_EVENT_OFF);
                session->over = true;
                session->pause_until_usec = 0;
                session->pending =
                        store_pending_free(session->pending); /* nobody waits for the knock's answer */
                if (session->pool)
                        pool_retire_all(session->pool);
        }
        if (r < 0) {
                session_watch(session, 0);
                session_pause(session, r);
        } else if (session->over || (session->pool && session->pool->receiver != LEDGER_NO_RECEIVER))
                session_reconcile(session);
        return 0;
}

uint64_t session_tick(Session *session) {
        WorkerPool *pool = session->pool;

        if (session->stopping)
                return session_has_workers(session) ? TICK_USEC : UINT64_MAX;
        if (pool)
                session_look_after_late(session);
        if (session->pause_until_usec != 0) {
                if (session->pause_until_usec <= clock_usec(CLOCK_MONOTONIC))
                        session_reconcile(session);
                return TICK_USEC;
        }
        if (!pool)
                return UINT64_MAX;
        if (pool_reap_adopted(pool) != LEDGER_NO_RECEIVER) {
                session_on_worker_gone(session);
                return TICK_USEC;
        }
        pool_kill_stragglers(pool, session->over);
        if (pool->n_processes == 0 && session->records_due_usec <= clock_usec(CLOCK_MONOTONIC)) {
                session_reconcile(session);
                return TICK_USEC;
        }
        if (pool_is_stalled(pool) && pool_find_free(pool) != LEDGER_NO_RECEIVER) {
                session_watch(session, EPOLLIN);
                if (pool_has_waiting(pool))
                        session_reconcile(session);
        }
        return session_has_workers(session) ? TICK_USEC : HANGING_TICK_USEC;
}

void session_renew(Session *session) {
        if (!session->pool)
                return;
        pool_retire_receiver(session->pool);
        session_reconcile(session);
}

void session_stop(Session *session) {
        session->stopping = true;
        (void)sd_event_source_set_enabled(session->source, SD_EVENT_OFF);
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
        if (pool && pool->n_processes > 0 && pool->processes[LEDGER_REJECTING].pid == 0 && !session->over)
                (void)session_spawn_worker(session, LEDGER_REJECTING, true);
}

/* Lets the launcher go on, and has a worker ready for what it becomes. */
static int session_answer_knock(Session *session) {
        Slot *slot;
        int r;

        r = session_need_pool(session);
        if (r < 0)
                return r;
        slot = ledger_slot(session->pool->ledger, 0);
        r = notify_send(session->listener_fd, &slot->reply);
        if (r < 0)
                return r;
        slot_clear(slot);
        (void)ledger_pass(session->pool->ledger, 0, SLOT_WAITING, SLOT_FREE);
        return session_spawn_worker(session, 0, true);
}

static void session_begin(Session *session) {
        session_records_start(session->context->report, &session->identity);
        (void)session_answer_knock(session);
        session_reconcile(session);
}

/* The session is durable: from here on it survives us, so its knock may be answered.  Should we not come to
 * it, the next daemon finds it in the ledger. */
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
        r = sd_event_add_io(context->event, &session->source, listener_fd, 0, on_listener, session);
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
        if (session_need_pool(session) >= 0 && session->pool->n_processes == 0 &&
                pool_has_knock(session->pool))
                session_begin(session);
        else
                session_reconcile(session);
        return 0;
}

Session *session_free(Session *session) {
        if (!session)
                return NULL;
        pool_free(session->pool);
        store_pending_free(session->pending);
        sd_event_source_unref(session->source);
        fd_close(session->listener_fd);
        fd_close(session->ledger_fd);
        free(session);
        return NULL;
}

const SessionIdentity *session_identity(const Session *session) {
        return &session->identity;
}

bool session_has_workers(const Session *session) {
        return session->pool && session->pool->n_processes > pool_count_hanging(session->pool);
}

uint32_t session_count_hanging(const Session *session) {
        return session->pool ? pool_count_hanging(session->pool) : 0;
}

int session_totals(const Session *session, LedgerTotals *ret) {
        return ledger_read_totals(session->ledger_fd, ret);
}
