/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A profile: the rules that a session is judged by, and the users and groups that may start one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/access-list.h"
#include "policy/rule.h"

/* Which decisions of a profile become journal records (log = in the configuration). */
typedef enum PolicyLog {
        POLICY_LOG_DENIED,
        POLICY_LOG_ALL,
        POLICY_LOG_NONE,
} PolicyLog;

/* Whether sessions of a profile are enforced by the guard in the kernel (guard = in the configuration). */
typedef enum PolicyGuard {
        POLICY_GUARD_AUTO,    /* where there is a guard */
        POLICY_GUARD_REQUIRE, /* there are none without it */
        POLICY_GUARD_OFF,
} PolicyGuard;

typedef struct Profile Profile;

/* What a profile says of one path. */
typedef struct Verdict {
        Action action; /* not ACTION_AUDIT: that is ACTION_ALLOW, and in profile_enforced() ACTION_DENY */
        int error;     /* with ACTION_DENY: what the target gets, a positive errno */
        uint64_t delay_usec; /* how long the answer is held back */
        const char *rule;    /* its name, or NULL where the profile's default decides; the policy owns it */
        bool audited;        /* allowed; profile_enforced() denies it, by this rule */
} Verdict;

/* Builds a profile without rules; policy_add_profile() calls it.  name is valid; error is the positive errno
 * for what the profile denies.  Returns 0 or -ENOMEM.  profile_free() takes NULL and returns NULL. */
int profile_new(const char *name, Action fallback, int error, PolicyLog log, Profile **ret);
Profile *profile_free(Profile *profile);

const char *profile_name(const Profile *profile);

/* Returns the same profile with ACTION_DENY wherever it has ACTION_AUDIT; the profile owns it.  NULL: the
 * profile audits nothing. */
const Profile *profile_enforced(const Profile *profile);

/* Closes the profile: policy_find_profile() no longer finds it, so that every call of its sessions is
 * denied. */
void profile_close(Profile *profile);
bool profile_is_closed(const Profile *profile);

/* The users and groups that may use the profile, at first all; the profile owns the list. */
AccessList *profile_access_list(Profile *profile);
bool profile_admits(const Profile *profile, uid_t user, const gid_t *groups, size_t n_groups);

PolicyLog profile_log(const Profile *profile);

/* Is there a rule that denies? */
bool profile_has_denials(const Profile *profile);

/* Does the profile allow every path at once, so that no path has to be known? */
bool profile_allows_all(const Profile *profile);

/* Sets what happens in a file system that the host does not see, at first ACTION_DENY.  A profile that
 * allows every path allows these, too. */
void profile_set_private(Profile *profile, Action action);
bool profile_allows_private(const Profile *profile);

/* Sets whether the workload may create user and mount namespaces and enter others, at first ACTION_ALLOW. */
void profile_set_namespaces(Profile *profile, Action action);
Action profile_namespaces(const Profile *profile);

/* Sets how sessions that begin from now on are enforced, at first POLICY_GUARD_AUTO. */
void profile_set_guard(Profile *profile, PolicyGuard guard);
PolicyGuard profile_guard(const Profile *profile);

/* Adds a copy of a rule; see rule-path.h for path.  Returns 0, -EINVAL (the name or the path is not valid:
 * policy_name_is_valid(), rule_path_is_valid()), -ENOMEM, or -EEXIST where the profile has a rule for this
 * path: then *ret_existing is that rule's name, which the profile owns. */
int profile_add_rule(Profile *profile, const Rule *rule, const char **ret_existing);

/* Judges an operation at an absolute, normalised path, as rule_tree_find() wants it. */
void profile_judge(const Profile *profile, OperationKind kind, const char *path, Verdict *ret);

/* Does a rule deny the operation at path, or at what is left of path without its first components?  A target
 * whose root directory lies above the place takes such a rest for the place's path. */
bool profile_denies_tail(const Profile *profile, OperationKind kind, const char *path);

/* The same as profile_judge() for a path that no rule covers. */
void profile_judge_uncovered(const Profile *profile, Verdict *ret);
