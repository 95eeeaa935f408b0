/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Switches the worker between itself and its target.  Owns the process's file system credentials.  Must
 * never change the real, effective or saved uid, and never let a capability through that the target lacks.
 */

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

/* What a worker that is raised uses all the time: to read targets, and to find directories whatever the
 * modes of those above. */
#define READING (BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))

/* All that a step of it takes, or a helper process's: to take on roots, users and groups, to mark targets
 * (landlock.c), to enter a user namespace, to act for a target that overrides modes. */
#define NEEDED                                                                                              \
        (READING | BIT(CAP_SYS_CHROOT) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_RESOURCE) |        \
                BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_OVERRIDE))

/* A set of capabilities as the kernel takes it. */
typedef struct CapState {
        cap_t caps;
        uint64_t effective;
} CapState;

struct Becomer {
        CapState raised;
        CapState step; /* raised, for one step */
        CapState lowered;
        uint64_t permitted; /* all that we can have effective */
        uint64_t effective; /* what the kernel has, where that is known */
        bool effective_known;
        bool known;   /* `now` is what the kernel has */
        Identity now; /* capabilities unused */
};

void identity_init(Identity *identity) {
        *identity = (Identity){};
}

void identity_done(Identity *identity) {
        free(identity->groups);
        identity_init(identity);
}

void identity_clear_groups(Identity *identity) {
        identity->n_groups = 0;
}

int identity_add_group(Identity *identity, gid_t group) {
        if (identity->n_groups == identity->room_for_groups) {
                size_t room = identity->room_for_groups ? 2 * identity->room_for_groups : 32;
                gid_t *groups = reallocarray(identity->groups, room, sizeof(*groups));

                if (!groups)
                        return -ENOMEM;
                identity->groups = groups;
                identity->room_for_groups = room;
        }
        identity->groups[identity->n_groups++] = group;
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

/* Reads what is permitted, and takes from caps what is not needed. */
static int becomer_limit(Becomer *becomer, cap_t caps) {
        cap_flag_value_t value;

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
                if (cap_get_flag(caps, cap, CAP_PERMITTED, &value) < 0)
                        return -errno;
                if (value == CAP_SET && (NEEDED & BIT(cap)))
                        becomer->permitted |= BIT(cap);
                else if (cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR) < 0)
                        return -errno;
        }
        return 0;
}

static int becomer_init(Becomer *becomer) {
        cap_t caps = cap_get_proc();
        int r;

        if (!caps)
                return -errno;
        r = becomer_limit(becomer, caps);
        if (r >= 0)
                r = cap_state_init(&becomer->raised, caps);
        if (r >= 0)
                r = cap_state_init(&becomer->step, caps);
        if (r >= 0)
                r = cap_state_init(&becomer->lowered, caps);
        (void)cap_free(caps);
        if (r >= 0)
                r = cap_state_set(&becomer->raised, READING & becomer->permitted);
        return r < 0 ? r : becomer_raise(becomer);
}

int becomer_new(Becomer **ret) {
        Becomer *becomer;
        int r;

        becomer = calloc(1, sizeof(*becomer));
        if (!becomer)
                return -ENOMEM;
        r = becomer_init(becomer);
        if (r < 0) {
                becomer_free(becomer);
                return r;
        }
        *ret = becomer;
        return 0;
}

Becomer *becomer_free(Becomer *becomer) {
        if (!becomer)
                return NULL;
        cap_state_done(&becomer->raised);
        cap_state_done(&becomer->step);
        cap_state_done(&becomer->lowered);
        identity_done(&becomer->now);
        free(becomer);
        return NULL;
}

static int set_effective(Becomer *becomer, const CapState *state) {
        if (becomer->effective_known && becomer->effective == state->effective)
                return 0;
        if (cap_set_proc(state->caps) < 0)
                return -errno;
        becomer->effective = state->effective;
        becomer->effective_known = true;
        return 0;
}

/* A target that has all of these may be read with what it has: two calls less for root's. */
static bool can_read_as_target(const Becomer *becomer) {
        return becomer->effective_known && becomer->effective == becomer->lowered.effective &&
               (becomer->effective & becomer->raised.effective) == becomer->raised.effective;
}

int becomer_raise(Becomer *becomer) {
        return can_read_as_target(becomer) ? 0 : set_effective(becomer, &becomer->raised);
}

static int raise_for(Becomer *becomer, uint64_t bits) {
        int r;

        if (becomer->effective_known && (becomer->effective & bits) == bits)
                return 0;
        r = cap_state_set(&becomer->step, (READING | bits) & becomer->permitted);
        return r < 0 ? r : set_effective(becomer, &becomer->step);
}

int becomer_raise_for(Becomer *becomer, cap_value_t capability) {
        return raise_for(becomer, BIT(capability));
}

static bool groups_equal(const Identity *a, const Identity *b) {
        return a->n_groups == b->n_groups &&
               (a->n_groups == 0 || memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)) == 0);
}

static bool is_now(const Becomer *becomer, const Identity *identity) {
        const Identity *now = &becomer->now;

        return becomer->known && now->fsuid == identity->fsuid && now->fsgid == identity->fsgid &&
               now->umask == identity->umask && groups_equal(now, identity);
}

static int groups_copy(Identity *to, const Identity *from) {
        int r;

        identity_clear_groups(to);
        for (size_t i = 0; i < from->n_groups; i++) {
                r = identity_add_group(to, from->groups[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Gives the kernel the ids of identity.  Raised. */
static int become_ids(Becomer *becomer, const Identity *identity) {
        Identity *now = &becomer->now;
        int r;

        if (!becomer->known || !groups_equal(now, identity)) {
                becomer->known = false;
                if (setgroups(identity->n_groups, identity->groups) < 0)
                        return -errno;
                r = groups_copy(now, identity);
                if (r < 0)
                        return r;
        }
        /* These two return the old id, whether or not the new one was taken. */
        if (!becomer->known || now->fsgid != identity->fsgid) {
                becomer->known = false;
                (void)setfsgid(identity->fsgid);
                if ((gid_t)setfsgid((gid_t)-1) != identity->fsgid)
                        return -EPERM;
        }
        if (!becomer->known || now->fsuid != identity->fsuid) {
                becomer->known = false;
                (void)setfsuid(identity->fsuid);
                if ((uid_t)setfsuid((uid_t)-1) != identity->fsuid)
                        return -EPERM;
                /* A change between 0 and others moves capabilities in and out of the effective set. */
                becomer->effective_known = false;
        }
        if (!becomer->known || now->umask != identity->umask)
                (void)umask(identity->umask);
        now->fsgid = identity->fsgid;
        now->fsuid = identity->fsuid;
        now->umask = identity->umask;
        becomer->known = true;
        return 0;
}

int becomer_lower(Becomer *becomer, const Identity *identity) {
        uint64_t wanted = identity->capabilities & becomer->permitted;
        int r;

        if (!is_now(becomer, identity)) {
                r = raise_for(becomer, BIT(CAP_SETUID) | BIT(CAP_SETGID));
                if (r < 0)
                        return r;
                r = become_ids(becomer, identity);
                if (r < 0)
                        return r;
        }
        r = cap_state_set(&becomer->lowered, wanted);
        return r < 0 ? r : set_effective(becomer, &becomer->lowered);
}
