/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One handshake, as the daemon sees it: a verifier, and what it has told so far.
 *
 *      handshake_new() ── on_connected ──┬── on_refused ───┬── on_end ── handshake_free()
 *                │                       └── on_verified ──┤
 *                └── time is over: on_killed ── on_hang ───┘
 *
 * A verifier keeps to handshake-timeout= by itself.  One that exceeds it by a second hangs in
 * something that a launcher sent, and the daemon kills it.  One that is still there another second later
 * hangs in the kernel, and stays until what it hangs in lets it go. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/verifier.h"

typedef struct Handshake Handshake;

/* Lent by the owner for as long as the handshake lives.  No callback may free it but on_end(), which must.
 */
typedef struct HandshakeContext {
        sd_event *event;
        Report *report;
        pid_t *lost_pid; /* see handshake_new() */
        /* The process has told which connection it took, or that there was none. */
        void (*on_connected)(Handshake *handshake, void *userdata);
        /* result.text tells why. */
        void (*on_refused)(Handshake *handshake, void *userdata);
        /* Takes over listener_fd, which is a listener with a knock in hand, or negative: then the daemon
         * had no descriptor left for it. */
        void (*on_verified)(Handshake *handshake, int listener_fd, void *userdata);
        /* It tells nothing any more. */
        void (*on_killed)(Handshake *handshake, void *userdata);
        void (*on_hang)(Handshake *handshake, void *userdata);
        void (*on_end)(Handshake *handshake, void *userdata);
        void *userdata;
} HandshakeContext;

struct Handshake {
        Handshake *previous, *next; /* the owner's list */
        size_t n_announced; /* the owner's: how many connections were in the handover queue at the fork */
        const HandshakeContext *context;
        uint64_t session_id;
        uint64_t nonce;
        pid_t pid;
        HandshakeResult result; /* the last that the process told; all zero before */
        bool has_told;          /* on_connected() was called */
        bool is_connected;      /* and so result.account is known */
        bool is_over;           /* on_refused() or on_verified() was called */
        bool is_killed;
        bool hangs;
        int result_fd;
        sd_event_source *child_source;
        sd_event_source *result_source;
        sd_event_source *timer_source;
};

/* Forks a verifier.  The daemon's end, session id and nonce are filled into arguments here. Returns
 * 0 or a negative errno.  Where the process was forked and cannot be watched, it is killed, and *lost_pid
 * says which it is: the owner reaps it.
 *
 * handshake_free() takes NULL and returns NULL; it does not end the process. */
int handshake_new(const HandshakeContext *context, const VerifierArguments *arguments, Handshake **ret);
Handshake *handshake_free(Handshake *handshake);
