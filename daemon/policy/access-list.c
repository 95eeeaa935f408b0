/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of users and groups.  The daemon fills them, the vetting child asks them.  Pure functions. */

#include "policy/access-list.h"

#include <errno.h>
#include <stdlib.h>

void admission_done(Admission *admission) {
        free(admission->users);
        free(admission->groups);
        *admission = (Admission){};
}

void admission_restrict(Admission *admission) {
        admission->is_restricted = true;
}

int admission_add_user(Admission *admission, uid_t user) {
        uid_t *users = reallocarray(admission->users, admission->n_users + 1, sizeof(*users));

        if (!users)
                return -ENOMEM;
        admission_restrict(admission);
        users[admission->n_users++] = user;
        admission->users = users;
        return 0;
}

int admission_add_group(Admission *admission, gid_t group) {
        gid_t *groups = reallocarray(admission->groups, admission->n_groups + 1, sizeof(*groups));

        if (!groups)
                return -ENOMEM;
        admission_restrict(admission);
        groups[admission->n_groups++] = group;
        admission->groups = groups;
        return 0;
}

static bool has_group(const Admission *admission, gid_t group) {
        for (size_t i = 0; i < admission->n_groups; i++)
                if (admission->groups[i] == group)
                        return true;
        return false;
}

bool admission_includes(const Admission *admission, uid_t user, const gid_t *groups, size_t n_groups) {
        if (!admission->is_restricted)
                return true;
        for (size_t i = 0; i < admission->n_users; i++)
                if (admission->users[i] == user)
                        return true;
        for (size_t i = 0; i < n_groups; i++)
                if (has_group(admission, groups[i]))
                        return true;
        return false;
}
