/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stages before a decision: what a predecessor has left, the target, its arguments, the places that they
 * name.  Run by the worker.  Must never take for true what was read before the notification was seen to be
 * still valid; later stages look. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "worker/executor/pin.h"
#include "worker/stages.h"
#include "worker/target/memory.h"

int request_cannot(Request *request, int error, const char *why) {
        Slot *slot = request->slot;

        (void)snprintf(slot->why, sizeof(slot->why), "%s", why);
        slot->verdict = SLOT_TROUBLE;
        request->outcome = outcome_error(error);
        return REQUEST_DONE;
}

/* The record of a call that names no place shows one that is empty.  Places that the call does not have are
 * not touched: their part of the slot stays without memory. */
static unsigned n_recorded(const Request *request) {
        unsigned n = request_n_locations(request);

        return n > 0 ? n : 1;
}

void request_forget_decision(Request *request) {
        Slot *slot = request->slot;

        slot->verdict = SLOT_TROUBLE;
        slot->error = 0;
        slot->permit = SLOT_PERMIT_NONE;
        slot->pid = slot->request.notif.pid;
        slot->uid = 0;
        slot->arguments = (Arguments){};
        slot->comm[0] = slot->rule[0] = slot->why[0] = '\0';
        for (unsigned i = 0; i < n_recorded(request); i++) {
                slot->locations[i].path[0] = '\0';
                slot->locations[i].path_length = 0;
        }
}

void request_forget_arguments(Request *request) {
        Slot *slot = request->slot;

        if (request->operation && request->operation->has_text)
                slot->text[0] = '\0';
        for (unsigned i = 0; i < n_recorded(request); i++) {
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

int request_read_facts(RequestHandler *handler, unsigned sets) {
        Request *request = &handler->request;
        int r;

        task_reader_begin(request->task_reader, &request->notification);
        task_facts_forget(&request->facts, TASK_EVERYTHING);
        r = target_open(handler->targets, (pid_t)request->slot->request.notif.pid, &request->target);
        if (r == 0)
                r = request_need_facts(request, sets);
        if (task_facts_know(&request->facts, TASK_STATUS))
                note_caller(request);
        if (r != 0)
                return r == TARGET_GONE ? REQUEST_GONE : r;
        return REQUEST_PROCEED;
}

int stage_resume(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;

        if (request_was_begun(request))
                return REQUEST_PROCEED;
        if (slot_phase(slot) == SLOT_ACTING && intent_state(request->intent) == INTENT_DONE) {
                slot->verdict = slot_performed(slot);
                request->outcome = outcome_error(request->intent->error);
                return REQUEST_DONE;
        }
        slot_set_phase(slot, SLOT_RECEIVED);
        slot->generation = policy_generation(handler->context->arguments->policy);
        request_forget_decision(request);
        request_forget_arguments(request);
        return REQUEST_PROCEED;
}

/* What every request of this kind needs to know of its caller.  Landlock's mark is read where some process
 * of the session has one alone. */
static unsigned needed_facts(const RequestHandler *handler) {
        const LedgerHeader *header = handler_ledger(handler);
        const Executor *executor = handler_executor(handler);

        if (!handler->request.operation)
                return executor->facts & TASK_STATUS;
        if (!executor->acts || !atomic_load_explicit(&header->landlocked, memory_order_relaxed))
                return executor->facts;
        return executor->facts | TASK_LIMITS;
}

int stage_read_caller(RequestHandler *handler) {
        Request *request = &handler->request;
        const struct seccomp_notif *notif = &request->slot->request.notif;

        if (!request->call)
                return request_cannot(&handler->request, ENOSYS, "snotifyd does not know this call");
        if (notif->pid == 0)
                return request_cannot(&handler->request, EPERM, "it is outside of snotifyd's PID namespace");
        return request_read_facts(handler, needed_facts(handler));
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
        case MEMORY_GONE:
                return REQUEST_GONE;
        case MEMORY_FAULT:
                location->argument[0] = '\0';
                return request_fails(request, EFAULT);
        case MEMORY_TOO_LONG:
                location->argument[LEDGER_ARGUMENT_SIZE - 1] = '\0';
                location->argument_length = LEDGER_ARGUMENT_SIZE - 1;
                return request_fails(request, ENAMETOOLONG);
        default:
                return r;
        }
}

/* Where a process died over the call, the slot has its paths. */
int stage_read_arguments(RequestHandler *handler) {
        Request *request = &handler->request;
        Slot *slot = request->slot;
        int r = REQUEST_PROCEED;

        call_arguments(request->call, &slot->request.notif.data, &slot->arguments);
        for (unsigned i = 0; r == REQUEST_PROCEED && i < request_n_locations(request); i++) {
                if (!request_was_begun(request))
                        r = read_path(request, i);
                if (r == REQUEST_PROCEED)
                        location_split(slot->locations[i].argument,
                                strnlen(slot->locations[i].argument, LEDGER_ARGUMENT_SIZE - 1),
                                &request->locations[i]);
        }
        return r;
}

int stage_pin(RequestHandler *handler) {
        Request *request = &handler->request;
        int r;

        if (!request->operation) /* it names no place */
                return REQUEST_PROCEED;
        r = pin_locations(&handler->impersonation, request);
        handler->decider.now_usec = request->slot->taken_usec;
        for (unsigned i = 0; i < request_n_locations(request); i++)
                request->locations[i].target_path_is_known = request->locations[i].parent.in_host_root;
        return r;
}

int stage_find_out(RequestHandler *handler, int pinned) {
        Request *request = &handler->request;
        Outcome outcome = request->outcome;
        int r;

        if (!request->operation) /* no worker performs it: only a compromised one leaves such a slot */
                return pinned;
        r = handler_executor(handler)->find_out(&handler->impersonation, request);
        if (r < 0)
                return request_cannot(&handler->request, EIO,
                        r == -ESTALE
                                ? "a process died over it, and its parent directory is not the same any more"
                                : "a process died over it, and what came of it cannot be found out");
        request->slot->verdict = slot_performed(request->slot);
        if (r == REQUEST_DECIDED)
                return REQUEST_DONE;
        slot_set_phase(request->slot, SLOT_RECEIVED);
        request_forget_decision(request);
        note_caller(request);
        call_arguments(request->call, &request->slot->request.notif.data, &request->slot->arguments);
        request->outcome = outcome;
        request->slot->verdict = SLOT_ALLOWED;
        return pinned;
}
