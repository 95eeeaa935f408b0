/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The supervised system calls themselves, made in the working directory, which is the pinned parent.  The
 * caller has become the target (identity.h). */

#include <stdint.h>

#include "common/calls.h"
#include "common/ledger.h"

/* Returns 0 where there is something of that name, else a positive errno: ENOENT, or why it can't be looked
 * up. */
int act_look(const char *name);

/* Performs the call as that owner (fsuid), and notes in the deed how far it came; where the deed says that a
 * dead predecessor was at it, goes on from there.  Returns 0 or the positive errno that the target gets.
 *
 * If the predecessor died within the call, or as good as that, what is there counts as made by it if it is a
 * directory of its owner that was not there before.  Whether he made it himself meanwhile can't be told. */
int act_perform(Act act, const char *name, uint32_t mode, uint32_t owner, Deed *deed);
