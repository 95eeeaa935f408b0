/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The facts of a session that stay the same from its handshake to its end.  The daemon stores them (see
 * session/identities.h).  A worker inherits a copy, and never reads them from memory that another worker can
 * write.
 */

#include <assert.h>
#include <stdint.h>

#include "common/protocol.h"

typedef struct SessionIdentity {
        uint64_t session_id;
        uint64_t started_usec; /* CLOCK_REALTIME */
        uint32_t uid;          /* of the launcher, as the kernel says */
        uint32_t account;      /* the user whose limits the session counts for */
        uint32_t pid;          /* of the launcher */
        uint32_t guarded;      /* 1: the guard enforces what workers judge; 0: they act for targets */
        char profile[PROTOCOL_PROFILE_SIZE]; /* NUL-terminated, as is the label */
        char label[PROTOCOL_LABEL_SIZE];
} SessionIdentity;
static_assert(sizeof(SessionIdentity) == 160, "systemd's fd store holds it");
