/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's end of an acceptor: forks it, hears it, and tells it what becomes of what it hands over. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/report.h"
#include "handshake/acceptor.h"

typedef struct AcceptorLink AcceptorLink;

/* What the owner lends for as long as the link lives. */
typedef struct AcceptorLinkContext {
        sd_event *event;
        Report *report;
        void (*on_message)(AcceptorLink *link, const AcceptorMessage *message, void *userdata);
        /* It has closed its socket: it is about to end, which may hang, and was killed if it was not. */
        void (*on_lost)(AcceptorLink *link, void *userdata);
        /* It has ended, and has said all that it had to say; the owner frees the link. */
        void (*on_end)(AcceptorLink *link, void *userdata);
        void *userdata;
} AcceptorLinkContext;

/* Forks an acceptor with arguments, whose daemon_fd is filled in here.  Returns 0 or a negative errno.
 * acceptor_link_free() takes NULL and returns NULL; an acceptor that still runs sends its launchers away and
 * ends. */
int acceptor_link_new(
        const AcceptorLinkContext *context, const AcceptorArguments *arguments, AcceptorLink **ret);
AcceptorLink *acceptor_link_free(AcceptorLink *link);

/* Lets it send away what waits, and end. */
void acceptor_link_retire(AcceptorLink *link);

/* Whether the process has run for so long that its death is no reason to wait before the next is started. */
bool acceptor_link_has_lived(const AcceptorLink *link);

pid_t acceptor_link_pid(const AcceptorLink *link);

/* Does not wait.  An acceptor that does not listen is killed. */
void acceptor_link_change(AcceptorLink *link, const AcceptorChange *change);
