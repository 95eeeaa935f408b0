/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Carries out decisions by a permit for the guard in the kernel: the target performs its own call, and the
 * hooks let pass what the permit names.  Run by the worker.  Owns nothing.  Must never let a call continue
 * for which it has not written a permit. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "guard/guard.h"
#include "worker/executor/executor.h"

/* The guard reads the list of calls that wait without the kernel's lock, and may miss one again and again
 * while others come and go.  What else is in its way goes on within a time slice.  In all a second or more;
 * the daemon ends what takes longer than call-timeout=. */
#define ATTEMPTS_MAX 1000U
#define ATTEMPTS_AT_ONCE 20U
#define PAUSE_NSEC 1000000

static_assert(LEDGER_COMM_SIZE == GUARD_COMM_SIZE, "the name of a thread is copied");

/* Names in the record whose call it is.  The record of a call that gets no permit knows the thread's number
 * alone, unless the worker reads /proc. */
static void note_caller(Slot *slot, const GuardPermitRequest *permit) {
        slot->permit_tid = permit->tid;
        if (permit->tgid != 0)
                slot->pid = permit->tgid;
        slot->uid = permit->uid;
        memcpy(slot->comm, permit->comm, sizeof(slot->comm));
        slot->comm[sizeof(slot->comm) - 1] = '\0';
}

/* Returns 0, REQUEST_GONE or a negative errno of the guard's: -ESRCH where it does not have the session. */
static int run_permit(
        const Impersonation *impersonation, const Request *request, GuardPermitRequest *permit) {
        static const struct timespec pause = {.tv_nsec = PAUSE_NSEC};
        int r;

        if (!impersonation->guard) /* it had one when the session began */
                return -ESRCH;
        r = guard_run_permit(impersonation->guard, permit);
        for (unsigned i = 1; i < ATTEMPTS_MAX && (r == -ENOENT || r == -EAGAIN); i++) {
                if (notification_is_gone(&request->notification))
                        return REQUEST_GONE;
                if (i >= ATTEMPTS_AT_ONCE)
                        (void)nanosleep(&pause, NULL);
                r = guard_run_permit(impersonation->guard, permit);
        }
        return r;
}

/* Returns REQUEST_DONE, REQUEST_GONE, REQUEST_ANEW, or a negative errno as Executor has it. */
static int write_permit(const Impersonation *impersonation, Request *request, GuardPermitRequest *permit) {
        Slot *slot = request->slot;
        int r;

        permit->id = request->notification.id;
        permit->listener_fd = request->notification.listener_fd;
        permit->has_own_root = request->presumes_host_root;
        r = run_permit(impersonation, request, permit);
        if (r == -EXDEV) {
                target_lose_host_root(request->target);
                return REQUEST_ANEW;
        }
        if (r != 0)
                return r == -ESRCH ? -ENOTCONN : r;
        note_caller(slot, permit);
        /* The thread calls again: its last call is over. */
        if (permit->last_id != 0)
                ledger_tell_fate(
                        impersonation->ledger, permit->last_id, permit->last_fate, permit->last_result);
        slot->permit = permit->parent_fd < 0 ? SLOT_PERMIT_VOID : SLOT_PERMIT_JUDGED;
        request->outcome.kind = OUTCOME_CONTINUE;
        return REQUEST_DONE;
}

/* Nothing passes.  What the kernel finds is its own, or EPERM. */
static int write_void_permit(const Impersonation *impersonation, Request *request) {
        GuardPermitRequest permit = {.parent_fd = -EBADF};

        return write_permit(impersonation, request, &permit);
}

/* error is what the guard answers for the place that was judged. */
static int write_judged_permit(const Impersonation *impersonation, Request *request, int error) {
        const Location *location = &request->locations[0];
        size_t length = strlen(location->name);
        GuardPermitRequest permit = {
                .parent_fd = location->parent.fd,
                .error = -error,
                .name_length = (uint32_t)length,
        };

        request->outcome = outcome_error(error);
        if (length >= sizeof(permit.name)) /* no file system has such a name */
                return write_void_permit(impersonation, request);
        memcpy(permit.name, location->name, length);
        return write_permit(impersonation, request, &permit);
}

static int perform(Impersonation *impersonation, Request *request) {
        return write_judged_permit(impersonation, request, 0);
}

static int refuse(Impersonation *impersonation, Request *request) {
        request->slot->verdict = SLOT_DENIED;
        return write_judged_permit(impersonation, request, request->decision.error);
}

/* The kernel finds the error itself, by what is there when it looks. */
static int conclude(Impersonation *impersonation, Request *request) {
        if (request->outcome.kind != OUTCOME_CONTINUE)
                return write_void_permit(impersonation, request);
        return notification_is_gone(&request->notification) ? REQUEST_GONE : REQUEST_DONE;
}

/* No worker performs a call, so that none dies in it. */
static int find_out(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        (void)request;
        return REQUEST_PROCEED;
}

const Executor executor_guarded = {
        .perform = perform,
        .refuse = refuse,
        .conclude = conclude,
        .find_out = find_out,
};
