/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directory tree in which the calls are made: the working directory, which is called "tree". */

#pragma once

#include <sys/types.h>

/* Creates it.  What has no other owner belongs to uid and gid; its symbolic link "places" leads to places.
 */
void tree_prepare(uid_t uid, gid_t gid, const char *places);

/* Prints what is there. */
void tree_survey(void);

/* Removes what is there. */
void tree_clear(void);
