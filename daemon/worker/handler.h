/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Handling requests: from a slot that has RECEIVED (or was left ACTING by a dead worker) to the reply in it.
 */

#include <signal.h>

#include "common/ledger.h"
#include "worker/memory-budget.h"
#include "worker/request/request.h"
#include "worker/worker.h"

/* A request that killed so many workers is answered EIO. */
#define REQUEST_ATTEMPTS_MAX 3U

/* What the worker lends. */
typedef struct RequestContext {
        const WorkerArguments *arguments;
        Ledger *ledger;
        int lock_fd; /* see ledger_open_lock() */
        MemoryBudget *budget;
        sigset_t waiting; /* the signal mask while it sleeps: SIGTERM gets through, and means to leave */
} RequestContext;

typedef struct RequestHandler RequestHandler;

/* Takes over the process's credentials, root and working directory.  context outlives the handler.  Returns
 * 0 or a negative errno.  request_handler_free() takes NULL and returns NULL. */
int request_handler_new(const RequestContext *context, RequestHandler **ret);
RequestHandler *request_handler_free(RequestHandler *handler);

/* Handles the request in the slot and comes back: afterwards nothing of the target is in hand.  Returns
 * REQUEST_DONE with the slot in phase DONE; REQUEST_GONE; REQUEST_LEFT; or a negative errno: then the
 * process is in no state to go on; -ETIME where it has to end so that a helper does. */
int request_handle(RequestHandler *handler, uint32_t index);
