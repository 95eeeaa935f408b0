/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Carries out decisions by acting for the target.  Run by the worker.  Must never act before it has checked
 * that the notification is still valid after everything was read. */

#include <errno.h>

#include "common/ownership.h"
#include "worker/executor/executor.h"
#include "worker/location/object.h"
#include "worker/location/place.h"

static OperationCall call_of(const Request *request) {
        OperationCall call = {
                .arguments = &request->slot->arguments,
                .text = request->operation->has_text ? request->slot->text : NULL,
                .intent = request->intent,
                .owner = request->facts.credentials.fsuid,
                .may_look = true,
        };

        for (unsigned i = 0; i < request_n_locations(request); i++) {
                call.at[i].parent_fd = request->locations[i].parent.fd;
                call.at[i].name = request->locations[i].name;
                call.may_look &= !request->locations[i].parent.is_fuse;
        }
        return call;
}

static int perform_by_helper(
        const Impersonation *impersonation, Request *request, const OperationCall *call) {
        int r;

        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        r = helper_perform(impersonation->helper, call, &request->outcome);
        return r < 0 ? r : REQUEST_DONE;
}

static int act(const Impersonation *impersonation, Request *request) {
        const OperationCall call = call_of(request);
        int r;

        if (impersonation->helper)
                return perform_by_helper(impersonation, request, &call);
        /* The decision may have reverted the credentials. */
        r = credentials_override(impersonation->override, &request->facts.credentials);
        if (r < 0)
                return r;
        operation_note(request->operation, &call);
        /* After all that was read, and with nothing between this and the call: once a target was killed, all
         * is done that ever will be. */
        if (notification_is_gone(&request->notification))
                return REQUEST_GONE;
        operation_perform(request->operation, &call, &request->outcome);
        return REQUEST_DONE;
}

/* Calls in one directory follow each other: the same object has the same handle. */
static void note_parents(Impersonation *impersonation, Request *request) {
        for (unsigned i = 0; i < request_n_locations(request); i++) {
                const Parent *parent = &request->locations[i].parent;
                const LedgerObject *object = &parent->object;
                LedgerObject *noted = &impersonation->noted[i];

                if (object->born_sec == 0 || noted->handle_size == 0 || !object_equal(object, noted)) {
                        *noted = *object;
                        object_read_handle(parent->fd, noted);
                }
                noted->mount_id = object->mount_id;
                request->slot->locations[i].parent = *noted;
        }
}

static int check(Impersonation *impersonation, Request *request) {
        const OperationCall call = call_of(request);
        int r;

        if (impersonation->helper)
                return helper_check(impersonation->helper, &call, &request->outcome);
        r = credentials_override(impersonation->override, &request->facts.credentials);
        if (r < 0)
                return r;
        request->operation->check(&call, &request->outcome);
        return 0;
}

/* Can no process create anything there, so that the kernel may say so itself? */
static bool is_inert(const Request *request) {
        for (unsigned i = 0; i < request_n_locations(request); i++) {
                const Parent *parent = &request->locations[i].parent;

                if (parent->is_fuse || !place_is_inert(parent->fd))
                        return false;
        }
        return true;
}

/* Does the kernel say something before it comes to the rules?  The outcome then has its error, or none where
 * it says so only when it is asked to act.  The check tells the target no more than it can find out itself:
 * it may search the parent.  Returns 1, 0 or a negative errno. */
static int comes_before_rules(Impersonation *impersonation, Request *request) {
        Slot *slot = request->slot;
        int r;

        r = check(impersonation, request);
        if (r < 0)
                return r;
        if (request->outcome.error == 0 && !is_inert(request))
                return 0;
        slot->rule[0] = slot->why[0] = '\0';
        slot->verdict = SLOT_ALLOWED;
        return 1;
}

/* What a successor needs to find out what came of the call is noted first. */
static int perform(Impersonation *impersonation, Request *request) {
        int r = request->decision.audited ? comes_before_rules(impersonation, request) : 0;

        if (r < 0)
                return r;
        note_parents(impersonation, request);
        intent_set_state(request->intent, INTENT_NOT_BEGUN);
        slot_set_phase(request->slot, SLOT_ACTING);
        return act(impersonation, request);
}

static int refuse(Impersonation *impersonation, Request *request) {
        int r = comes_before_rules(impersonation, request);

        if (r < 0)
                return r;
        if (r == 0) {
                request->slot->verdict = SLOT_DENIED;
                request->outcome = outcome_error(request->decision.error);
                return REQUEST_DECIDED;
        }
        if (request->outcome.error != 0)
                return REQUEST_DECIDED;
        intent_set_state(request->intent, INTENT_NOT_BEGUN);
        return act(impersonation, request);
}

/* Performing a call includes this check; whatever else was decided was decided by what was read. */
static int conclude(Impersonation *impersonation, Request *request) {
        (void)impersonation;
        return notification_is_gone(&request->notification) ? REQUEST_GONE : REQUEST_DONE;
}

/* What cannot be told of other directories than the pinned ones must not be tried in these. */
static int find_out_with(Request *request, const OperationCall *call, bool pinned) {
        OperationFinding finding;
        int r = request->operation->find_out(call, &finding, &request->outcome);

        if (r < 0)
                return r;
        if (finding == OPERATION_DONE)
                return REQUEST_DECIDED;
        return finding == OPERATION_UNTOLD && !pinned ? -ESTALE : REQUEST_PROCEED;
}

/* Are the pinned parents those that the slot notes? */
static bool is_pinned_as_noted(const Request *request) {
        for (unsigned i = 0; i < request_n_locations(request); i++) {
                const Parent *parent = &request->locations[i].parent;

                if (parent->fd < 0 || !object_equal(&parent->object, &request->slot->locations[i].parent))
                        return false;
        }
        return true;
}

/* Finds out in the directories that the slot notes, although the paths no longer lead there. */
static int find_out_elsewhere(Impersonation *impersonation, Request *request, OperationCall *call) {
        int fds[LOCATIONS_MAX] = {-EBADF, -EBADF}, r;

        /* If no parent was found, the worker may still be in the target's root. */
        r = rootdir_is_host(&impersonation->rootdir) ? 0 : rootdir_leave(&impersonation->rootdir);
        if (r == 0)
                r = host_mounts_reload(impersonation->host_mounts);
        for (unsigned i = 0; r == 0 && i < request_n_locations(request); i++) {
                r = place_open_object(
                        impersonation->host_mounts, &request->slot->locations[i].parent, &fds[i]);
                call->at[i].parent_fd = fds[i];
        }
        if (r == 0)
                r = find_out_with(request, call, false);
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                fd_close(fds[i]);
        return r;
}

static int find_out(Impersonation *impersonation, Request *request) {
        OperationCall call = call_of(request);
        int r;

        r = credentials_revert(impersonation->override);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < request_n_locations(request); i++)
                if (request->locations[i].last != LAST_NORM) /* a call without a last name was never begun */
                        return -ESTALE;
        if (is_pinned_as_noted(request))
                return find_out_with(request, &call, true);
        return find_out_elsewhere(impersonation, request, &call);
}

const Executor executor_acting = {
        .acts = true,
        .facts = TASK_STATUS | TASK_USER_NAMESPACE,
        .perform = perform,
        .refuse = refuse,
        .conclude = conclude,
        .find_out = find_out,
};
