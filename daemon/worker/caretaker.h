/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A caretaker: what a daemon that stops leaves behind for a session with a worker that hangs in the kernel.
 * While that holds the listener nobody is told that there is no supervisor any more, and every call of the
 * session would hang too. */

#include "worker/worker.h"

/* How long it waits for another daemon, which ends it, is arguments->policy's call-timeout=.  Returns the
 * exit status once the last target is gone. */
int caretaker_run(const WorkerArguments *arguments);
