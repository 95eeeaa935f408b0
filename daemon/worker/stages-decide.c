/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stages that decide and carry out.  Run by the worker.  Must never let the kernel continue a call that
 * was decided by what the target can change. */

#include <errno.h>
#include <stdio.h>

#include "worker/delay.h"
#include "worker/landlock.h"
#include "worker/memory-budget.h"
#include "worker/stages.h"

/* The kernel performs a call of which nothing was decided by what the target can change. */
static int let_continue(Request *request) {
        request->slot->verdict = SLOT_UNDECIDED;
        request->outcome = (Outcome){.kind = OUTCOME_CONTINUE};
        return REQUEST_DECIDED;
}

/* The header says so before the process is marked: the other order would miss one. */
static int decide_restrict(RequestHandler *handler) {
        Request *request = &handler->request;
        int r;

        /* No descriptor: with it, there is a way to change what is logged, but none to restrict oneself. */
        if (request->slot->arguments.dirfds[0] < 0)
                return let_continue(request);
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        atomic_store(&handler_ledger(handler)->landlocked, 1);
        r = landlock_mark(request->task_reader, request->target, &request->facts,
                handler->impersonation.override, &handler->impersonation.lock);
        if (r != 0)
                return r == TARGET_GONE ? REQUEST_GONE : r;
        return let_continue(request);
}

/* A limit that is raised while no process is marked yet may still be on its way when one is.  A process
 * wanted that which is not restricted: it could create the directories itself. */
static int decide_limit(RequestHandler *handler) {
        Request *request = &handler->request;
        bool admitted = true;
        int r = 0;

        if (atomic_load(&handler_ledger(handler)->landlocked))
                r = landlock_admits_limit(request->task_reader, request->target, &request->facts,
                        request->slot->arguments.pid == 0, &admitted);
        if (r != 0)
                return r == TARGET_GONE ? REQUEST_GONE : r;
        if (admitted)
                return let_continue(request);
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        return request_cannot(&handler->request, EPERM,
                "RLIMIT_LOCKS shows which processes landlock(7) restricts: it stays as it is");
}

/* Where no process of the session is marked the limits of the target were not read. */
static bool is_landlocked(const Request *request) {
        return task_facts_know(&request->facts, TASK_LIMITS) && landlock_is_marked(&request->facts);
}

/* Natively the kernel looks at these rules where it looks at ours, and gives this error. */
static void hold_to_landlock(Request *request) {
        Slot *slot = request->slot;

        if (!is_landlocked(request) || request->decision.action == ACTION_DENY)
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

        request->slot->generation = policy_generation(context->arguments->policy);
        while (r == REQUEST_PROCEED) {
                r = decider_decide(&handler->decider);
                if (r != REQUEST_PROCEED)
                        return r;
                hold_to_landlock(request);
                if (delay_is_over(request, request->decision.delay_usec))
                        return REQUEST_PROCEED;
                r = delay_wait(request, handler_ledger(handler), request->decision.delay_usec,
                        context->arguments->report, &context->waiting);
                decider_forget(&handler->decider);
        }
        return r;
}

/* What landlock(7) forbids a target the kernel forbids it, where the target performs its own calls: nothing
 * has to be known of it. */
static bool is_natively_restricted(const RequestHandler *handler) {
        OperationKind kind = handler->request.call->kind;

        return !handler_executor(handler)->acts && (kind == OPERATION_RESTRICT || kind == OPERATION_LIMIT);
}

int stage_decide(RequestHandler *handler) {
        if (is_natively_restricted(handler))
                return let_continue(&handler->request);
        if (handler->request.call->kind == OPERATION_RESTRICT)
                return decide_restrict(handler);
        if (handler->request.call->kind == OPERATION_LIMIT)
                return decide_limit(handler);
        return decide_by_rules(handler);
}

int stage_carry_out(RequestHandler *handler) {
        const Executor *executor = handler_executor(handler);
        Request *request = &handler->request;

        if (request->decision.action == ACTION_DENY)
                return executor->refuse(&handler->impersonation, request);
        if (executor->acts && memory_budget_is_spent(handler->context->budget, handler_ledger(handler)))
                return request_cannot(&handler->request, ENOMEM,
                        "its session has as much memory in directories as it may");
        request->slot->verdict = request->decision.audited ? SLOT_AUDITED : SLOT_ALLOWED;
        return executor->perform(&handler->impersonation, request);
}
