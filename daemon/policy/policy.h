/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A compiled policy: which paths a profile allows.
 *
 * The daemon builds one from the configuration (daemon/config/config.h), then never changes it; workers
 * inherit it by fork.  Every request is judged wholly by one policy, which its generation number names in
 * the journal. Looking a path up is pure (no system call, no allocation) and costs by the depth of the path,
 * not by the number of rules. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/access-list.h"
#include "policy/limits.h"

typedef enum Action {
        ACTION_DENY,
        ACTION_ALLOW,
} Action;

/* Which decisions of a profile become journal records (log = in the configuration). */
typedef enum PolicyLog {
        POLICY_LOG_DENIED,
        POLICY_LOG_ALL,
        POLICY_LOG_NONE,
} PolicyLog;

/* The longest rule or profile name, without its NUL. */
#define POLICY_NAME_MAX 40

typedef struct Policy Policy;
typedef struct Profile Profile;

/* What a profile says of one path. */
typedef struct Verdict {
        Action action;
        int error;           /* with ACTION_DENY: what the target gets, a positive errno */
        uint64_t delay_usec; /* how long the answer is held back */
        const char
                *rule; /* the rule's name, or NULL where the profile's default decided; the policy owns it */
} Verdict;

/* Returns 0 or -ENOMEM.  policy_free() takes NULL and returns NULL; it frees the profiles and rules too. */
int policy_new(uint64_t generation, Policy **ret);
Policy *policy_free(Policy *policy);

uint64_t policy_generation(const Policy *policy);

/* Sessions that run go on under the policy, and none begins: why (copied), for the user of snotify-run. At
 * first NULL.  Returns 0 or -ENOMEM. */
int policy_set_refusal(Policy *policy, const char *why);
const char *policy_refusal(const Policy *policy);

/* At first the default. */
void policy_set_limits(Policy *policy, const Limits *limits);
const Limits *policy_limits(const Policy *policy);

/* Adds a profile.  error is the positive errno for what it denies.  Returns 0, -EEXIST (the name is taken),
 * -EINVAL (empty or longer than POLICY_NAME_MAX) or -ENOMEM. */
int policy_add_profile(
        Policy *policy, const char *name, Action fallback, int error, PolicyLog log, Profile **ret);

/* Returns NULL where there is no such profile. */
const Profile *policy_find_profile(const Policy *policy, const char *name);

/* Makes policy_find_profile() no longer find it: to a session of it, everything is denied. */
void profile_close(Profile *profile);

/* Whom the profile is for, at first everybody; the profile's own. */
AccessList *profile_access_list(Profile *profile);
bool profile_admits(const Profile *profile, uid_t user, const gid_t *groups, size_t n_groups);

PolicyLog profile_log(const Profile *profile);
/* Is there a rule that denies? */
bool profile_has_denials(const Profile *profile);
/* Does it allow everything at once, so that no path has to be known? */
bool profile_allows_all(const Profile *profile);
/* What happens in a file system that the host doesn't see, at first ACTION_DENY. */
void profile_set_private(Profile *profile, Action action);
/* Allowed is also what says so of everything, whatever the path. */
bool profile_allows_private(const Profile *profile);
/* May programs make user and mount namespaces, and enter others?  At first ACTION_ALLOW. */
void profile_set_namespaces(Profile *profile, Action action);
Action profile_namespaces(const Profile *profile);

/* Says whether path is one that a rule may have; otherwise *ret_why (static text) says why not: it is not
 * absolute, has an empty, "." or ".." component, a component with "*" and other bytes, or is longer than
 * PATH_MAX - 1. */
bool policy_path_is_valid(const char *path, const char **ret_why);

/* Adds a rule: path with a trailing slash covers everything below it (not the directory itself), without one
 * exactly that path; a component "*" is any one component.  Returns 0, -EINVAL (policy_path_is_valid() says
 * no, or a bad name), -ENOMEM, or -EEXIST where the profile has a rule for this path: *ret_existing then is
 * its name. */
int profile_add_rule(Profile *profile, const char *name, const char *path, Action action,
        uint64_t delay_usec, const char **ret_existing);

/* Judges an absolute, normalised path: no empty, "." or ".." components, no trailing slash.  Of the rules
 * that cover it the one with more components wins; among those, the one that is literal at the first
 * component where they differ. */
void profile_judge(const Profile *profile, const char *path, Verdict *ret);

/* The same for a path that no rule covers. */
void profile_judge_uncovered(const Profile *profile, Verdict *ret);
