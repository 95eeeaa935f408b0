/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes the place of the worker, the clock, the guard and the kernel's side of a listener for tests of
 * daemon/session/, which are linked with --wrap= for each of them.  Workers are real processes that do as
 * they are told. */

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "worker/reject.h"
#include "worker/worker.h"

/* What a worker does that is spawned from now on. */
typedef enum FakeWork {
        FAKE_STAYS,    /* until SIGTERM; then it exits as one that has nothing to do */
        FAKE_STUBBORN, /* until it is killed */
        FAKE_LEAVES,   /* at once, as one that has nothing to do */
        FAKE_FAILS,    /* at once */
} FakeWork;

/* What a worker that began says of itself. */
typedef struct FakeWorker {
        uint32_t number;
        bool rejects;
        RejectReason reason;
} FakeWorker;

/* What the daemon tells the guard; a NULL guard answers as the real one. */
typedef struct FakeEntries {
        int result; /* of entering a session */
        unsigned n_entered;
        uint32_t flags; /* of the last one */
        unsigned n_removed;
} FakeEntries;
extern FakeEntries fake_entries;

void fake_init(void);
void fake_set_work(FakeWork work);

/* Waits for the next worker to begin. */
FakeWorker fake_next_worker(void);
/* Has one begun that was not asked for? */
bool fake_has_worker(void);

/* CLOCK_MONOTONIC stands still, and is set forward. */
uint64_t fake_now(void);
void fake_advance(uint64_t usec);

/* CLOCK_MONOTONIC is the real one from now on, as at first. */
void fake_run_clock(void);
void fake_stop_clock(void);
