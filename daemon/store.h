/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's file descriptor store, in which sessions outlive the daemon: see sd_pid_notify_with_fds(3).
 * Without systemd every function here does nothing and says so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct StoreDeposit StoreDeposit;
typedef void (*StoreFunction)(void *userdata);

/* A session that an earlier daemon left, as found at start; fds are -EBADF where one is missing. */
typedef struct StoreFind {
        uint64_t session_id;
        int listener_fd;
        int ledger_fd;
} StoreFind;

/* Is there a store? */
bool store_exists(void);

/* Puts a session's two fds into the store; doesn't wait.  Returns 1 and a deposit: on_stored is called once
 * systemd has taken them.  Returns 0 and no deposit where there is no store, or a negative errno.  The fds
 * stay the caller's. */
int store_put(sd_event *event, uint64_t session_id, int listener_fd, int ledger_fd, StoreFunction on_stored,
        void *userdata, StoreDeposit **ret);

/* Forgets about waiting.  Takes NULL, returns NULL. */
StoreDeposit *store_deposit_free(StoreDeposit *deposit);

/* Takes a session's fds out of the store. */
void store_remove(uint64_t session_id);

/* Does name, as sd_listen_fds_with_names(3) gave it, belong to a stored session?  If so, adds fd, which the
 * array owns from then on, to its entry in finds.  Returns 1, 0 where it isn't one, or -ENOMEM. */
int store_find(const char *name, int fd, StoreFind **finds, size_t *n_finds);
