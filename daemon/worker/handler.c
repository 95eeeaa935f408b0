/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request from RECEIVED to its reply, in stages: read the target, pin the places, decide, carry it out.
 * Run by the worker.  Owns what is needed for that and kept between requests.  Must never become the
 * target's uid, and never act on what was read before the notification was seen to be still valid. */

#include "worker/handler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "worker/decision.h"
#include "worker/delay.h"
#include "worker/executor/executor.h"
#include "worker/executor/pin.h"
#include "worker/landlock.h"
#include "worker/location/object.h"
#include "worker/target/memory.h"

/* So many helpers are tried for one request. */
#define HELPERS_MAX 3U

struct RequestHandler {
        const RequestContext *context;
        const Executor *executor;
        TargetCache *targets;
        HostMounts *host_mounts;
        Impersonation impersonation;
        LedgerObject parents[LOCATIONS_MAX]; /* of the last call that was performed, with their handles */
        Decider decider;
        Request request; /* the one in hand */
};

static int read_host_mounts(const TargetCache *targets, bool own, HostMounts **ret) {
        int fd, r = target_open_host_mounts(targets, own, &fd);

        return r < 0 ? r : host_mounts_new(fd, ret);
}

/* Process 1's list, unless the host's root directory is on a mount of the worker's own: see host_open(). */
static int find_host_mounts(const TargetCache *targets, int host_root_fd, HostMounts **ret) {
        HostMounts *own = NULL;
        TargetRoot root;
        int r;

        r = target_root_of_fd(host_root_fd, &root);
        if (r < 0)
                return r;
        r = read_host_mounts(targets, false, ret);
        if (r >= 0 && host_mounts_find(*ret, root.mount_id))
                return 0;
        if (read_host_mounts(targets, true, &own) < 0)
                return r;
        if (r >= 0 && !host_mounts_find(own, root.mount_id)) {
                host_mounts_free(own);
                return 0;
        }
        if (r >= 0)
                host_mounts_free(*ret);
        *ret = own;
        return 0;
}

int request_handler_new(const RequestContext *context, RequestHandler **ret) {
        RequestHandler *handler;
        int r;

        handler = calloc(1, sizeof(*handler));
        if (!handler)
                return -ENOMEM;
        handler->context = context;
        handler->executor = &executor_acting;
        credentials_init(&handler->request.facts.credentials);
        handler->request.notification.listener_fd = context->listener_fd;
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                handler->request.locations[i].parent = (Parent){.fd = -EBADF};
        r = target_cache_new(&handler->targets);
        if (r >= 0)
                r = find_host_mounts(handler->targets, context->host_root_fd, &handler->host_mounts);
        handler->impersonation = (Impersonation){
                .host_mounts = handler->host_mounts,
                .helper_sandbox = context->helper_sandbox,
                .lock_fd = context->lock_fd,
                .number = context->number,
        };
        if (r >= 0)
                r = impersonation_init(&handler->impersonation, context->host_root_fd);
        if (r < 0) {
                request_handler_free(handler);
                return r;
        }
        handler->decider = (Decider){
                .profile = context->profile,
                .host_mounts = handler->host_mounts,
                .impersonation = &handler->impersonation,
                .request = &handler->request,
        };
        *ret = handler;
        return 0;
}

RequestHandler *request_handler_free(RequestHandler *handler) {
        if (!handler)
                return NULL;
        target_cache_free(handler->targets);
        impersonation_done(&handler->impersonation);
        host_mounts_free(handler->host_mounts);
        credentials_done(&handler->request.facts.credentials);
        free(handler);
        return NULL;
}

static LedgerHeader *header(const RequestHandler *handler) {
        return ledger_header(handler->context->ledger);
}

/* The request cannot be decided on or carried out. */
static int fail(RequestHandler *handler, int error, const char *why) {
        Slot *slot = handler->request.slot;

        (void)snprintf(slot->why, sizeof(slot->why), "%s", why);
        slot->verdict = SLOT_TROUBLE;
        handler->request.outcome = outcome_error(error);
        return REQUEST_DONE;
}

static void forget_decision(Slot *slot) {
        slot->verdict = SLOT_TROUBLE;
        slot->error = 0;
        slot->pid = slot->request.notif.pid;
        slot->uid = 0;
        slot->arguments = (Arguments){};
        slot->comm[0] = slot->rule[0] = slot->why[0] = '\0';
        for (unsigned i = 0; i < LOCATIONS_MAX; i++) {
                slot->locations[i].path[0] = '\0';
                slot->locations[i].path_length = 0;
        }
}

static void forget_arguments(Slot *slot) {
        slot->text[0] = '\0';
        for (unsigned i = 0; i < LOCATIONS_MAX; i++) {
                slot->locations[i].argument_length = 0;
                slot->locations[i].argument[0] = '\0';
        }
}

static void note_caller(Request *request) {
        Slot *slot = request->slot;

        slot->pid = (uint32_t)request->facts.tgid;
        slot->uid = request->facts.uids[1];
        memcpy(slot->comm, request->facts.comm, sizeof(slot->comm));
}

static int read_facts(RequestHandler *handler) {
        Request *request = &handler->request;
        bool fresh;
        int r;

        r = target_open(handler->targets, (pid_t)request->slot->request.notif.pid, &request->target, &fresh);
        if (r == 0)
                r = task_reader_read(request->target, &request->facts);
        if (r != 0)
                return r == TARGET_GONE ? REQUEST_GONE : r;
        note_caller(request);
        return REQUEST_PROCEED;
}

/* Did a process die over the request when it may have performed the call? */
static bool was_begun(const Request *request) {
        return slot_phase(request->slot) == SLOT_ACTING && intent_state(request->intent) == INTENT_BEGUN;
}

/* Begins where a process that died over the request has left it. */
static int resume(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;

        if (was_begun(request))
                return REQUEST_PROCEED;
        if (slot_phase(slot) == SLOT_ACTING && intent_state(request->intent) == INTENT_DONE) {
                slot->verdict = SLOT_ALLOWED;
                request->outcome = outcome_error(request->intent->error);
                return REQUEST_DONE;
        }
        slot_set_phase(slot, SLOT_RECEIVED);
        forget_decision(slot);
        forget_arguments(slot);
        return REQUEST_PROCEED;
}

/* Landlock's mark is read where some process of the session has one alone. */
static int read_restricted(RequestHandler *handler) {
        int r = 0;

        if (atomic_load_explicit(&header(handler)->landlocked, memory_order_relaxed))
                r = landlock_is_marked(handler->request.target);
        handler->request.restricted = r > 0;
        return r < 0 ? r : REQUEST_PROCEED;
}

static int read_caller(RequestHandler *handler) {
        Request *request = &handler->request;
        const struct seccomp_notif *notif = &request->slot->request.notif;
        int r;

        request->call = call_find(&notif->data);
        if (!request->call)
                return fail(handler, ENOSYS, "snotifyd does not know this call");
        request->operation = operation_of(request->call->kind);
        if (notif->pid == 0)
                return fail(handler, EPERM, "it is outside of snotifyd's PID namespace");
        r = read_facts(handler);
        return r == REQUEST_PROCEED && request->operation ? read_restricted(handler) : r;
}

/* Reads a path into the slot, where a successor finds it: what the target's other threads write there from
 * now on does not matter any more. */
static int read_path(Request *request, unsigned i) {
        SlotLocation *location = &request->slot->locations[i];
        size_t length = 0;
        int r;

        r = memory_read_string(
                request->target, request->slot->arguments.paths[i], location->argument, &length);
        location->argument_length = (uint32_t)length;
        switch (r) {
        case 0:
                return length == 0 ? (int)request_fails(request, ENOENT) : REQUEST_PROCEED;
        case TARGET_GONE:
                return REQUEST_GONE;
        case TARGET_FAULT:
                location->argument[0] = '\0';
                return request_fails(request, EFAULT);
        case TARGET_TOO_LONG:
                location->argument[LEDGER_ARGUMENT_SIZE - 1] = '\0';
                location->argument_length = LEDGER_ARGUMENT_SIZE - 1;
                return request_fails(request, ENAMETOOLONG);
        default:
                return r;
        }
}

/* Where a process died over the call, the slot has its paths. */
static int read_arguments(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;
        int r = REQUEST_PROCEED;

        call_arguments(request->call, &slot->request.notif.data, &slot->arguments);
        for (unsigned i = 0; r == REQUEST_PROCEED && i < request_n_locations(request); i++) {
                if (!was_begun(request))
                        r = read_path(request, i);
                if (r == REQUEST_PROCEED)
                        location_split(slot->locations[i].argument,
                                strnlen(slot->locations[i].argument, LEDGER_ARGUMENT_SIZE - 1),
                                &request->locations[i]);
        }
        return r;
}

static int pin(RequestHandler *handler) {
        Request *request = &handler->request;
        int r = pin_locations(&handler->impersonation, request);

        handler->decider.now_usec = request->slot->taken_usec;
        for (unsigned i = 0; i < request_n_locations(request); i++)
                request->locations[i].target_path_is_known = request->locations[i].parent.in_host_root;
        return r;
}

/* A process died over the call when it may have been performed.  pinned is how pinning went.  Where nothing
 * came of it the request is as it was received. */
static int find_out(RequestHandler *handler, int pinned) {
        Request *request = &handler->request;
        Outcome outcome = request->outcome;
        int r = handler->executor->find_out(&handler->impersonation, request);

        if (r < 0)
                return fail(handler, EIO,
                        r == -ESTALE
                                ? "a process died over it, and its parent directory is not the same any more"
                                : "a process died over it, and what came of it cannot be found out");
        request->slot->verdict = SLOT_ALLOWED;
        if (r == REQUEST_DECIDED)
                return REQUEST_DONE;
        slot_set_phase(request->slot, SLOT_RECEIVED);
        forget_decision(request->slot);
        note_caller(request);
        call_arguments(request->call, &request->slot->request.notif.data, &request->slot->arguments);
        request->outcome = outcome;
        request->slot->verdict = SLOT_ALLOWED;
        return pinned;
}

/* The kernel performs a call of which nothing was decided by what the target can change. */
static int let_continue(Request *request) {
        request->slot->verdict = SLOT_UNDECIDED;
        request->outcome = (Outcome){.kind = OUTCOME_CONTINUE};
        return REQUEST_DECIDED;
}

/* Some process is marked before it is looked for in the header: the other order would miss one. */
static int decide_restrict(RequestHandler *handler) {
        const WorkerLock lock = {.fd = handler->context->lock_fd, .number = handler->context->number};
        Request *request = &handler->request;
        int r;

        /* No descriptor: with it, there is a way to change what is logged, but none to restrict oneself. */
        if (request->slot->arguments.dirfds[0] < 0)
                return let_continue(request);
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        atomic_store(&header(handler)->landlocked, 1);
        r = landlock_mark(request->target, handler->impersonation.override, &request->facts, &lock);
        return r < 0 ? r : let_continue(request);
}

/* A limit that is raised while no process is marked yet may still be on its way when one is.  A process
 * wanted that which is not restricted: it could create the directories itself. */
static int decide_limit(RequestHandler *handler) {
        Request *request = &handler->request;
        int r = 1;

        if (atomic_load(&header(handler)->landlocked))
                r = landlock_admits_limit(
                        request->target, &request->facts, request->slot->arguments.pid == 0);
        if (r < 0)
                return r;
        if (r > 0)
                return let_continue(request);
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        return fail(handler, EPERM,
                "RLIMIT_LOCKS shows which processes landlock(7) restricts: it stays as it is");
}

/* Natively the kernel looks at these rules where it looks at ours, and gives this error. */
static void hold_to_landlock(Request *request) {
        Slot *slot = request->slot;

        if (!request->restricted || request->decision.action == ACTION_DENY)
                return;
        request->decision = (Verdict){.action = ACTION_DENY, .error = EACCES};
        slot->rule[0] = '\0';
        (void)snprintf(slot->why, sizeof(slot->why),
                "it has restricted itself with landlock(7), whose rules snotifyd cannot apply");
}

/* What the kernel says of a path that ends in no name comes before the rules. */
static int check_last(Request *request) {
        for (unsigned i = 0; i < request_n_locations(request); i++)
                if (request->locations[i].last != LAST_NORM)
                        return request_fails(
                                request, request->operation->last_errors[request->locations[i].last]);
        return REQUEST_PROCEED;
}

/* Once more after a delay, for directories can be moved meanwhile. */
static int decide_by_rules(RequestHandler *handler) {
        const RequestContext *context = handler->context;
        Request *request = &handler->request;
        int r = check_last(request);

        request->slot->generation = policy_generation(context->policy);
        while (r == REQUEST_PROCEED) {
                r = decider_decide(&handler->decider);
                if (r != REQUEST_PROCEED)
                        return r;
                hold_to_landlock(request);
                if (delay_is_over(request, request->decision.delay_usec))
                        return REQUEST_PROCEED;
                r = delay_wait(request, header(handler), request->decision.delay_usec, context->report,
                        &context->waiting);
                decider_forget(&handler->decider);
        }
        return r;
}

static int decide(RequestHandler *handler) {
        if (handler->request.call->kind == OPERATION_RESTRICT)
                return decide_restrict(handler);
        if (handler->request.call->kind == OPERATION_LIMIT)
                return decide_limit(handler);
        return decide_by_rules(handler);
}

/* Calls in one directory follow each other: the same object has the same handle. */
static void note_parents(RequestHandler *handler) {
        Request *request = &handler->request;

        for (unsigned i = 0; i < request_n_locations(request); i++) {
                const Parent *parent = &request->locations[i].parent;
                const LedgerObject *object = &parent->object;
                LedgerObject *noted = &handler->parents[i];

                if (object->born_sec == 0 || noted->handle_size == 0 || !object_equal(object, noted)) {
                        *noted = *object;
                        object_read_handle(parent->fd, noted);
                }
                noted->mount_id = object->mount_id;
                request->slot->locations[i].parent = *noted;
        }
}

/* What a successor needs to find out what came of the call is noted first. */
static int carry_out(RequestHandler *handler) {
        Request *request = &handler->request;

        if (request->decision.action == ACTION_DENY)
                return handler->executor->refuse(&handler->impersonation, request);
        if (memory_budget_is_spent(handler->context->budget, header(handler)))
                return fail(handler, ENOMEM, "its session has as much memory in directories as it may");
        note_parents(handler);
        request->slot->verdict = SLOT_ALLOWED;
        intent_set_state(request->intent, INTENT_NOT_BEGUN);
        slot_set_phase(request->slot, SLOT_ACTING);
        return handler->executor->perform(&handler->impersonation, request);
}

static int reply(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;

        slot->before = header(handler)->totals[request->index];
        if (request->outcome.kind == OUTCOME_CONTINUE)
                notify_continue(&slot->reply, request->notification.id);
        else
                notify_reply(&slot->reply, request->notification.id, request->outcome.value,
                        request->outcome.error);
        slot->error = -slot->reply.response.error; /* what the target really gets */
        slot_set_phase(slot, SLOT_DONE);
        return REQUEST_DONE;
}

/* The way of a request, stage by stage: each says whether the next one follows. */
static int try_once(RequestHandler *handler) {
        const Request *request = &handler->request;
        int r;

        r = resume(handler);
        if (r == REQUEST_PROCEED)
                r = read_caller(handler);
        if (r == REQUEST_PROCEED)
                r = read_arguments(handler);
        if (r == REQUEST_PROCEED)
                r = pin(handler);
        if ((r == REQUEST_PROCEED || r == REQUEST_DECIDED) && was_begun(request))
                r = find_out(handler, r);
        if (r == REQUEST_PROCEED)
                r = decide(handler);
        if (r == REQUEST_PROCEED)
                r = carry_out(handler);
        /* Performing a call includes this check; whatever else was decided was decided by what was read. */
        if (r == REQUEST_DECIDED)
                r = notification_is_gone(&request->notification) ? REQUEST_GONE : REQUEST_DONE;
        return r;
}

/* Of memory, file descriptors or processes; mkdir(2) has one word for them. */
static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EAGAIN;
}

/* Whatever went wrong, it may be because the target died meanwhile; but only the kernel knows that it did,
 * and a target that is not dead must not be left waiting. */
static int explain(RequestHandler *handler, int r) {
        char why[64];

        if (r == -ENAMETOOLONG)
                return fail(handler, ENAMETOOLONG, "the directory's path is too long to be judged");
        if (notification_is_gone(&handler->request.notification))
                return REQUEST_GONE;
        if (r == REQUEST_GONE)
                r = -ESRCH;
        if (r == -EPIPE)
                return fail(handler, EIO, "helpers died over it");
        if (r == -EDEADLK)
                return fail(handler, EDEADLK,
                        "it is the automounter of a directory on the way, and would wait for itself");
        (void)snprintf(why, sizeof(why), "snotifyd's worker failed: %s", strerrordesc_np(-r));
        return fail(handler, is_shortage(r) ? ENOMEM : EIO, why);
}

static int try_with_helpers(RequestHandler *handler) {
        int r;

        for (unsigned helpers = 1;; helpers++) {
                r = try_once(handler);
                /* Its user may have killed the helper, with all else that is his.  Another one finds out how
                 * far it came. */
                if (r != -EPIPE || helpers == HELPERS_MAX ||
                        impersonation_end(&handler->impersonation, &handler->request) < 0)
                        return r;
        }
}

/* Is this a request that workers die of? */
static int give_up(RequestHandler *handler) {
        Slot *slot = handler->request.slot;

        forget_decision(slot);
        if (slot_phase(slot) != SLOT_ACTING)
                forget_arguments(slot);
        if (slot->attempts == REQUEST_ATTEMPTS_MAX + 1) /* they may have died of reading the caller */
                (void)read_facts(handler);
        return fail(handler, EIO, "workers died over it");
}

static void take_up(RequestHandler *handler, uint32_t index) {
        Request *request = &handler->request;

        request->index = index;
        request->slot = ledger_slot(handler->context->ledger, index);
        request->intent = ledger_intent(handler->context->ledger, index);
        request->notification.id = request->slot->request.notif.id;
        request->call = NULL;
        request->operation = NULL;
}

int request_handle(RequestHandler *handler, uint32_t index) {
        int r, ended;

        take_up(handler, index);
        if (handler->request.slot->attempts > REQUEST_ATTEMPTS_MAX)
                r = give_up(handler);
        else
                r = try_with_helpers(handler);
        if (r == REQUEST_GONE || (r < 0 && r != -ETIME))
                r = explain(handler, r);
        if (r == REQUEST_DONE)
                r = reply(handler);
        ended = impersonation_end(&handler->impersonation, &handler->request);
        return ended < 0 ? ended : r;
}
