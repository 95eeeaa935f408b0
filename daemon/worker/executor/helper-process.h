/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What runs in a helper, and what it and its worker say to each other over a socket. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/arguments.h"
#include "common/ledger.h"
#include "worker/executor/helper.h"
#include "worker/operation/outcome.h"

typedef enum HelperCommandKind {
        HELPER_CHECK,
        HELPER_PERFORM,
} HelperCommandKind;

/* What the worker sends to the helper. */
typedef struct HelperCommand {
        HelperCommandKind kind;
        bool may_look;
        Arguments arguments;
        char text[LEDGER_ARGUMENT_SIZE];
} HelperCommand;

/* What the helper sends to the worker: first one answer for each location, with a descriptor of its parent
 * if it has found it; then one for each command. */
typedef struct HelperAnswer {
        int failure; /* 0, or a negative errno: it could not become the target or read a parent */
        Outcome outcome;
        LedgerObject parent;
} HelperAnswer;

/* Becomes the target, finds the parents, and obeys the worker until that closes its end of the socket.
 * Returns the exit status. */
int helper_run(const HelperRequest *helper_request, pid_t worker_pid, int socket_fd);
