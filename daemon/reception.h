/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reception: accepts launchers and hands each connection to a vetting child. */

#include <systemd/sd-event.h>

#include "common/policy.h"
#include "common/report.h"
#include "confinements.h"
#include "filter.h"
#include "vetting.h"

/* At most LIMITS_CONNECTIONS_MAX vetting children are at work at once; further launchers wait in the
 * socket's backlog.  Those that hang in what a stranger sent, and can't be killed, don't count; but where
 * there are so many of them nobody is let in any more, for the sake of the sessions that run. */
#define RECEPTION_HANGING_MAX 256U

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
        const Confinements *confinements;
        /* Returns 0 or a negative errno: then it is refused, with -EUSERS for there are too many. */
        int (*on_arrival)(const Arrival *arrival, void *userdata);
        void (*count_sessions)(uint32_t uid, VettingCrowd *ret, void *userdata);
        void *userdata;
} ReceptionHost;

/* Takes over socket_fd, a listening SOCK_SEQPACKET socket, even on failure.  Returns 0 or a negative errno.
 * reception_free() takes NULL and returns NULL; it kills children that are still at it, and their launchers
 * fail. */
int reception_new(const ReceptionHost *host, int socket_fd, Reception **ret);
Reception *reception_free(Reception *reception);
