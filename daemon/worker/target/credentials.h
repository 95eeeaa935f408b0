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

typedef struct Credentials {
        uid_t fsuid;
        gid_t fsgid;
        mode_t umask;
        uint64_t capabilities; /* effective, bit N for capability N */
        gid_t *groups;
        size_t n_groups;
        size_t room_for_groups;
} Credentials;

typedef struct CredentialsOverride CredentialsOverride;

/* The groups of Credentials are its own; the rest is plain data. */
void credentials_init(Credentials *credentials);
void credentials_done(Credentials *credentials);
void credentials_clear_groups(Credentials *credentials);
/* Returns 0 or -ENOMEM. */
int credentials_add_group(Credentials *credentials, gid_t group);

/* Gives up the capabilities that no step of a worker needs, and raises the process as far as the others let
 * it.  Returns 0 or a negative errno.  credentials_override_free() takes NULL, returns NULL and leaves the
 * process as it is. */
int credentials_override_new(CredentialsOverride **ret);
CredentialsOverride *credentials_override_free(CredentialsOverride *override);

/* Becomes who credentials says; makes no system call where nothing has changed since the last time.  Returns
 * 0, or a negative errno: then the process is neither and must not act. */
int credentials_override(CredentialsOverride *override, const Credentials *credentials);

/* Has what it takes to read a target; fsuid, fsgid, groups and umask stay the target's, for the next call is
 * likely the same target's.  Returns 0 or a negative errno. */
int credentials_revert(CredentialsOverride *override);

/* The same for one step that takes this capability, too: until the next credentials_revert() or
 * credentials_override(). */
int credentials_revert_with(CredentialsOverride *override, cap_value_t capability);
