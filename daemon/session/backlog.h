/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a session's ledger says of the work that is not finished.  Workers write the ledger while the daemon
 * reads it, and one that was taken over writes anything: each answer may be out of date or false, and must
 * harm no other session.  Times are CLOCK_MONOTONIC in microseconds. */

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"

/* Returns the number of the worker that holds the slot, or LEDGER_WORKERS where none does. */
uint32_t backlog_worker(Ledger *ledger, uint32_t index);

bool backlog_is_free(Ledger *ledger, uint32_t index);

/* Does the worker with this number hold a slot?  One that is about to receive does, too.  Does it hold one
 * with a request?  Does its outbox hold records? */
bool backlog_has_slot(Ledger *ledger, uint32_t number);
bool backlog_has_request(Ledger *ledger, uint32_t number);
bool backlog_has_records(Ledger *ledger, uint32_t number);

/* Does a request wait for the receiver in the ledger, apart from those in the kernel? */
bool backlog_has_waiting(Ledger *ledger);

/* Does the knock still wait for its answer?  Nothing else waits with its answer there. */
bool backlog_has_knock(Ledger *ledger);

/* For how long has the worker with this number been at one request, or, at none, let one wait? */
uint64_t backlog_stall_usec(Ledger *ledger, uint32_t number, uint64_t now_usec);

/* When has the worker that holds the slot been at the request, apart from its rule's delay, for
 * timeout_usec? Returns UINT64_MAX where it has not begun. */
uint64_t backlog_deadline(Ledger *ledger, uint32_t index, uint64_t timeout_usec);
