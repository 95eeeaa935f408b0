/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Gives the worker the target's credentials for one system call, as far as the file system looks at a
 * caller: fsuid, fsgid, supplementary groups, umask and effective capabilities.
 *
 * The real, effective and saved uids of the worker never change: with the target's uid the workload could
 * signal or trace the worker and take the listener.  A worker either has its own credentials (reverted),
 * with which it may read targets and change its root, and little else; or the target's (overridden), with
 * the capabilities that both have, and then it acts. */

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

/* Credentials own their groups; the rest is plain data. */
void credentials_init(Credentials *credentials);
void credentials_done(Credentials *credentials);
void credentials_clear_groups(Credentials *credentials);
/* Returns 0 or -ENOMEM. */
int credentials_add_group(Credentials *credentials, gid_t group);

/* Gives up the capabilities that no step of a worker needs, and reverts the process to what is left. Returns
 * 0 or a negative errno.  credentials_override_free() takes NULL, returns NULL and leaves the process as it
 * is. */
int credentials_override_new(CredentialsOverride **ret);
CredentialsOverride *credentials_override_free(CredentialsOverride *override);

/* Takes these credentials on.  Makes no system call where they are those of the last time.  Returns 0, or a
 * negative errno: then the process has a mixture of credentials and must not act. */
int credentials_override(CredentialsOverride *override, const Credentials *credentials);

/* From here on the worker never takes a target's credentials on: credentials_override() only reverts. */
void credentials_stay(CredentialsOverride *override);

/* Takes back the worker's own capabilities, with which it can read a target.  fsuid, fsgid, groups and umask
 * stay those of the last target, which is likely to make the next call, too.  Returns 0 or a negative
 * errno. */
int credentials_revert(CredentialsOverride *override);

/* The same, with one more capability that the next step needs, until the next credentials_revert() or
 * credentials_override(). */
int credentials_revert_with(CredentialsOverride *override, cap_value_t capability);
