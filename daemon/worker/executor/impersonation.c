/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Begins and ends impersonating a target.  Run by the worker.  Owns its credentials, root and working
 * directory, and the helper of the request in hand. */

#include "worker/executor/impersonation.h"

int impersonation_init(Impersonation *impersonation, int host_root_fd) {
        int r = credentials_override_new(&impersonation->override);

        if (r < 0)
                return r;
        if (!impersonation->acts)
                credentials_stay(impersonation->override);
        return rootdir_init(&impersonation->rootdir, impersonation->override, host_root_fd);
}

void impersonation_done(Impersonation *impersonation) {
        (void)helper_dismiss(impersonation->helper);
        impersonation->helper = NULL;
        impersonation->override = credentials_override_free(impersonation->override);
}

int impersonation_revert(Impersonation *impersonation) {
        int r = credentials_revert(impersonation->override);

        return r < 0 ? r : rootdir_leave(&impersonation->rootdir);
}

bool impersonation_presumes_host_root(const Impersonation *impersonation, Request *request) {
        if (!impersonation->acts && !task_facts_know(&request->facts, TASK_ROOT) &&
                target_had_host_root(request->target) && rootdir_is_host(&impersonation->rootdir))
                request->presumes_host_root = true;
        return request->presumes_host_root;
}

int impersonation_need_root(const Impersonation *impersonation, Request *request) {
        int r = request_need_facts(request, TASK_ROOT);

        if (r == 0)
                target_note_host_root(request->target,
                        directory_id_equal(&request->facts.root, &impersonation->rootdir.host));
        return r;
}

int impersonation_end(Impersonation *impersonation, Request *request) {
        int dismissed = helper_dismiss(impersonation->helper), r;

        impersonation->helper = NULL;
        for (unsigned i = 0; i < LOCATIONS_MAX; i++)
                parent_release(&request->locations[i].parent);
        r = impersonation_revert(impersonation);
        return dismissed < 0 ? dismissed : r;
}
