/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps a list of users and groups.  The daemon fills it, verifiers look users up in it.  Pure
 * functions. */

#include "policy/access-list.h"

#include <errno.h>
#include <stdlib.h>

void access_list_done(AccessList *access_list) {
        free(access_list->users);
        free(access_list->groups);
        *access_list = (AccessList){};
}

void access_list_restrict(AccessList *access_list) {
        access_list->is_restricted = true;
}

int access_list_add_user(AccessList *access_list, uid_t user) {
        uid_t *users = reallocarray(access_list->users, access_list->n_users + 1, sizeof(*users));

        if (!users)
                return -ENOMEM;
        access_list_restrict(access_list);
        users[access_list->n_users++] = user;
        access_list->users = users;
        return 0;
}

int access_list_add_group(AccessList *access_list, gid_t group) {
        gid_t *groups = reallocarray(access_list->groups, access_list->n_groups + 1, sizeof(*groups));

        if (!groups)
                return -ENOMEM;
        access_list_restrict(access_list);
        groups[access_list->n_groups++] = group;
        access_list->groups = groups;
        return 0;
}

static bool has_group(const AccessList *access_list, gid_t group) {
        for (size_t i = 0; i < access_list->n_groups; i++)
                if (access_list->groups[i] == group)
                        return true;
        return false;
}

bool access_list_includes(const AccessList *access_list, uid_t user, const gid_t *groups, size_t n_groups) {
        if (!access_list->is_restricted)
                return true;
        for (size_t i = 0; i < access_list->n_users; i++)
                if (access_list->users[i] == user)
                        return true;
        for (size_t i = 0; i < n_groups; i++)
                if (has_group(access_list, groups[i]))
                        return true;
        return false;
}
