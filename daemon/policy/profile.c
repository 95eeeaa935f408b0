/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One profile of the policy.  Owns its rules and its access list.  The daemon builds it; workers and
 * verifiers read it, in the copy that fork gave them.  Pure functions. */

#include "policy/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "policy/rule-path.h"
#include "policy/rule-tree.h"

struct Profile {
        Action fallback;
        int error;
        PolicyLog log;
        Action private;
        Action namespaces;
        PolicyGuard guard;
        bool has_denials;
        bool has_delays;
        bool is_closed;
        bool is_enforced; /* what is to be audited is denied */
        bool audits;
        Profile *enforced; /* shares `rules`; has no name and no access list */
        AccessList access_list;
        RuleTree *rules;
        char name[POLICY_NAME_MAX + 1];
};

static Action effective(const Profile *profile, Action action) {
        if (action != ACTION_AUDIT)
                return action;
        return profile->is_enforced ? ACTION_DENY : ACTION_ALLOW;
}

const char *profile_name(const Profile *profile) {
        return profile->name;
}

void profile_close(Profile *profile) {
        profile->is_closed = true;
}

bool profile_is_closed(const Profile *profile) {
        return profile->is_closed;
}

AccessList *profile_access_list(Profile *profile) {
        return &profile->access_list;
}

bool profile_admits(const Profile *profile, uid_t user, const gid_t *groups, size_t n_groups) {
        return access_list_includes(&profile->access_list, user, groups, n_groups);
}

PolicyLog profile_log(const Profile *profile) {
        return profile->log;
}

bool profile_has_denials(const Profile *profile) {
        return profile->has_denials;
}

bool profile_allows_all(const Profile *profile) {
        return effective(profile, profile->fallback) == ACTION_ALLOW && !profile->has_denials &&
               !profile->has_delays;
}

const Profile *profile_enforced(const Profile *profile) {
        return profile->audits ? profile->enforced : NULL;
}

void profile_set_private(Profile *profile, Action action) {
        profile->private = profile->enforced->private = action;
        profile->audits |= action == ACTION_AUDIT;
}

bool profile_allows_private(const Profile *profile) {
        return effective(profile, profile->private) == ACTION_ALLOW ||
               (effective(profile, profile->fallback) == ACTION_ALLOW && !profile->has_denials);
}

void profile_set_namespaces(Profile *profile, Action action) {
        profile->namespaces = action;
}

Action profile_namespaces(const Profile *profile) {
        return profile->namespaces;
}

void profile_set_guard(Profile *profile, PolicyGuard guard) {
        profile->guard = guard;
}

PolicyGuard profile_guard(const Profile *profile) {
        return profile->guard;
}

int profile_add_rule(Profile *profile, const Rule *rule, const char **ret_existing) {
        const char *why;
        int r;

        if (!policy_name_is_valid(rule->name) || !rule_path_is_valid(rule->path, &why))
                return -EINVAL;
        r = rule_tree_add(profile->rules, rule, ret_existing);
        if (r < 0)
                return r;
        profile->has_denials |= rule->action == ACTION_DENY;
        profile->enforced->has_denials |= rule->action != ACTION_ALLOW;
        profile->has_delays |= rule->delay_usec > 0;
        profile->audits |= rule->action == ACTION_AUDIT;
        return 0;
}

static void judge_by(const Profile *profile, const Rule *rule, Verdict *ret) {
        Action action = effective(profile, rule ? rule->action : profile->fallback);

        *ret = (Verdict){
                .action = action,
                .error = action == ACTION_DENY ? profile->error : 0,
                .delay_usec = rule ? rule->delay_usec : 0,
                .rule = rule ? rule->name : NULL,
        };
}

void profile_judge(const Profile *profile, OperationKind kind, const char *path, Verdict *ret) {
        judge_by(profile, rule_tree_find(profile->rules, kind, path), ret);
}

bool profile_denies_tail(const Profile *profile, OperationKind kind, const char *path) {
        const Rule *rule = NULL;

        for (const char *tail = profile->has_denials ? path : NULL; tail; tail = strchr(tail + 1, '/')) {
                rule = rule_tree_find(profile->rules, kind, tail);
                if (rule && effective(profile, rule->action) == ACTION_DENY)
                        return true;
        }
        return false;
}

void profile_judge_uncovered(const Profile *profile, Verdict *ret) {
        judge_by(profile, NULL, ret);
}

DEFINE_CLEANUP(Profile, profile_free)

int profile_new(const char *name, Action fallback, int error, PolicyLog log, Profile **ret) {
        _cleanup_(profile_free_p) Profile *profile = calloc(1, sizeof(Profile));
        int r;

        if (!profile)
                return -ENOMEM;
        profile->fallback = fallback;
        profile->audits = fallback == ACTION_AUDIT;
        profile->namespaces = ACTION_ALLOW;
        profile->error = error;
        profile->log = log;
        memcpy(profile->name, name, strlen(name) + 1);
        r = rule_tree_new(&profile->rules);
        if (r < 0)
                return r;
        profile->enforced = calloc(1, sizeof(Profile));
        if (!profile->enforced)
                return -ENOMEM;
        *profile->enforced = (Profile){
                .fallback = fallback, .error = error, .is_enforced = true, .rules = profile->rules};
        *ret = TAKE_PTR(profile);
        return 0;
}

Profile *profile_free(Profile *profile) {
        if (!profile)
                return NULL;
        rule_tree_free(profile->rules);
        free(profile->enforced);
        access_list_done(&profile->access_list);
        free(profile);
        return NULL;
}
