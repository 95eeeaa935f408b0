/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a session's life.  Its totals are read from its ledger. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/report.h"
#include "common/session-identity.h"
#include "guard/guard-abi.h"

/* The guard has refused something without asking a worker. */
void session_records_refusal(Report *report, const SessionIdentity *session, const GuardRefusal *refusal);

void session_records_start(Report *report, const SessionIdentity *session);
/* Returns false where the journal did not take it. */
bool session_records_end(Report *report, const SessionIdentity *session, int ledger_fd);

/* The daemon stops while the session runs.  is_kept: systemd stores the session.  Whether it goes on is not
 * known yet: systemd does not tell a daemon that stops whether another one follows. */
void session_records_leave(Report *report, const SessionIdentity *session, int ledger_fd, bool is_kept);

/* A worker was killed and hangs nevertheless, as so many of the session's workers do. */
void session_records_hang(Report *report, uint64_t id, pid_t pid, uint32_t hanging);

/* A worker ended otherwise than it should: it was killed, or failed. */
void session_records_death(Report *report, uint64_t id, pid_t pid, const siginfo_t *info);
