/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The compiled policy.  Owns its profiles.  The daemon builds it; daemon, verifiers and workers
 * read it, the children in the copy that fork gave them.  Pure functions. */

#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct Policy {
        uint64_t generation;
        Limits limits;
        Profile **profiles;
        size_t n_profiles;
        char *refusal;
};

int policy_add_profile(
        Policy *policy, const char *name, Action fallback, int error, PolicyLog log, Profile **ret) {
        Profile **profiles;
        int r;

        if (!policy_name_is_valid(name))
                return -EINVAL;
        if (policy_find_profile(policy, name))
                return -EEXIST;
        profiles = reallocarray(policy->profiles, policy->n_profiles + 1, sizeof(Profile *));
        if (!profiles)
                return -ENOMEM;
        policy->profiles = profiles;
        r = profile_new(name, fallback, error, log, &profiles[policy->n_profiles]);
        if (r < 0)
                return r;
        *ret = profiles[policy->n_profiles++];
        return 0;
}

const Profile *policy_find_profile(const Policy *policy, const char *name) {
        for (size_t i = 0; i < policy->n_profiles; i++) {
                const Profile *profile = policy->profiles[i];

                if (!profile_is_closed(profile) && strcmp(profile_name(profile), name) == 0)
                        return profile;
        }
        return NULL;
}

int policy_set_refusal(Policy *policy, const char *why) {
        char *copy = strdup(why);

        if (!copy)
                return -ENOMEM;
        free(policy->refusal);
        policy->refusal = copy;
        return 0;
}

const char *policy_refusal(const Policy *policy) {
        return policy->refusal;
}

uint64_t policy_generation(const Policy *policy) {
        return policy->generation;
}

void policy_set_limits(Policy *policy, const Limits *limits) {
        policy->limits = *limits;
}

const Limits *policy_limits(const Policy *policy) {
        return &policy->limits;
}

int policy_new(uint64_t generation, Policy **ret) {
        Policy *policy = calloc(1, sizeof(Policy));

        if (!policy)
                return -ENOMEM;
        policy->generation = generation;
        policy->limits = LIMITS_DEFAULT;
        *ret = policy;
        return 0;
}

Policy *policy_free(Policy *policy) {
        if (!policy)
                return NULL;
        for (size_t i = 0; i < policy->n_profiles; i++)
                profile_free(policy->profiles[i]);
        free(policy->profiles);
        free(policy->refusal);
        free(policy);
        return NULL;
}
