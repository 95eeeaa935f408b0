/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All sessions, and what they are: see identities.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/notify.h"
#include "session/session.h"
#include "session/store.h"

typedef struct SessionTable SessionTable;

/* Begins with the identities that are stored, and takes their fd out of stored.  context stays the caller's,
 * and outlives the table; its on_end() calls session_table_remove().  Records what is wrong.
 * Returns 0 or a negative errno.  session_table_free() takes NULL and returns NULL; the sessions stay in the
 * store. */
int session_table_new(const SessionContext *context, StoreContents *stored, SessionTable **ret);
SessionTable *session_table_free(SessionTable *table);

/* Takes over the sessions that are stored, and ends those that it cannot take over, with a record for each.
 */
void session_table_restore(SessionTable *table, StoreContents *stored);

/* Begins a session, and takes over listener_fd even on failure: then the listener is closed, the knock gets
 * ENOSYS and the launcher gives up.  Returns 0, -EUSERS (the policy's limits allow no more), or another
 * negative errno. */
int session_table_begin(SessionTable *table, const SessionIdentity *identity, const NotifyRequest *knock,
        int64_t knock_answer, int listener_fd);

/* The session is over: its totals are kept, and it is freed. */
void session_table_remove(SessionTable *table, Session *session);

/* Returns the session's identity, which the table owns, or NULL. */
const SessionIdentity *session_table_find(const SessionTable *table, uint64_t id);

size_t session_table_size(const SessionTable *table);
uint32_t session_table_count(const SessionTable *table, uint32_t account);

/* The totals of all sessions since the daemon started, and how many workers hang. */
void session_table_sum(const SessionTable *table, LedgerTotals *ret_totals, uint32_t *ret_hanging);

/* Has any session workers, or work for one? */
bool session_table_is_active(const SessionTable *table);

/* context->policy was replaced.  Records which sessions have no profile in the new one. */
void session_table_renew(SessionTable *table);

/* Ends the service of all sessions, in steps of at most usec each: workers finish the calls in hand; those
 * that do not are killed; and those that hang nevertheless are left behind (session_abandon()).  Runs the
 * event loop meanwhile.  Records how many sessions are left, and what becomes of them. */
void session_table_shut_down(SessionTable *table, uint64_t usec);
