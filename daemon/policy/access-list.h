/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The users and groups that may use a profile: those in a list, or all. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All zero: every user is included. */
typedef struct AccessList {
        uid_t *users;
        size_t n_users;
        gid_t *groups;
        size_t n_groups;
        bool is_restricted; /* to the users and groups above, also where there are none */
} AccessList;

void access_list_done(AccessList *access_list);

/* Excludes every user who is not in the lists. */
void access_list_restrict(AccessList *access_list);

/* Adds one more, and restricts the list.  Return 0 or -ENOMEM. */
int access_list_add_user(AccessList *access_list, uid_t user);
int access_list_add_group(AccessList *access_list, gid_t group);

/* Does the list include this user, or one of these groups? */
bool access_list_includes(const AccessList *access_list, uid_t user, const gid_t *groups, size_t n_groups);
