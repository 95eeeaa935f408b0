/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stages that a request goes through, in the order in which handler.c names them.  Each returns a
 * RequestStatus or a negative errno. */

#include "worker/decision.h"
#include "worker/executor/executor.h"
#include "worker/handler.h"

struct RequestHandler {
        const RequestContext *context;
        TargetCache *targets;
        HostMounts *host_mounts;
        Impersonation impersonation;
        Decider decider;
        Request request; /* the one in hand */
};

/* Begins where a process that died over the request has left it. */
int stage_resume(RequestHandler *handler);

/* Reads the facts of the target that the operation needs. */
int stage_read_caller(RequestHandler *handler);

/* Reads the arguments, and takes the paths apart. */
int stage_read_arguments(RequestHandler *handler);

/* Pins the parent directories of the places that the call names. */
int stage_pin(RequestHandler *handler);

/* A process died over the request when it may have performed the call: finds out what came of that.  pinned
 * is what stage_pin() returned; it is returned where nothing came of it: the request is as it was received.
 */
int stage_find_out(RequestHandler *handler, int pinned);

/* Decides: by the rules, or what becomes of a call that only tells something of the target. */
int stage_decide(RequestHandler *handler);

/* Carries the decision out. */
int stage_carry_out(RequestHandler *handler);

/* The request cannot be decided on or carried out: the target gets error, a positive errno, and the record
 * says why. */
int request_cannot(Request *request, int error, const char *why);

/* Removes from the slot what says how the request was decided, and its arguments. */
void request_forget_decision(Request *request);
void request_forget_arguments(Request *request);

/* Opens the target, reads these sets of facts about it, and notes in the slot what its record needs of
 * them. */
int request_read_facts(RequestHandler *handler, unsigned sets);

/* Did a process die over the request when it may have performed the call? */
static inline bool request_was_begun(const Request *request) {
        return slot_phase(request->slot) == SLOT_ACTING && intent_state(request->intent) == INTENT_BEGUN;
}

static inline const Executor *handler_executor(const RequestHandler *handler) {
        return handler->context->arguments->executor;
}

static inline LedgerHeader *handler_ledger(const RequestHandler *handler) {
        return ledger_header(handler->context->ledger);
}
