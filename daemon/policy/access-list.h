/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom a profile is for: certain users and groups, or everybody. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All zero: everybody. */
typedef struct Admission {
        uid_t *users;
        size_t n_users;
        gid_t *groups;
        size_t n_groups;
        bool is_restricted; /* also where nobody is in the lists */
} Admission;

void admission_done(Admission *admission);

/* Makes everybody a stranger but for those in the lists. */
void admission_restrict(Admission *admission);

/* Adds one more, which makes everybody else a stranger.  Return 0 or -ENOMEM. */
int admission_add_user(Admission *admission, uid_t user);
int admission_add_group(Admission *admission, gid_t group);

/* Is it for this user, or for one who is in these groups? */
bool admission_includes(const Admission *admission, uid_t user, const gid_t *groups, size_t n_groups);
