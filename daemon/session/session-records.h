/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a session's life.  Its totals they read from its ledger. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/report.h"
#include "common/session-identity.h"

void session_records_start(Report *report, const SessionIdentity *session);
/* Returns false where the journal did not take it. */
bool session_records_end(Report *report, const SessionIdentity *session, int ledger_fd);

/* The daemon stops while the session runs.  If systemd keeps the session (is_kept), the daemon cannot know
 * whether it goes on: systemd does not tell it whether another daemon follows. */
void session_records_leave(Report *report, const SessionIdentity *session, int ledger_fd, bool is_kept);

/* A worker was killed and doesn't die of it; so many of the session's do not. */
void session_records_hang(Report *report, uint64_t id, pid_t pid, uint32_t hanging);

/* A worker ended otherwise than it should. */
void session_records_death(Report *report, uint64_t id, pid_t pid, const siginfo_t *info);
