/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All handshakes: launchers connect, a verifier deals with each connection, and those that pass
 * become candidates for a session. */

#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/subordinate-ids.h"
#include "handshake/verifier.h"
#include "policy/policy.h"
#include "sandbox/filter.h"
#include "sandbox/sandboxes.h"

/* A verifier that hangs in what a launcher sent, even killed, does not count as at work, and an
 * account has at most four of them.  Where so many hang in all, no further connection is dealt with, for the
 * sake of the sessions that run. */
#define HANDSHAKES_HANGING_MAX 1024U

typedef struct Handshakes Handshakes;

/* A launcher that has passed, and waits for the answer to its knock. */
typedef struct Candidate {
        uint64_t session_id;
        int64_t knock_answer;
        int listener_fd; /* on_candidate() takes it over */
        const HandshakeResult *result;
} Candidate;

/* Lent by the owner for as long as the handshakes live.  policy may be replaced: see handshakes_renew(). */
typedef struct HandshakesContext {
        sd_event *event;
        Report *report;
        const Policy *policy;
        const Filters *filters;
        const char *guard_trouble; /* see VerifierArguments */
        const SubordinateIds *subordinates;
        const Sandboxes *sandboxes;
        /* Returns 0, or a negative errno for a launcher that gets no session: -EUSERS where there are too
         * many. */
        int (*on_candidate)(const Candidate *candidate, void *userdata);
        /* What handshakes_trouble() returns has changed. */
        void (*on_trouble)(void *userdata);
        /* Adds the sessions that there are to *counts.  Called in a verifier. */
        void (*count_sessions)(uint32_t account, AdmissionCounts *counts, void *userdata);
        void *userdata;
} HandshakesContext;

/* Takes over socket_fd, a listening SOCK_SEQPACKET socket, even on failure.  Returns 0 or a negative errno.
 *
 * handshakes_free() takes NULL and returns NULL.  It kills the verifiers that are still at work,
 * and their launchers fail. */
int handshakes_new(const HandshakesContext *context, int socket_fd, Handshakes **ret);
Handshakes *handshakes_free(Handshakes *handshakes);

/* The owner has replaced the policy or the subordinate uids. */
void handshakes_renew(Handshakes *handshakes);

/* For the status line: "", or why no launcher is accepted, which ends in "; ". */
const char *handshakes_trouble(const Handshakes *handshakes);
