/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom a profile is for: certain users and groups, or everybody. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All zero: everybody. */
typedef struct AccessList {
        uid_t *users;
        size_t n_users;
        gid_t *groups;
        size_t n_groups;
        bool is_restricted; /* also where nobody is in the lists */
} AccessList;

void access_list_done(AccessList *access_list);

/* Makes everybody a stranger but for those in the lists. */
void access_list_restrict(AccessList *access_list);

/* Adds one more, which makes everybody else a stranger.  Return 0 or -ENOMEM. */
int access_list_add_user(AccessList *access_list, uid_t user);
int access_list_add_group(AccessList *access_list, gid_t group);

/* Is it for this user, or for one who is in these groups? */
bool access_list_includes(const AccessList *access_list, uid_t user, const gid_t *groups, size_t n_groups);
