/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Being the target for one system call, as far as the file system looks at who calls: fsuid, fsgid,
 * supplementary groups, umask and effective capabilities.
 *
 * The worker's real, effective and saved uids stay its own all the time: with the target's uid, the workload
 * could signal or trace it and take the listener.  A worker is either raised (it may read targets and change
 * root, and not much more) or lowered (what the target has and the worker may have too: it acts). */

#include <stddef.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/types.h>

typedef struct Identity {
        uid_t fsuid;
        gid_t fsgid;
        mode_t umask;
        uint64_t capabilities; /* effective, bit N for capability N */
        gid_t *groups;
        size_t n_groups;
        size_t room_for_groups;
} Identity;

typedef struct Becomer Becomer;

/* An Identity's groups are its own; the rest is plain data. */
void identity_init(Identity *identity);
void identity_done(Identity *identity);
void identity_clear_groups(Identity *identity);
/* Returns 0 or -ENOMEM. */
int identity_add_group(Identity *identity, gid_t group);

/* Gives up the capabilities that no step of a worker needs, and raises the process as far as the others let
 * it.  Returns 0 or a negative errno.  becomer_free() takes NULL, returns NULL and leaves the process as it
 * is. */
int becomer_new(Becomer **ret);
Becomer *becomer_free(Becomer *becomer);

/* Becomes who identity says; makes no system call where nothing has changed since the last time.  Returns 0,
 * or a negative errno: then the process is neither and must not act. */
int becomer_lower(Becomer *becomer, const Identity *identity);

/* Has what it takes to read a target; fsuid, fsgid, groups and umask stay the target's, for the next call is
 * likely the same target's.  Returns 0 or a negative errno. */
int becomer_raise(Becomer *becomer);

/* The same for one step that takes this capability, too: until the next becomer_raise() or
 * becomer_lower(). */
int becomer_raise_for(Becomer *becomer, cap_value_t capability);
