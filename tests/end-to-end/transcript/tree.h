/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tree that the calls are made in: the working directory, called "tree". */

#pragma once

#include <sys/types.h>

/* It belongs to these, but for what says otherwise.  "places" leads to where. */
void tree_furnish(uid_t uid, gid_t gid, const char *places);

/* Prints what is there. */
void tree_survey(void);

/* Removes what is there. */
void tree_clear(void);
