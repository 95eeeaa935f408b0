/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Switches the worker between its own credentials and those of its target.  Run by the worker.  Owns the
 * file system credentials of the process.  Must never change the real, effective or saved uid, and never act
 * with a capability that the target lacks. */

#include "worker/target/credentials.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "common/ownership.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* What a worker needs all the time: to read targets, and to find directories whatever the modes of those
 * above. */
#define READING (BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))

/* What single steps of a worker or a helper need: to change the root directory, users and groups, to mark
 * targets (landlock.c), to enter a user namespace, to act for a target that overrides modes. */
#define NEEDED                                                                                              \
        (READING | BIT(CAP_SYS_CHROOT) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_RESOURCE) |        \
                BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_OVERRIDE))

/* A set of capabilities, in the form in which the kernel takes it. */
typedef struct CapState {
        cap_t caps;
        uint64_t effective;
} CapState;

struct CredentialsOverride {
        CapState reverted;
        CapState step; /* reverted, and what one step needs */
        CapState overridden;
        uint64_t permitted; /* what can be made effective */
        uint64_t effective; /* the set that the kernel has, where that is known */
        bool effective_known;
        bool stays;      /* see credentials_stay() */
        bool known;      /* `now` says what the kernel has */
        Credentials now; /* capabilities unused */
};

void credentials_init(Credentials *credentials) {
        *credentials = (Credentials){};
}

void credentials_done(Credentials *credentials) {
        free(credentials->groups);
        credentials_init(credentials);
}

void credentials_clear_groups(Credentials *credentials) {
        credentials->n_groups = 0;
}

int credentials_add_group(Credentials *credentials, gid_t group) {
        if (credentials->n_groups == credentials->room_for_groups) {
                size_t room = credentials->room_for_groups ? 2 * credentials->room_for_groups : 32;
                gid_t *groups = reallocarray(credentials->groups, room, sizeof(*groups));

                if (!groups)
                        return -ENOMEM;
                credentials->groups = groups;
                credentials->room_for_groups = room;
        }
        credentials->groups[credentials->n_groups++] = group;
        return 0;
}

static int cap_state_set(CapState *state, uint64_t bits) {
        if (state->effective == bits)
                return 0;
        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                if (cap_set_flag(
                            state->caps, CAP_EFFECTIVE, 1, &cap, bits & BIT(cap) ? CAP_SET : CAP_CLEAR) < 0)
                        return -errno;
        state->effective = bits;
        return 0;
}

static int cap_state_init(CapState *state, cap_t caps) {
        state->caps = cap_dup(caps);
        if (!state->caps || cap_clear_flag(state->caps, CAP_EFFECTIVE) < 0)
                return -errno;
        return 0;
}

static void cap_state_done(CapState *state) {
        if (state->caps)
                (void)cap_free(state->caps);
}

/* Reads which capabilities are permitted, and takes from caps those that no step needs. */
static int override_limit(CredentialsOverride *override, cap_t caps) {
        cap_flag_value_t value;

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
                if (cap_get_flag(caps, cap, CAP_PERMITTED, &value) < 0)
                        return -errno;
                if (value == CAP_SET && (NEEDED & BIT(cap)))
                        override->permitted |= BIT(cap);
                else if (cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR) < 0)
                        return -errno;
        }
        return 0;
}

static int override_init(CredentialsOverride *override) {
        cap_t caps = cap_get_proc();
        int r;

        if (!caps)
                return -errno;
        r = override_limit(override, caps);
        if (r >= 0)
                r = cap_state_init(&override->reverted, caps);
        if (r >= 0)
                r = cap_state_init(&override->step, caps);
        if (r >= 0)
                r = cap_state_init(&override->overridden, caps);
        (void)cap_free(caps);
        if (r >= 0)
                r = cap_state_set(&override->reverted, READING & override->permitted);
        return r < 0 ? r : credentials_revert(override);
}

int credentials_override_new(CredentialsOverride **ret) {
        CredentialsOverride *override;
        int r;

        override = calloc(1, sizeof(*override));
        if (!override)
                return -ENOMEM;
        r = override_init(override);
        if (r < 0) {
                credentials_override_free(override);
                return r;
        }
        *ret = override;
        return 0;
}

CredentialsOverride *credentials_override_free(CredentialsOverride *override) {
        if (!override)
                return NULL;
        cap_state_done(&override->reverted);
        cap_state_done(&override->step);
        cap_state_done(&override->overridden);
        credentials_done(&override->now);
        free(override);
        return NULL;
}

static int set_effective(CredentialsOverride *override, const CapState *state) {
        if (override->effective_known && override->effective == state->effective)
                return 0;
        if (cap_set_proc(state->caps) < 0)
                return -errno;
        override->effective = state->effective;
        override->effective_known = true;
        return 0;
}

/* With the capabilities of a target that has all of these the worker can read, too: that saves two system
 * calls for each call of root's. */
static bool can_read_as_target(const CredentialsOverride *override) {
        return override->effective_known && override->effective == override->overridden.effective &&
               (override->effective & override->reverted.effective) == override->reverted.effective;
}

int credentials_revert(CredentialsOverride *override) {
        return can_read_as_target(override) ? 0 : set_effective(override, &override->reverted);
}

void credentials_stay(CredentialsOverride *override) {
        override->stays = true;
}

static int revert_with(CredentialsOverride *override, uint64_t bits) {
        int r;

        if (override->effective_known && (override->effective & bits) == bits)
                return 0;
        r = cap_state_set(&override->step, (READING | bits) & override->permitted);
        return r < 0 ? r : set_effective(override, &override->step);
}

int credentials_revert_with(CredentialsOverride *override, cap_value_t capability) {
        return revert_with(override, BIT(capability));
}

static bool groups_equal(const Credentials *a, const Credentials *b) {
        return a->n_groups == b->n_groups &&
               (a->n_groups == 0 || memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)) == 0);
}

static bool is_now(const CredentialsOverride *override, const Credentials *credentials) {
        const Credentials *now = &override->now;

        return override->known && now->fsuid == credentials->fsuid && now->fsgid == credentials->fsgid &&
               now->umask == credentials->umask && groups_equal(now, credentials);
}

static int groups_copy(Credentials *to, const Credentials *from) {
        int r;

        credentials_clear_groups(to);
        for (size_t i = 0; i < from->n_groups; i++) {
                r = credentials_add_group(to, from->groups[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Gives the kernel the ids of credentials.  CAP_SETUID and CAP_SETGID must be effective. */
static int become_ids(CredentialsOverride *override, const Credentials *credentials) {
        Credentials *now = &override->now;
        int r;

        if (!override->known || !groups_equal(now, credentials)) {
                override->known = false;
                if (setgroups(credentials->n_groups, credentials->groups) < 0)
                        return -errno;
                r = groups_copy(now, credentials);
                if (r < 0)
                        return r;
        }
        /* setfsgid() and setfsuid() return the old id, whether or not they have set the new one. */
        if (!override->known || now->fsgid != credentials->fsgid) {
                override->known = false;
                (void)setfsgid(credentials->fsgid);
                if ((gid_t)setfsgid((gid_t)-1) != credentials->fsgid)
                        return -EPERM;
        }
        if (!override->known || now->fsuid != credentials->fsuid) {
                override->known = false;
                (void)setfsuid(credentials->fsuid);
                if ((uid_t)setfsuid((uid_t)-1) != credentials->fsuid)
                        return -EPERM;
                /* A change from or to uid 0 removes capabilities from the effective set, or adds them. */
                override->effective_known = false;
        }
        if (!override->known || now->umask != credentials->umask)
                (void)umask(credentials->umask);
        now->fsgid = credentials->fsgid;
        now->fsuid = credentials->fsuid;
        now->umask = credentials->umask;
        override->known = true;
        return 0;
}

int credentials_override(CredentialsOverride *override, const Credentials *credentials) {
        uint64_t wanted;
        int r;

        if (override->stays)
                return credentials_revert(override);
        wanted = credentials->capabilities & override->permitted;
        if (!is_now(override, credentials)) {
                r = revert_with(override, BIT(CAP_SETUID) | BIT(CAP_SETGID));
                if (r < 0)
                        return r;
                r = become_ids(override, credentials);
                if (r < 0)
                        return r;
        }
        r = cap_state_set(&override->overridden, wanted);
        return r < 0 ? r : set_effective(override, &override->overridden);
}
