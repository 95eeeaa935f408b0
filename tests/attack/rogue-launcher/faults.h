/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Launchers that go wrong in one way each. */

#include <stdbool.h>
#include <stddef.h>

/* Connects, goes wrong in that way, and prints how the connection ends.  Returns whether the name is known.
 */
bool faults_commit(const char *name);

/* The same with the kinds in turn, except for those that take long. */
void faults_commit_any(size_t number);
