/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guard in the kernel knows of one session.  All of this does nothing for a session that acts. */

#include "session/session.h"

typedef struct SessionGuard {
        const SessionContext *context;   /* not owned, as are the following */
        const SessionIdentity *identity; /* says whether the session is guarded */
        int listener_fd;
        bool is_missing; /* the guard does not have the session, which was recorded */
} SessionGuard;

/* Has the guard enforce what workers judge, by the policy in force.  Returns 0 or a negative errno: then the
 * session must not begin. */
int session_guard_enter(SessionGuard *guard);

/* The same for a session that runs: one of an earlier daemon, or the policy was replaced.  Where the guard
 * cannot have it, no call of it succeeds: its workers can leave no permits.  That is recorded once. */
void session_guard_renew(SessionGuard *guard);

/* The session is over.  Comes before the listener is closed: then the address of its filter may be that of
 * another one. */
void session_guard_leave(const SessionGuard *guard);
