/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells the guard which sessions there are.  Run by the daemon.  Owns nothing.  Must never leave a session
 * running as if it were guarded where it is not. */

#include "session/session-guard.h"

#include <inttypes.h>
#include <string.h>

static uint32_t flags_by(const Profile *profile) {
        uint32_t flags = 0;

        if (profile && profile_allows_private(profile))
                flags |= GUARD_PRIVATE_ALLOWED;
        if (profile && profile_allows_all(profile))
                flags |= GUARD_ALL_ALLOWED;
        return flags;
}

int session_guard_enter(SessionGuard *guard) {
        const SessionContext *context = guard->context;
        int r;

        if (!guard->identity->guarded)
                return 0;
        r = guard_enter_session(context->guard, guard->listener_fd, guard->identity->session_id,
                flags_by(policy_find_profile(context->policy, guard->identity->profile)));
        guard->is_missing &= r < 0;
        return r;
}

void session_guard_renew(SessionGuard *guard) {
        int r = session_guard_enter(guard);

        if (r >= 0 || guard->is_missing)
                return;
        guard->is_missing = true;
        (void)report_line(guard->context->report, REPORT_ERROR,
                "session %016" PRIx64 " began under a guard that does not stand any more: %s; its calls "
                "fail, restart its programs",
                guard->identity->session_id, guard->context->guard ? strerror(-r) : "there is no guard");
}

void session_guard_leave(const SessionGuard *guard) {
        if (guard->identity->guarded)
                (void)guard_remove_session(guard->context->guard, guard->listener_fd);
}
