/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Neutral ground: an empty directory of a file system that is mounted nowhere, so that no rule can be about
 * it.  A launcher has to make a directory there before it is supervised.  Whoever is restricted by
 * landlock(7), or by another security module that doesn't let it make directories just anywhere, can't - and
 * would otherwise gain by supervision, for such rules do not bind the worker that acts for it. */

#include <stdbool.h>

/* Makes one for a launcher.  Raised: needs CAP_SYS_ADMIN.  Returns 0 and the caller's fd, with which it goes
 * and all that is in it; or a negative errno. */
int ground_new(int *ret_fd);

/* Was the directory PROTOCOL_PROOF made there? */
bool ground_is_proven(int ground_fd);
