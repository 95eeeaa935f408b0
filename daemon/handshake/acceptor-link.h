/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's end of an acceptor: forks it, receives what it sends, and tells it what becomes of the
 * connections that it has handed over. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/acceptor.h"

typedef struct AcceptorLink AcceptorLink;

/* Lent by the owner for as long as the link lives. */
typedef struct AcceptorLinkContext {
        sd_event *event;
        Report *report;
        void (*on_message)(AcceptorLink *link, const AcceptorMessage *message, void *userdata);
        /* The acceptor has closed its socket.  It is about to end, which may hang; if it is not, it was
         * killed. */
        void (*on_lost)(AcceptorLink *link, void *userdata);
        /* The process has ended, and all that it sent was received.  The owner frees the link. */
        void (*on_end)(AcceptorLink *link, void *userdata);
        void *userdata;
} AcceptorLinkContext;

/* Forks an acceptor with arguments, whose daemon_fd is filled in here.  Returns 0 or a negative errno.
 * acceptor_link_free() takes NULL and returns NULL.  An acceptor that still runs then sends its launchers
 * away, and ends. */
int acceptor_link_new(
        const AcceptorLinkContext *context, const AcceptorArguments *arguments, AcceptorLink **ret);
AcceptorLink *acceptor_link_free(AcceptorLink *link);

/* Has it send its launchers away, and end. */
void acceptor_link_retire(AcceptorLink *link);

/* Whether the process has run for so long that its death is no reason to wait before the next is started. */
bool acceptor_link_has_lived(const AcceptorLink *link);

pid_t acceptor_link_pid(const AcceptorLink *link);

/* Sends a change, without waiting.  Kills an acceptor that does not receive. */
void acceptor_link_change(AcceptorLink *link, const AcceptorChange *change);
