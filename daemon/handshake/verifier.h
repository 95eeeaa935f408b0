/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What runs in a verifier: a short-lived process for one connection, which alone reads what a
 * stranger sent.  A message can come with descriptors, and closing one of them can hang for ever: a FUSE
 * file whose flush is not answered, a socket that lingers.  That must not hold up the daemon.  So the daemon
 * takes a descriptor from a verifier alone, which has seen that it is a listener. */

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

/* How many sessions there are, and how many of them one account has.  A launcher that may yet get a session
 * counts as one. */
typedef struct AdmissionCounts {
        uint32_t sessions;
        uint32_t sessions_of_account;
} AdmissionCounts;

typedef struct VerifierArguments {
        int handover_fd; /* the acceptor has put the connection there, which the daemon never holds */
        int proc_fd;     /* see launcher_open_proc() */
        int daemon_fd;   /* SOCK_SEQPACKET: for HandshakeResults */
        uint64_t session_id;
        uint64_t nonce;
        const Policy *policy;
        const Filters *filters;
        const char *guard_trouble; /* why there is no guard, a clause; NULL: there is one */
        /* Adds to *ret.  Called in the verifier, which counts in what it has inherited. */
        void (*count_admissions)(uint32_t account, AdmissionCounts *ret, void *userdata);
        void *userdata;
        const Sandbox *sandbox;
} VerifierArguments;

typedef enum HandshakeStage {
        HANDSHAKE_CONNECTED = 1, /* the process has taken a connection: pid, uid and account tell whose */
        HANDSHAKE_NOTHING,       /* it has found none; where `number` is not 0, a ticket without one */
        HANDSHAKE_REFUSED,
        HANDSHAKE_VERIFIED, /* the listener comes with it */
} HandshakeStage;

/* What the process tells the daemon: first which connection it took, and then how the handshake ended. */
typedef struct HandshakeResult {
        uint32_t stage; /* HandshakeStage */
        uint32_t pid;   /* of the process that connected, as the kernel noted it */
        uint32_t uid;
        uint32_t account;
        uint64_t number; /* of the ticket */
        uint32_t has_sync_wake_up;
        uint32_t guarded; /* 1: the filter is FILTER_GUARDED's */
        char profile[PROTOCOL_PROFILE_SIZE];
        char label[PROTOCOL_LABEL_SIZE];
        char text[PROTOCOL_TEXT_SIZE]; /* why it is refused */
        NotifyRequest knock;
} HandshakeResult;
static_assert(sizeof(HandshakeResult) == 928, "crosses a process boundary");

/* Takes the next connection, if there is one, and talks to the launcher until it is refused, or its knock is
 * in hand.  Returns the exit status. */
int verifier_run(const VerifierArguments *arguments);
