/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's loop: wait, RECV into slots, take one, handle it (handler.c), answer, record.  A worker is a
 * process of its own that holds one session's listener and nothing of any other session.  Owns the slots
 * that it holds and its outbox.  Must never let the kernel continue a call that was decided by the target's
 * memory, and hold nothing of the target's - no working directory, no root, no fd - once the target goes on.
 */

#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "common/notify.h"
#include "worker/handler.h"
#include "worker/pending.h"
#include "worker/record.h"
#include "worker/reject.h"

/* For how long the journal may hold up a worker: see report_set_patience(), report_drain(). */
#define REPORT_PATIENCE_USEC 1000000U
/* The same at the end of a session: no call waits for the worker, and no later worker sends what it leaves.
 */
#define LAST_PATIENCE_USEC 10000000U
/* A record is not kept back for much longer than this, however busy the session is. */
#define FLUSH_USEC 50000U

typedef struct Worker {
        const WorkerArguments *arguments;
        Ledger *ledger;
        LedgerHeader *header;
        MemoryBudget budget;
        Pending pending;
        RequestContext request_context;
        RequestHandler *handler;
        uint64_t reported_usec; /* when it reported last; 0: never */
        uint64_t flushed_usec;  /* when it sent records last */
        uint32_t next;          /* where it looks first for a request that waits */
        uint32_t last_tid;      /* of the last caller */
        bool crowded;           /* several threads have called since it waited last */
} Worker;

static bool is_receiver(const Worker *worker) {
        return atomic_load_explicit(&worker->header->receiver, memory_order_acquire) ==
               worker->arguments->number;
}

/* Takes the slot from that holder; returns NULL where another one has it. */
static Slot *take(Worker *worker, uint32_t index, uint32_t from) {
        if (!ledger_pass(worker->ledger, index, from, worker->arguments->number + 1))
                return NULL;
        return ledger_slot(worker->ledger, index);
}

static void give(Worker *worker, uint32_t index, uint32_t to) {
        (void)ledger_pass(worker->ledger, index, worker->arguments->number + 1, to);
}

static void release(Worker *worker, uint32_t index) {
        ledger_release(worker->ledger, index, worker->arguments->number + 1);
}

/* Returns 0, NOTIFY_GONE or a negative errno. */
static int send_reply(const Worker *worker, Slot *slot) {
        int r = notify_send(worker->arguments->listener_fd, &slot->reply);

        if (r != -EINVAL)
                return r;
        /* A compromised predecessor left something that is no reply: each successor would fail by it. */
        notify_reply(&slot->reply, slot->request.notif.id, 0, EIO);
        return notify_send(worker->arguments->listener_fd, &slot->reply);
}

/* The daemon killed a predecessor that took too long over the request. */
static int reject_overdue(Worker *worker, uint32_t index) {
        const WorkerArguments *arguments = worker->arguments;
        const RejectContext context = {
                .listener_fd = arguments->listener_fd,
                .ledger = worker->ledger,
                .session = &arguments->session,
                .profile = arguments->profile,
                .records_per_second = policy_limits(arguments->policy)->records_per_second,
                .report = arguments->report,
        };
        int r = reject_slot(&context, index, ETIMEDOUT, REJECT_TIMED_OUT);

        if (r < 0)
                return r;
        worker->reported_usec = clock_usec(CLOCK_MONOTONIC);
        release(worker, index);
        return 0;
}

/* Does the target perform the call itself, so that the result comes after the answer? */
static bool is_to_be_seen(const Slot *slot) {
        return slot->permit != SLOT_PERMIT_NONE && slot->verdict != SLOT_UNDECIDED &&
               (slot->reply.response.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static bool is_answered(const Slot *slot) {
        SlotPhase phase = slot_phase(slot);

        return phase == SLOT_DONE || phase == SLOT_SENT;
}

/* Finishes the request in the slot, in whatever phase it is, and frees the slot; or gives it to `pending`.
 * Returns 0, REQUEST_LEFT, or a negative errno: then the successor goes on with it. */
static int finish(Worker *worker, uint32_t index) {
        const WorkerArguments *arguments = worker->arguments;
        Slot *slot = ledger_slot(worker->ledger, index);
        int r;

        if (!is_answered(slot) && ledger_is_overdue(worker->ledger, index))
                return reject_overdue(worker, index);
        if (!is_answered(slot)) {
                r = request_handle(worker->handler, index);
                if (r == REQUEST_GONE) {
                        release(worker, index);
                        return 0;
                }
                if (r != REQUEST_DONE)
                        return r;
        }

        if (is_to_be_seen(slot) && slot_phase(slot) == SLOT_DONE)
                ledger_await_fate(worker->ledger, index, slot->reply.response.id);
        r = slot_phase(slot) == SLOT_SENT ? 0 : send_reply(worker, slot);
        if (r < 0)
                return r;
        if (is_to_be_seen(slot)) {
                pending_add(&worker->pending, index);
                return 0;
        }
        if (slot->verdict != SLOT_UNDECIDED) {
                worker->reported_usec =
                        record_decision(&arguments->session, worker->header, index, slot, arguments->profile,
                                policy_limits(arguments->policy)->records_per_second, arguments->report);
        }
        release(worker, index);
        return 0;
}

static void flush(Worker *worker, uint64_t patience_usec) {
        report_flush(worker->arguments->report, patience_usec);
        worker->flushed_usec = clock_usec(CLOCK_MONOTONIC);
}

/* Waits until there is something to do: a request, or the end.  Meanwhile records are sent as the journal
 * takes them; while requests keep coming, now and then.  Returns what ppoll() does for the first n of fds,
 * which has room for one more. */
static int wait_request(Worker *worker, struct pollfd *fds, nfds_t n) {
        static const struct timespec idle = {.tv_sec = WORKER_IDLE_USEC / 1000000};
        const sigset_t *waiting = &worker->request_context.waiting;
        Report *report = worker->arguments->report;
        bool wanted = false;
        int r;

        while (report_is_pending(report) || pending_is_any(&worker->pending)) {
                const struct timespec pause = {.tv_nsec = (long)worker->pending.pause_usec * 1000};
                bool sends = report_is_pending(report), looks = pending_is_any(&worker->pending);

                fds[n] = (struct pollfd){.fd = report_fd(report), .events = POLLOUT};
                r = ppoll(fds, n + sends, looks ? &pause : &idle, waiting);
                if (r == 0 && looks) {
                        pending_look(&worker->pending);
                        continue;
                }
                if (r <= 0 || !sends)
                        return r;
                for (nfds_t i = 0; i < n; i++)
                        wanted |= fds[i].revents != 0;
                if (!wanted || clock_usec(CLOCK_MONOTONIC) - worker->flushed_usec > FLUSH_USEC)
                        flush(worker, 0);
                if (wanted)
                        return 1;
        }
        return ppoll(fds, n, &idle, waiting);
}

/* Returns 0, NOTIFY_GONE or a negative errno. */
static int receive_into(const Worker *worker, Slot *slot) {
        int r = notify_receive(worker->arguments->listener_fd, &slot->request);

        if (r != -EINVAL)
                return r;
        /* The slot is not all zero: a compromised worker may have left it so. */
        slot_clear(slot);
        return notify_receive(worker->arguments->listener_fd, &slot->request);
}

/* Receives one request, which then waits in its slot to be taken.  Only the receiver calls this, after
 * poll(), so that it does not block; unless the daemon has appointed another receiver meanwhile, which was
 * faster.  Then this worker blocks until one more request comes or the daemon kills it
 * (pool_kill_stragglers()); so it must have no request in hand.  Returns 1, 0 where there was none after all
 * or no room for it, or a negative errno. */
static int receive(Worker *worker) {
        uint32_t index = 0;
        Slot *slot;
        int r;

        while (index < LEDGER_SLOTS && !(slot = take(worker, index, SLOT_FREE)))
                index++;
        if (index == LEDGER_SLOTS) {
                (void)pending_give_up_oldest(&worker->pending);
                return 0;
        }
        r = receive_into(worker, slot);
        if (r != 0) {
                give(worker, index, SLOT_FREE);
                return r == NOTIFY_GONE || r == -EINTR ? 0 : r;
        }
        __atomic_store_n(&slot->received_usec, clock_usec(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
        slot->attempts = 1;
        slot_set_phase(slot, SLOT_RECEIVED);
        worker->crowded |= worker->last_tid != slot->request.notif.pid;
        worker->last_tid = slot->request.notif.pid;
        give(worker, index, SLOT_WAITING);
        return 1;
}

/* Receives what else there is.  A signal interrupts a call that is not received yet, as it does not
 * natively.  So where several threads call, none should wait in the kernel while the worker is at another
 * request. */
static int receive_all(Worker *worker) {
        struct pollfd fd = {.fd = worker->arguments->listener_fd, .events = POLLIN};
        int r = 1;

        while (r > 0 && is_receiver(worker)) {
                if (poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLIN))
                        return 0;
                r = receive(worker);
        }
        return r < 0 ? r : 0;
}

/* Waits for requests.  Returns 1, 0 where it is time to leave, or a negative errno. */
static int wait_and_receive(Worker *worker) {
        struct pollfd fds[3] = {
                {.fd = worker->arguments->listener_fd, .events = POLLIN},
                {.fd = worker->arguments->daemon_fd, .events = POLLIN},
        };
        int r;

        r = wait_request(worker, fds, 2);
        if (r < 0 && errno != EINTR)
                return -errno;
        if (r <= 0 || fds[1].revents != 0)
                return 0;
        if (!(fds[0].revents & POLLIN)) /* POLLHUP alone: the last target is gone */
                return 0;
        if (!is_receiver(worker))
                return 0;
        r = receive(worker);
        return r < 0 ? r : 1;
}

static void begin(Slot *slot) {
        __atomic_store_n(&slot->taken_usec, clock_usec(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
}

/* Takes a request that waits; the slots take turns.  Returns its slot's index, or LEDGER_SLOTS. */
static uint32_t take_waiting(Worker *worker) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                uint32_t index = (worker->next + i) % LEDGER_SLOTS;
                Slot *slot = take(worker, index, SLOT_WAITING);

                if (!slot)
                        continue;
                if (!is_receiver(worker)) {
                        /* No longer: the request may have come after a reload, and is the successor's. */
                        give(worker, index, SLOT_WAITING);
                        return LEDGER_SLOTS;
                }
                if (slot_phase(slot) != SLOT_EMPTY) {
                        begin(slot);
                        worker->next = index + 1;
                        return index;
                }
                /* the knock of a daemon that died just after it had answered it */
                give(worker, index, SLOT_FREE);
        }
        return LEDGER_SLOTS;
}

/* Finishes what a predecessor held when it died.  Returns as finish(). */
static int finish_predecessors(Worker *worker) {
        uint32_t self = worker->arguments->number + 1;
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < LEDGER_SLOTS; i++) {
                uint32_t holder = atomic_load(&worker->header->holders[i]);
                Slot *slot = ledger_slot(worker->ledger, i);

                if (holder > LEDGER_WORKERS && holder != SLOT_WAITING) /* no worker has that number */
                        (void)ledger_pass(worker->ledger, i, holder, SLOT_WAITING);
                if (holder != self)
                        continue;
                if (slot->request.notif.id == 0 && slot->request.notif.pid == 0)
                        slot_clear(slot); /* it may have died in slot_clear() */
                if (slot_phase(slot) == SLOT_EMPTY) {
                        give(worker, i, SLOT_FREE);
                        continue;
                }
                slot->attempts++;
                begin(slot);
                if (slot->received_usec == 0)
                        slot->received_usec = slot->taken_usec;
                r = finish(worker, i);
        }
        return r;
}

static int worker_loop(Worker *worker) {
        uint32_t index;
        int r;

        r = finish_predecessors(worker);
        while (r == 0 && is_receiver(worker)) {
                index = take_waiting(worker);
                if (index < LEDGER_SLOTS) {
                        r = finish(worker, index);
                        pending_settle(&worker->pending);
                } else {
                        worker->crowded = false;
                        r = wait_and_receive(worker);
                        if (r <= 0)
                                break;
                        r = 0;
                }
                if (r == 0 && worker->crowded)
                        r = receive_all(worker);
        }
        if (r < 0) /* the successor goes on with it */
                return r;
        pending_finish(&worker->pending);
        return 0;
}

static int worker_init(Worker *worker, const WorkerArguments *arguments) {
        Outbox outbox;
        int r;

        worker->arguments = arguments;
        /* Before the sandbox: nothing can be opened for writing in there. */
        memory_budget_init(&worker->budget, arguments->cgroup_fd);
        r = sandbox_enter(arguments->sandbox);
        if (r < 0)
                return r;
        worker->request_context = (RequestContext){.arguments = arguments, .budget = &worker->budget};
        if (sigprocmask(SIG_SETMASK, NULL, &worker->request_context.waiting) < 0)
                return -errno;
        (void)sigdelset(&worker->request_context.waiting, SIGTERM);

        /* No fd of the ledger is ever closed: closing one releases the lock (fcntl(2)). */
        r = worker->request_context.lock_fd = ledger_open_lock(arguments->ledger_fd);
        if (r >= 0)
                r = ledger_lock_worker(arguments->ledger_fd, arguments->number);
        if (r >= 0)
                r = ledger_map(arguments->ledger_fd, &worker->ledger);
        if (r < 0)
                return r;
        worker->header = ledger_header(worker->ledger);
        worker->request_context.ledger = worker->ledger;
        worker->pending = (Pending){.arguments = arguments, .ledger = worker->ledger};
        (void)notify_set_sync_wake_up(
                arguments->listener_fd, true); /* the daemon has recorded where that is missing */
        outbox = ledger_outbox(worker->ledger, arguments->number);
        report_use_outbox(arguments->report, &outbox);
        return request_handler_new(&worker->request_context, &worker->handler);
}

static void on_sigterm(int signal) {
        (void)signal; /* its only effect is to end the ppoll() that lets it through */
}

/* Before exiting, return the memory of unused slots to the kernel. */
static void trim_slots(Worker *worker) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
                Slot *slot = take(worker, i, SLOT_FREE);

                if (slot) {
                        slot_trim(slot);
                        give(worker, i, SLOT_FREE);
                }
        }
}

/* Sends the records that are left.  If the journal does not take them the next worker tries again; but after
 * the last target there is none. */
static void send_last_records(Worker *worker) {
        struct pollfd fd = {.fd = worker->arguments->listener_fd, .events = POLLIN};
        bool over = poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP);
        Report *report = worker->arguments->report;

        record_excess(&worker->arguments->session, worker->header, report);
        flush(worker, over ? LAST_PATIENCE_USEC : REPORT_PATIENCE_USEC);
        if (over)
                report_drop(report);
        atomic_fetch_add(&worker->header->lost, report_count_dropped(report));
        /* One that leaves for want of work reported long ago, and calls may be waiting for it to be gone. */
        if (worker->pending.reported_usec > worker->reported_usec)
                worker->reported_usec = worker->pending.reported_usec;
        if (worker->reported_usec > 0 &&
                clock_usec(CLOCK_MONOTONIC) - worker->reported_usec < WORKER_IDLE_USEC / 2)
                report_drain(report, REPORT_PATIENCE_USEC);
        if (!report_is_pending(report))
                ledger_trim_outbox(worker->ledger, worker->arguments->number);
        trim_slots(worker);
}

int worker_run(const WorkerArguments *arguments) {
        static Worker worker; /* the process is the worker: what it owns goes with it */
        const struct sigaction action = {.sa_handler = on_sigterm};
        int r;

        (void)sigaction(SIGTERM, &action, NULL);
        report_set_patience(arguments->report, REPORT_PATIENCE_USEC);
        r = worker_init(&worker, arguments);
        if (r == 0)
                r = worker_loop(&worker);
        /* Its end is that of a helper which does not leave; the successor goes on with the request. */
        if (r == -ETIME)
                r = 0;
        if (r < 0) {
                (void)report_line(
                        arguments->report, REPORT_ERROR, "a worker had to give up: %s", strerror(-r));
                worker.reported_usec = clock_usec(CLOCK_MONOTONIC);
        }
        if (worker.ledger)
                send_last_records(&worker);
        return r < 0 ? WORKER_EXIT_FAILED : WORKER_EXIT_IDLE;
}
