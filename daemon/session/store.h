/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's file descriptor store, in which sessions outlive the daemon: see sd_pid_notify_with_fds(3).
 * Without systemd every function here does nothing, and says so in what it returns.  systemd handles
 * messages in the order in which they were sent, even after the daemon that sent them is dead. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct StorePending StorePending;
typedef void (*StoreFunction)(void *userdata);

/* A session that an earlier daemon left, as found at start; fds are -EBADF where one is missing. */
typedef struct StoredSession {
        uint64_t session_id;
        int listener_fd;
        int ledger_fd;
} StoredSession;

/* All that an earlier daemon left.  Fds are -EBADF where there is none. */
typedef struct StoreContents {
        StoredSession *sessions;
        size_t n_sessions;
        int identities_fd;
        int policy_fd;          /* the last one that was stored */
        uint64_t policy_serial; /* its number */
} StoreContents;

#define STORE_CONTENTS_NONE ((StoreContents){.identities_fd = -EBADF, .policy_fd = -EBADF})

/* Closes and frees what was not taken. */
void store_contents_done(StoreContents *contents);

/* Is there a store? */
bool store_exists(void);

/* Puts a session's two fds into the store; does not wait.  Returns 1 and a StorePending: on_stored is called
 * once systemd has taken them.  Returns 0 and no StorePending where there is no store, or a negative errno.
 * The fds stay the caller's. */
int store_put(sd_event *event, uint64_t session_id, int listener_fd, int ledger_fd, StoreFunction on_stored,
        void *userdata, StorePending **ret);

/* Stops waiting for systemd.  Takes NULL, returns NULL. */
StorePending *store_pending_free(StorePending *pending);

/* Takes a session's fds out of the store. */
void store_remove(uint64_t session_id);

/* Replaces what is stored of the sessions' identities; does not wait.  The fd stays the caller's.  Returns 0
 * or a negative errno. */
int store_put_identities(int fd);

/* Puts the text of a configuration into the store, and takes it out; does not wait.  serial grows with each.
 * The fd stays the caller's.  Returns 0 or a negative errno. */
int store_put_policy(uint64_t serial, int fd);
void store_remove_policy(uint64_t serial);

/* Does name, as sd_listen_fds_with_names(3) gave it, belong to something stored?  If so, adds fd, which
 * contents owns from then on.  Returns 1, 0 where it does not, or -ENOMEM. */
int store_take(const char *name, int fd, StoreContents *contents);
