/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The memory of a daemon and its idle sessions. */

#include "testbed.h"

typedef struct Memory {
        double daemon_kib;  /* PSS of a fresh daemon */
        double session_kib; /* PSS in it for each further idle session */
        double ledger_kib;  /* of the session's memfd, which no process maps while the session is idle */
} Memory;

typedef struct MemoryTest MemoryTest;

/* Starts another daemon, and sessions that do nothing.  Their workers exit after some seconds, during which
 * the caller can measure other things. */
MemoryTest *memory_begin(const Programs *programs, const char *config);
/* Starts as many sessions again: only these are counted, as the first ones also cost what is allocated once.
 */
void memory_go_on(MemoryTest *test);
void memory_end(MemoryTest *test, Memory *ret);
