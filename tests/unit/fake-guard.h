/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guard without a kernel: the test links it in place of guard_run_permit() and
 * guard_run_fate().  It notes in shared memory what workers ask of it.  It enforces nothing: what the
 * target's call comes to is the kernel's answer without a guard. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guard/guard.h"

#define FAKE_PERMITS_MAX 8

typedef struct FakePermit {
        uint64_t id;
        uint32_t tid;
        uint64_t ino; /* of the parent; 0: a void permit */
        int32_t error;
        uint32_t name_length;
        char name[GUARD_NAME_SIZE];
        uint32_t fate;
        int32_t result;
} FakePermit;

typedef struct FakeGuard {
        FakePermit permits[FAKE_PERMITS_MAX]; /* by thread; tid 0: free */
        uint32_t tid;                         /* of the one that calls */
        uint32_t n_permits;                   /* how often one was written */
        uint32_t n_runs;                      /* of guard_run_permit(), failed ones included */
        uint32_t n_fates;                     /* how often a worker asked for one */
        uint32_t n_calls;                     /* system calls of guard_run_permit() */
        int32_t failures;                     /* so many more calls of guard_run_permit() fail... */
        int32_t failure;                      /* ... with this */
        uint32_t answers_fate; /* the guard says so of each permit, beside what is noted of it */
        int32_t answers_result;
} FakeGuard;

extern FakeGuard *fake_guard; /* shared with all children */

/* Forgets all.  The guard that it returns is for WorkerArguments.guard. */
const Guard *fake_guard_begin(void);

/* The permit of that notification, or NULL. */
const FakePermit *fake_guard_find(uint32_t tid);
