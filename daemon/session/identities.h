/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The identities of all sessions, in one memfd beside the sessions in systemd's store.  The daemon alone
 * holds a descriptor of it, and nothing maps it: a worker that was taken over cannot change what its session
 * is.
 *
 * An identity is written before its session is stored, and removed after its session was removed from the
 * store.  So a stored session without an identity was not stored by this code, and an identity without a
 * session is left over from a crash between the two steps. */

#include <stdbool.h>
#include <stdint.h>

#include "common/session-identity.h"

typedef struct Identities Identities;

/* Takes over fd, which an earlier daemon stored; -EBADF: there is none.  Drops what is not a valid identity
 * in it.  Where fd is no memory of identities of this version, begins with new and empty memory, which is to
 * be stored.  Returns 1 where it did so, otherwise 0, or a negative errno.  identities_free() takes NULL and
 * returns NULL; the memory stays in the store. */
int identities_open(int fd, Identities **ret);
Identities *identities_free(Identities *identities);

/* The memory, to be stored.  Stays the caller's. */
int identities_fd(const Identities *identities);

/* Returns 0, -EEXIST, -ENOSPC (there are LIMITS_SESSIONS_MAX), or a negative errno of pwrite(2). */
int identities_add(Identities *identities, const SessionIdentity *identity);

/* Returns 0, -ENOENT, or a negative errno of pread(2). */
int identities_find(const Identities *identities, uint64_t session_id, SessionIdentity *ret);

/* Without effect where there is no such session. */
void identities_remove(Identities *identities, uint64_t session_id);

/* Removes the identities for which is_used() says no.  Returns how many. */
uint32_t identities_prune(
        Identities *identities, bool (*is_used)(uint64_t session_id, void *userdata), void *userdata);
