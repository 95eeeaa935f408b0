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
#include "common/protocol.h"
#include "common/sandbox.h"
#include "handshake/acceptor.h"
#include "policy/policy.h"
#include "sandbox/filter.h"

/* The sessions that there are, and those of one account.  A launcher that may yet get a session counts as
 * one. */
typedef struct VettingCrowd {
        uint32_t sessions;
        uint32_t sessions_of_account;
} VettingCrowd;

typedef struct VettingArguments {
        int handover_fd; /* where the acceptor has put the connection, which the daemon never holds */
        int proc_fd;     /* see launcher_open_proc() */
        int daemon_fd;   /* where the findings go: SOCK_SEQPACKET */
        uint64_t session_id;
        uint64_t nonce;
        const Policy *policy;
        const Filters *filters;
        /* Counts in what the child has inherited. */
        void (*count_crowd)(uint32_t account, VettingCrowd *ret, void *userdata);
        void *userdata;
        const Sandbox *sandbox;
} VettingArguments;

typedef enum VettingStage {
        VETTING_CONNECTED = 1, /* a connection was handed over: whose it is */
        VETTING_NOTHING,       /* there was none */
        VETTING_REFUSED,
        VETTING_PASSED, /* the listener comes with it */
} VettingStage;

/* What the child tells the daemon: first that it has a connection, then how it ended. */
typedef struct VettingFindings {
        uint32_t stage; /* VettingStage */
        uint32_t pid;   /* of the launcher, as the kernel told */
        uint32_t uid;
        uint32_t account;
        uint64_t number; /* of the ticket */
        uint32_t has_sync_wake_up;
        uint32_t reserved;
        char profile[PROTOCOL_PROFILE_SIZE];
        char label[PROTOCOL_LABEL_SIZE];
        char text[PROTOCOL_TEXT_SIZE]; /* refused: why */
        NotifyRequest knock;
} VettingFindings;
static_assert(sizeof(VettingFindings) == 928, "crosses a process boundary");

/* Takes the next connection, if there is one, and talks to the launcher until its knock is in hand or it is
 * refused; returns the exit status. */
int vetting_run(const VettingArguments *arguments);
