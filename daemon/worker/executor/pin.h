/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pinning: finds the directories that the call is to be performed in, as the target would, and holds them.
 */

#include "worker/executor/impersonation.h"
#include "worker/request/request.h"

/* Pins the parents of all locations of the request.  The first parent is the working directory then, in the
 * host's root, unless it says otherwise (see parent_enter()), or the worker does not act and needs no more
 * than the link to tell where it is (see place_visit_by_link()).  Returns REQUEST_PROCEED, REQUEST_DECIDED
 * with the error that the target gets, REQUEST_GONE, or a negative errno. */
int pin_locations(Impersonation *impersonation, Request *request);
