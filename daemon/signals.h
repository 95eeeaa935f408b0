/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The signals that an administrator or systemd sends to the daemon. */

#include <systemd/sd-event.h>

typedef struct SignalsContext {
        void (*on_reload)(void *userdata); /* SIGHUP */
        void (*on_stop)(void *userdata);   /* SIGTERM or SIGINT */
        void *userdata;
} SignalsContext;

/* Blocks these signals, and SIGCHLD for sd_event_add_child(3), and has the event loop call context, which
 * stays the caller's and outlives the loop.  They are handled before all other events, so that a busy daemon
 * can be stopped.  Returns 0 or a negative errno. */
int signals_watch(sd_event *event, const SignalsContext *context);
