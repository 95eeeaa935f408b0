/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A compiled policy: the profiles and the limits of one configuration.
 *
 * The daemon builds it from the configuration (config/load.h) and never changes it from then on, except for
 * policy_set_refusal(); workers inherit it by fork.  Each call is judged wholly by one policy, whose
 * generation number stands in the journal's record. */

#include <stdint.h>

#include "policy/limits.h"
#include "policy/profile.h"

typedef struct Policy Policy;

/* Returns 0 or -ENOMEM.  policy_free() takes NULL and returns NULL; it frees the profiles and rules too. */
int policy_new(uint64_t generation, Policy **ret);
Policy *policy_free(Policy *policy);

uint64_t policy_generation(const Policy *policy);

/* Lets no further session start under the policy; running sessions go on.  why (copied) is for the user of
 * snotify-run.  policy_refusal() is NULL at first.  Returns 0 or -ENOMEM. */
int policy_set_refusal(Policy *policy, const char *why);
const char *policy_refusal(const Policy *policy);

/* At first LIMITS_DEFAULT. */
void policy_set_limits(Policy *policy, const Limits *limits);
const Limits *policy_limits(const Policy *policy);

/* Adds a profile, which the policy owns.  error is the positive errno for what it denies.  Returns 0,
 * -EEXIST (the name is taken), -EINVAL (policy_name_is_valid() says no) or -ENOMEM. */
int policy_add_profile(
        Policy *policy, const char *name, Action fallback, int error, PolicyLog log, Profile **ret);

/* Returns NULL where there is no such profile, or it is closed. */
const Profile *policy_find_profile(const Policy *policy, const char *name);
