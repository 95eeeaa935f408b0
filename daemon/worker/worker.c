/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The data plane's loop: wait, RECV into the slot, handle (request.c), answer, report.  Runs in a process of
 * its own that holds one session's listener and nothing of any other.  Owns its slot of the ledger.  Must
 * never let the kernel continue a call whose memory was judged, and leave nothing of the target's - no
 * working directory, no root, no fd - in hand once the target goes on. */

#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "common/notify.h"
#include "record.h"
#include "request.h"

/* For how long the journal may hold up a worker: see report_set_patience(), report_drain(). */
#define REPORT_PATIENCE_USEC 1000000U
/* A record is not kept back for much longer than this, however busy the session is. */
#define FLUSH_USEC 50000U

typedef struct Worker {
        const WorkerArguments *arguments;
        Ledger *ledger;
        LedgerHeader *header;
        Slot *slot;
        RequestHost request_host;
        RequestHandler *handler;
        uint64_t reported_usec; /* when it reported last; 0: never */
        uint64_t flushed_usec;  /* when it sent records last */
} Worker;

/* Finishes the request in the slot, in whatever phase it is.  Returns 0, REQUEST_LEFT, or a negative errno.
 */
static int finish(Worker *worker) {
        const WorkerArguments *arguments = worker->arguments;
        Slot *slot = worker->slot;
        int r;

        if (slot_phase(slot) != SLOT_DONE) {
                r = request_handle(worker->handler, slot);
                if (r == REQUEST_GONE)
                        slot_clear(slot);
                if (r == REQUEST_LEFT)
                        slot->attempts--; /* it didn't die of it */
                if (r != REQUEST_ANSWERED)
                        return r == REQUEST_GONE ? 0 : r;
        }

        r = notify_send(arguments->listener_fd, &slot->reply);
        if (r < 0)
                return r;
        if (slot->verdict != SLOT_KNOCK) {
                record_decision(worker->header, slot, arguments->profile, arguments->report);
                worker->reported_usec = clock_usec(CLOCK_MONOTONIC);
        }
        slot_clear(slot);
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
        const sigset_t *waiting = &worker->request_host.waiting;
        Report *report = worker->arguments->report;
        bool wanted = false;
        int r;

        while (report_is_pending(report)) {
                fds[n] = (struct pollfd){.fd = report_fd(report), .events = POLLOUT};
                r = ppoll(fds, n + 1, &idle, waiting);
                if (r <= 0)
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

/* Waits for a request and receives it.  Returns 1, 0 where it is time to leave, or a negative errno. */
static int receive(Worker *worker) {
        struct pollfd fds[3] = {
                {.fd = worker->arguments->listener_fd, .events = POLLIN},
                {.fd = worker->arguments->daemon_fd, .events = POLLIN},
        };
        Slot *slot = worker->slot;
        int r;

        r = wait_request(worker, fds, 2);
        if (r < 0 && errno != EINTR)
                return -errno;
        if (r <= 0 || fds[1].revents != 0)
                return 0;
        if (!(fds[0].revents & POLLIN)) /* POLLHUP alone: the last target is gone */
                return 0;

        /* Only the receiver comes here, so that this doesn't block; unless another receiver was made
         * meanwhile, who was faster.  Then we wait in here for one request more, or for the daemon to lose
         * its patience (crew_kill_stragglers()). */
        r = notify_receive(worker->arguments->listener_fd, &slot->request);
        if (r < 0 && r != -EINTR)
                return r;
        if (r == 0) {
                __atomic_store_n(&slot->received_usec, clock_usec(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
                slot->attempts = 1;
                slot_set_phase(slot, SLOT_RECEIVED);
        }
        return 1;
}

static bool is_receiver(const Worker *worker) {
        return atomic_load_explicit(&worker->header->receiver, memory_order_acquire) ==
               worker->arguments->slot;
}

static int worker_loop(Worker *worker) {
        const struct seccomp_notif *notif = &worker->slot->request.notif;
        int r;

        if (notif->id == 0 && notif->pid == 0)
                slot_clear(worker->slot); /* a predecessor may have died while it did that */
        if (slot_phase(worker->slot) != SLOT_EMPTY) {
                worker->slot->attempts++;
                if (worker->slot->received_usec == 0)
                        worker->slot->received_usec = clock_usec(CLOCK_MONOTONIC);
        }
        for (;;) {
                if (slot_phase(worker->slot) != SLOT_EMPTY) {
                        r = finish(worker);
                        if (r != 0)
                                return r < 0 ? r : 0;
                }
                if (!is_receiver(worker))
                        return 0;
                r = receive(worker);
                if (r <= 0)
                        return r;
        }
}

static int worker_init(Worker *worker, const WorkerArguments *arguments) {
        Outbox outbox;
        int r;

        worker->arguments = arguments;
        worker->request_host = (RequestHost){
                .listener_fd = arguments->listener_fd,
                .host_root_fd = arguments->host_root_fd,
                .policy = arguments->policy,
                .profile = arguments->profile,
                .report = arguments->report,
        };
        if (sigprocmask(SIG_SETMASK, NULL, &worker->request_host.waiting) < 0)
                return -errno;
        (void)sigdelset(&worker->request_host.waiting, SIGTERM);

        r = ledger_map(arguments->ledger_fd, &worker->ledger);
        if (r < 0)
                return r;
        worker->header = ledger_header(worker->ledger);
        worker->slot = ledger_slot(worker->ledger, arguments->slot);
        (void)notify_set_sync_wake_up(
                arguments->listener_fd, true); /* the daemon has said so where it is missing */
        outbox = slot_outbox(worker->slot);
        report_use_outbox(arguments->report, &outbox);
        return request_handler_new(&worker->request_host, &worker->handler);
}

static void on_sigterm(int signal) {
        (void)signal; /* its only effect is to end the ppoll() that lets it through */
}

/* Sends what is left.  If the journal doesn't take it the next worker tries again; but after the last target
 * there is none. */
static void say_the_last(Worker *worker) {
        struct pollfd fd = {.fd = worker->arguments->listener_fd, .events = POLLIN};
        Report *report = worker->arguments->report;

        flush(worker, REPORT_PATIENCE_USEC);
        if (report_is_pending(report) && poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP))
                report_drop(report);
        atomic_fetch_add(&worker->header->lost, report_count_dropped(report));
        /* One that leaves for want of work reported long ago, and calls may be waiting for it to be gone. */
        if (worker->reported_usec > 0 &&
                clock_usec(CLOCK_MONOTONIC) - worker->reported_usec < WORKER_IDLE_USEC / 2)
                report_drain(report, REPORT_PATIENCE_USEC);
        if (slot_phase(worker->slot) == SLOT_EMPTY && !report_is_pending(report))
                slot_trim(worker->slot);
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
        if (r < 0) {
                (void)report_line(
                        arguments->report, REPORT_ERROR, "a worker had to give up: %s", strerror(-r));
                worker.reported_usec = clock_usec(CLOCK_MONOTONIC);
        }
        if (worker.slot)
                say_the_last(&worker);
        return r < 0 ? WORKER_EXIT_FAILED : WORKER_EXIT_IDLE;
}
