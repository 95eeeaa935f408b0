/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records what the guard has refused without a worker being asked. */

#include "session/session-table.h"

typedef struct GuardRefusals GuardRefusals;

/* Watches the guard's refusals of the table's sessions; both outlive it.  Returns 0, also where another
 * daemon reads them, or a negative errno.  guard_refusals_free() takes NULL and returns NULL. */
int guard_refusals_new(const SessionContext *context, const SessionTable *table, GuardRefusals **ret);
GuardRefusals *guard_refusals_free(GuardRefusals *refusals);
