/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a daemon and its idle sessions weigh. */

#include "room.h"

typedef struct Memory {
        double daemon_kib;  /* PSS of a fresh daemon */
        double session_kib; /* PSS in it for each further idle session */
        double ledger_kib;  /* of the session's memfd, which nobody maps while it is idle */
} Memory;

typedef struct MemoryTest MemoryTest;

/* Starts a daemon of its own, and sessions that do nothing.  Their workers need some seconds to leave, in
 * which other things can be measured. */
MemoryTest *memory_begin(const Programs *programs, const char *config);
/* Starts as many sessions again: what the first ones cost once is not theirs. */
void memory_go_on(MemoryTest *test);
void memory_end(MemoryTest *test, Memory *ret);
