/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reception: has launchers accepted, and each connection seen to by a vetting child. */

#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/subordinate-ids.h"
#include "handshake/vetting.h"
#include "policy/policy.h"
#include "sandbox/filter.h"
#include "sandbox/sandboxes.h"

/* Vetting children that hang in what a launcher sent, and can't be killed, don't count as at work, and an
 * account has few of them.  But where there are so many in all, no launcher is let in any more, for the sake
 * of the sessions that run. */
#define RECEPTION_HANGING_MAX 1024U

typedef struct Reception Reception;

/* A launcher that knocked well. */
typedef struct Arrival {
        uint64_t session_id;
        int64_t knock_answer;
        int listener_fd; /* on_arrival() takes it over */
        const VettingFindings *findings;
} Arrival;

/* What the manager lends for as long as the reception lives. */
typedef struct ReceptionHost {
        sd_event *event;
        Report *report;
        const Policy *policy;
        const Filters *filters;
        const SubordinateIds *subordinates;
        const Sandboxes *sandboxes;
        /* Returns 0 or a negative errno: then it is refused, with -EUSERS for there are too many. */
        int (*on_arrival)(const Arrival *arrival, void *userdata);
        /* What reception_trouble() says has changed. */
        void (*on_trouble)(void *userdata);
        void (*count_sessions)(uint32_t account, VettingCrowd *ret, void *userdata);
        void *userdata;
} ReceptionHost;

/* Takes over socket_fd, a listening SOCK_SEQPACKET socket, even on failure.  Returns 0 or a negative errno.
 * reception_free() takes NULL and returns NULL; it kills children that are still at it, and their launchers
 * fail. */
int reception_new(const ReceptionHost *host, int socket_fd, Reception **ret);
Reception *reception_free(Reception *reception);

/* The policy or the subordinate uids were replaced. */
void reception_renew(Reception *reception);

/* For the status line: "", or why no launcher is accepted, which ends in "; ". */
const char *reception_trouble(const Reception *reception);
