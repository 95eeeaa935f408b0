/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Switches the worker between itself and its target.  Owns the process's file system credentials.  Must
 * never change the real, effective or saved uid, and never let a capability through that the target lacks.
 */

#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "common/ownership.h"

/* What a worker that is raised uses: to read targets, to take on roots, users and groups, to find
 * directories whatever the modes of those above, to mark targets (landlock.c), to dismiss deputies. */
static const cap_value_t own_capabilities[] = {
        CAP_SYS_PTRACE,
        CAP_SYS_CHROOT,
        CAP_SETUID,
        CAP_SETGID,
        CAP_DAC_READ_SEARCH,
        CAP_SYS_RESOURCE,
        CAP_KILL,
};

struct Becomer {
        cap_t raised_caps;
        cap_t lowered_caps;
        uint64_t permitted;  /* all that we can have effective */
        uint64_t own;        /* what raised_caps has effective */
        uint64_t lowered_to; /* what lowered_caps has effective */
        uint64_t effective;  /* what the kernel has, where that is known */
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

/* Sets the effective capabilities in caps to those in bits. */
static int caps_set_effective(cap_t caps, uint64_t bits) {
        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, bits >> cap & 1 ? CAP_SET : CAP_CLEAR) < 0)
                        return -errno;
        return 0;
}

static int becomer_init(Becomer *becomer) {
        cap_flag_value_t value;

        becomer->raised_caps = cap_get_proc();
        if (!becomer->raised_caps)
                return -errno;
        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
                if (cap_get_flag(becomer->raised_caps, cap, CAP_PERMITTED, &value) < 0)
                        return -errno;
                if (value == CAP_SET)
                        becomer->permitted |= UINT64_C(1) << cap;
        }
        becomer->lowered_caps = cap_dup(becomer->raised_caps);
        if (!becomer->lowered_caps)
                return -errno;
        for (size_t i = 0; i < sizeof(own_capabilities) / sizeof(own_capabilities[0]); i++)
                becomer->own |= UINT64_C(1) << own_capabilities[i];
        becomer->own &= becomer->permitted;
        if (caps_set_effective(becomer->raised_caps, becomer->own) < 0 ||
                caps_set_effective(becomer->lowered_caps, 0) < 0)
                return -errno;
        return becomer_raise(becomer);
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
        if (becomer->raised_caps)
                (void)cap_free(becomer->raised_caps);
        if (becomer->lowered_caps)
                (void)cap_free(becomer->lowered_caps);
        identity_done(&becomer->now);
        free(becomer);
        return NULL;
}

static int set_effective(Becomer *becomer, uint64_t bits, cap_t caps) {
        if (becomer->effective_known && becomer->effective == bits)
                return 0;
        if (cap_set_proc(caps) < 0)
                return -errno;
        becomer->effective = bits;
        becomer->effective_known = true;
        return 0;
}

int becomer_raise(Becomer *becomer) {
        /* A target that has all of these may be read with what it has: two calls less for root's. */
        if (becomer->effective_known && (becomer->effective & becomer->own) == becomer->own)
                return 0;
        return set_effective(becomer, becomer->own, becomer->raised_caps);
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
                r = becomer_raise(becomer);
                if (r < 0)
                        return r;
                r = become_ids(becomer, identity);
                if (r < 0)
                        return r;
        }
        if (becomer->lowered_to != wanted) {
                r = caps_set_effective(becomer->lowered_caps, wanted);
                if (r < 0)
                        return r;
                becomer->lowered_to = wanted;
        }
        return set_effective(becomer, wanted, becomer->lowered_caps);
}
