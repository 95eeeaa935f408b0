/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rejects requests.  Run by workers and, for reject_slot() alone, by the daemon.  Owns, in a rejecting
 * worker, the mapping of the ledger and the slots that it holds.  Must never perform a call, touch a path,
 * or wait for anything but the listener and the journal: a rejecting worker is there because everything else
 * can hang. */

#include "worker/reject.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/notify.h"
#include "common/privileges.h"
#include "worker/fate.h"
#include "worker/record.h"

/* For how long the journal may hold up a rejecting worker. */
#define REPORT_PATIENCE_USEC 1000000U

/* The static of reject_run(). */
typedef struct Rejecter {
        const WorkerArguments *arguments;
        RejectReason reason;
        RejectContext context;
        LedgerHeader *header;
        Outbox outbox;
        uint32_t self;    /* as the holder of a slot */
        sigset_t waiting; /* the signal mask while it waits: SIGTERM gets through, and means to leave */
} Rejecter;

/* The record of a request names the caller, where there still is one. */
static void describe_caller(const RejectContext *context, Slot *slot) {
        TaskFacts facts;
        Target *target;

        task_facts_init(&facts);
        if (target_open(context->targets, (pid_t)slot->request.notif.pid, &target) == 0 &&
                task_reader_read(context->task_reader, target, TASK_STATUS, &facts) == 0) {
                slot->pid = (uint32_t)facts.tgid;
                slot->uid = facts.uids[1];
                memcpy(slot->comm, facts.comm, sizeof(slot->comm));
        }
        task_facts_done(&facts);
}

/* No worker has begun with the request: what the slot says beside it is about an earlier one. */
static void describe_request(const RejectContext *context, Slot *slot) {
        slot->generation = 0;
        slot->pid = slot->request.notif.pid;
        slot->uid = 0;
        slot->arguments = (Arguments){};
        slot->comm[0] = slot->rule[0] = slot->text[0] = '\0';
        for (size_t i = 0; i < LOCATIONS_MAX; i++) {
                SlotLocation *location = &slot->locations[i];

                location->argument_length = location->path_length = 0;
                location->argument[0] = location->path[0] = '\0';
        }
        if (context->targets)
                describe_caller(context, slot);
}

/* Puts the answer into the slot, from where a successor sends it. */
static void slot_set_rejection(const RejectContext *context, uint32_t index, int error, const char *why) {
        Slot *slot = ledger_slot(context->ledger, index);
        const Notification notification = {context->listener_fd, slot->request.notif.id};
        bool is_over = slot_phase(slot) == SLOT_RECEIVED && notification_is_gone(&notification);

        if (__atomic_load_n(&slot->taken_usec, __ATOMIC_RELAXED) == 0)
                describe_request(context, slot);
        (void)snprintf(slot->why, sizeof(slot->why), "%s", why);
        slot->error = error;
        slot->verdict = is_over ? SLOT_UNDECIDED : SLOT_TROUBLE;
        slot->before = ledger_header(context->ledger)->totals[index];
        notify_reply(&slot->reply, notification.id, 0, error);
        slot_set_phase(slot, SLOT_DONE);
}

static int send_reply(int listener_fd, NotifyReply *reply) {
        int r = notify_send(listener_fd, reply);

        if (r != -EINVAL)
                return r;
        /* A worker that was taken over has left something that is no reply. */
        notify_reply(reply, reply->response.id, 0, EIO);
        return notify_send(listener_fd, reply);
}

int reject_slot(const RejectContext *context, uint32_t index, int error, const char *why) {
        Slot *slot = ledger_slot(context->ledger, index), seen;
        int r;

        if (slot_phase(slot) == SLOT_SENT)
                fate_apply(slot, 0, 0, false);
        else if (slot_phase(slot) != SLOT_DONE)
                slot_set_rejection(context, index, error, why);
        memcpy(&seen, slot, sizeof(seen)); /* as it is now: another process may be able to write there */
        r = send_reply(context->listener_fd, &seen.reply);
        if (r < 0)
                return r;
        if (seen.verdict == SLOT_UNDECIDED || !context->report)
                return 0;
        (void)record_decision(context->session, ledger_header(context->ledger), index, &seen,
                context->profile, context->records_per_second, context->report);
        slot->verdict = SLOT_UNDECIDED;
        return 0;
}

bool reject_is_finished(const Slot *slot) {
        SlotPhase phase = slot_phase(slot);

        return (phase == SLOT_DONE || phase == SLOT_SENT) && slot->verdict == SLOT_UNDECIDED;
}

static int reject(Rejecter *rejecter, uint32_t index) {
        return rejecter->reason == REJECT_AFTER_STOP
                       ? reject_slot(&rejecter->context, index, ENOSYS, REJECT_STOPPED)
                       : reject_slot(&rejecter->context, index, ETIMEDOUT, REJECT_ALL_HANG);
}

/* A rejecting worker that was killed has performed nothing of the requests that it held: any worker may take
 * them. */
static void return_predecessors_slots(Rejecter *rejecter) {
        for (uint32_t i = 0; i < LEDGER_SLOTS; i++)
                (void)ledger_pass(rejecter->context.ledger, i, rejecter->self, SLOT_WAITING);
}

/* The requests that were received before. */
static int reject_waiting(Rejecter *rejecter) {
        Ledger *ledger = rejecter->context.ledger;
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < LEDGER_SLOTS; i++) {
                if (!ledger_pass(ledger, i, SLOT_WAITING, rejecter->self))
                        continue;
                if (slot_phase(ledger_slot(ledger, i)) != SLOT_EMPTY)
                        r = reject(rejecter, i);
                if (r == 0)
                        ledger_release(ledger, i, rejecter->self);
        }
        return r;
}

/* After a stop: those of workers that hang, and of workers that were killed.  They stay where they are: a
 * process that hangs may still write there when it ends. */
static int reject_held(Rejecter *rejecter) {
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < LEDGER_SLOTS; i++)
                if (slot_phase(ledger_slot(rejecter->context.ledger, i)) != SLOT_EMPTY)
                        r = reject(rejecter, i);
        return r;
}

/* Receives one request and rejects it.  Returns 0 or a negative errno; -ENOSPC where the other workers hold
 * all slots. */
static int reject_next(Rejecter *rejecter) {
        Ledger *ledger = rejecter->context.ledger;
        uint32_t index = 0;
        Slot *slot;
        int r;

        while (index < LEDGER_SLOTS && !ledger_pass(ledger, index, SLOT_FREE, rejecter->self))
                index++;
        if (index == LEDGER_SLOTS)
                return -ENOSPC;
        slot = ledger_slot(ledger, index);
        slot_clear(slot); /* RECV demands zeros */
        r = notify_receive(rejecter->context.listener_fd, &slot->request);
        if (r == 0) {
                __atomic_store_n(&slot->received_usec, clock_usec(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
                slot->attempts = 1;
                r = reject(rejecter, index);
        }
        if (r < 0 && r != -EINTR)
                return r;
        ledger_release(ledger, index, rejecter->self);
        return 0;
}

/* Waits for a call.  Returns 1, 0 where it is time to leave, or a negative errno. */
static int wait_for_call(const Rejecter *rejecter) {
        static const struct timespec idle = {.tv_sec = WORKER_IDLE_USEC / 1000000};
        bool stays = rejecter->reason == REJECT_AFTER_STOP;
        struct pollfd fds[] = {
                {.fd = rejecter->context.listener_fd, .events = POLLIN},
                {.fd = stays ? -1 : rejecter->arguments->daemon_fd, .events = POLLIN},
        };
        int r;

        r = ppoll(fds, sizeof(fds) / sizeof(fds[0]), stays ? NULL : &idle, &rejecter->waiting);
        if (r < 0)
                return errno == EINTR ? 0 : -errno;
        /* POLLHUP alone: the last target is gone. */
        return fds[1].revents == 0 && (fds[0].revents & POLLIN);
}

static bool is_wanted(const Rejecter *rejecter) {
        return rejecter->reason == REJECT_AFTER_STOP ||
               atomic_load_explicit(&rejecter->header->receiver, memory_order_acquire) ==
                       rejecter->arguments->number;
}

/* If another daemon starts meanwhile it ends this process, and the calls of the session are performed. */
static void wait_for_another_daemon(const Rejecter *rejecter) {
        struct pollfd fd = {.fd = rejecter->context.listener_fd}; /* POLLHUP: the last target is gone */
        uint64_t usec = policy_limits(rejecter->arguments->policy)->call_timeout_usec;

        (void)poll(&fd, 1, (int)(usec / 1000));
}

static void rejecter_send_records(const Rejecter *rejecter) {
        if (rejecter->context.report && report_is_pending(rejecter->context.report))
                report_flush(rejecter->context.report, REPORT_PATIENCE_USEC);
}

/* After a stop: the requests that were received before it are recorded.  Later calls are not supervised. */
static int reject_received(Rejecter *rejecter) {
        int r;

        wait_for_another_daemon(rejecter);
        r = reject_held(rejecter);
        if (r >= 0)
                r = reject_waiting(rejecter);
        rejecter_send_records(rejecter);
        rejecter->context.report = NULL;
        return r;
}

static int rejecter_loop(Rejecter *rejecter) {
        int r = 1;

        return_predecessors_slots(rejecter);
        if (rejecter->reason == REJECT_AFTER_STOP) {
                r = reject_received(rejecter);
                if (r < 0)
                        return r;
                r = 1;
        }
        while (r > 0 && is_wanted(rejecter)) {
                r = reject_waiting(rejecter);
                if (r < 0)
                        break;
                rejecter_send_records(rejecter);
                r = wait_for_call(rejecter);
                if (r > 0 && is_wanted(rejecter)) {
                        r = reject_next(rejecter);
                        r = r < 0 ? r : 1;
                }
        }
        return r < 0 ? r : 0;
}

static void on_sigterm(int signal) {
        (void)signal; /* its only effect is to end the ppoll() that lets it through */
}

static int rejecter_init(Rejecter *rejecter, const WorkerArguments *arguments, RejectReason reason) {
        const struct sigaction action = {.sa_handler = on_sigterm};
        RejectContext *context = &rejecter->context;
        int r;

        *rejecter = (Rejecter){.arguments = arguments, .reason = reason, .self = arguments->number + 1};
        *context = (RejectContext){
                .listener_fd = arguments->listener_fd,
                .session = &arguments->session,
                .profile = arguments->profile,
                .records_per_second = policy_limits(arguments->policy)->records_per_second,
                .report = arguments->report,
        };
        if (sigaction(SIGTERM, &action, NULL) < 0 || sigprocmask(SIG_SETMASK, NULL, &rejecter->waiting) < 0)
                return -errno;
        (void)sigdelset(&rejecter->waiting, SIGTERM);
        r = privileges_drop();
        if (r >= 0)
                r = sandbox_enter(arguments->sandbox);
        if (r >= 0)
                r = ledger_lock_worker(arguments->ledger_fd, arguments->number);
        if (r >= 0)
                r = ledger_map(arguments->ledger_fd, &context->ledger);
        if (r < 0)
                return r;
        rejecter->header = ledger_header(context->ledger);
        rejecter->outbox = ledger_outbox(context->ledger, arguments->number);
        report_set_patience(context->report, REPORT_PATIENCE_USEC);
        report_use_outbox(context->report, &rejecter->outbox);
        r = target_cache_new(&context->targets);
        return r < 0 ? r : procfs_task_reader_new(&context->task_reader);
}

/* What the journal does not take now stays in the outbox for the next rejecting worker. */
static void rejecter_leave(const Rejecter *rejecter) {
        Report *report = rejecter->arguments->report;

        if (!rejecter->context.ledger)
                return;
        record_excess(rejecter->context.session, rejecter->header, report);
        report_flush(report, REPORT_PATIENCE_USEC);
        (void)atomic_fetch_add(&rejecter->header->lost, report_count_dropped(report));
        report_drain(report, REPORT_PATIENCE_USEC);
        if (!report_is_pending(report))
                ledger_trim_outbox(rejecter->context.ledger, rejecter->arguments->number);
}

int reject_run(const WorkerArguments *arguments, RejectReason reason) {
        static Rejecter rejecter; /* the process is the rejecting worker: the kernel frees what it owns */
        int r;

        r = rejecter_init(&rejecter, arguments, reason);
        if (r >= 0)
                r = rejecter_loop(&rejecter);
        if (r < 0)
                (void)report_line(arguments->report, REPORT_ERROR,
                        "the rejecting worker of a session failed: %s", strerror(-r));
        rejecter_leave(&rejecter);
        return r < 0 ? WORKER_EXIT_FAILED : WORKER_EXIT_IDLE;
}
