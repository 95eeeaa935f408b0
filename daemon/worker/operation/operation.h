/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The supervised system calls themselves, made below the pinned parent. */

#include <stdbool.h>
#include <stdint.h>

#include "common/calls.h"
#include "common/ledger.h"

/* Returns 0 where there is something of that name, else a positive errno: ENOENT, or why it cannot be looked
 * up. */
int act_look(int parent_fd, const char *name);

/* Notes in the intent what tells afterwards whether the call was performed, by that owner (fsuid).  Without
 * may_look it does not look for the name, for a file system that would see that: then nobody can tell. */
void act_prepare(int parent_fd, const char *name, uint32_t owner, bool may_look, Intent *intent);

/* Performs the call, as the target, and notes in the intent how far it came.  Returns 0 or the positive
 * errno that the target gets. */
int act_perform(OperationKind act, int parent_fd, const char *name, uint32_t mode, Intent *intent);

/* Finds out, raised, what came of an intent that a dead process had begun.  Returns 0 where the directory
 * was created by it, EEXIST where something else is there, ENOENT where nothing is or where that cannot be
 * told: then the call itself tells the target; or another positive errno.
 *
 * What is there counts as created by the intent if it is a directory of its owner, was not there before, and
 * is not older than the intent.  Whether the owner created it by other means meanwhile cannot be told. */
int act_find(int parent_fd, const char *name, const Intent *intent);
