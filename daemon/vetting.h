/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The vetting child: a short-lived process per connection, which alone reads what a stranger sent.  Closing
 * a stranger's fd can hang for ever (a FUSE file whose flush isn't answered, a lingering socket), a message
 * can hold fds, and either would hold up the daemon; so the daemon takes an fd only from its own child,
 * which has looked at it. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ledger.h"
#include "common/notify.h"
#include "common/policy.h"
#include "common/protocol.h"
#include "filter.h"

/* How long a launcher may take from connecting to knocking. */
#define VETTING_TIMEOUT_USEC 2000000U

typedef struct VettingArguments {
        int launcher_fd; /* the connection */
        int daemon_fd;   /* where the findings go: SOCK_SEQPACKET */
        pid_t launcher_pid;
        uint64_t session_id;
        uint64_t nonce;
        const Policy *policy;
        const Filter *filter;
} VettingArguments;

/* What the child tells the daemon, with the listener beside it where accepted. */
typedef struct VettingFindings {
        uint32_t accepted;
        uint32_t has_sync_wake_up;
        char profile[PROTOCOL_PROFILE_SIZE];
        char label[PROTOCOL_LABEL_SIZE];
        char text[PROTOCOL_TEXT_SIZE]; /* refused: why */
        NotifyRequest knock;
} VettingFindings;
static_assert(sizeof(VettingFindings) == 904, "crosses a process boundary");

/* Talks to the launcher until its knock is in hand, or it is refused; returns the exit status. */
int vetting_run(const VettingArguments *arguments);
