/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's status in systemd: see sd_notify(3).  Without systemd nothing here has an effect. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/ledger.h"

typedef struct Status Status;

typedef struct StatusTotals {
        char trouble[640];     /* a clause about the configuration, see configuration_trouble(); may be "" */
        const char *launchers; /* why none is accepted, see handshakes_trouble(); may be "" */
        uint32_t hanging_workers;
        uint32_t sessions;
        LedgerTotals calls;
        uint64_t generation;        /* of the policy */
        const char *guard_trouble;  /* why there is no guard; NULL: there is one */
        const char *reader_trouble; /* the same of the reader */
} StatusTotals;

typedef struct StatusContext {
        sd_event *event;
        /* Fills in what the status line says. */
        void (*collect)(StatusTotals *ret, void *userdata);
        void *userdata;
} StatusContext;

/* context stays the caller's, and outlives the status.  Returns 0 or a negative errno.  status_free() takes
 * NULL and returns NULL. */
int status_new(const StatusContext *context, Status **ret);
Status *status_free(Status *status);

/* Shows the line that `systemctl status` prints, at once. */
void status_show(const Status *status);

/* Shows it within a second, for sessions may come and go by the hundred. */
void status_update(Status *status);

void status_ready(void);
void status_reloading(void);
void status_stopping(void);
