/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd is told of the daemon: sd_notify(3).  Without systemd nothing here does anything. */

#include <stdint.h>

#include "common/ledger.h"

typedef struct StatusFacts {
        const char *trouble;   /* with the configuration, as configuration_trouble() says it */
        const char *launchers; /* why none is accepted, as reception_trouble() says it */
        uint32_t hanging;      /* workers */
        uint32_t sessions;
        LedgerTotals totals;
        uint64_t generation;
} StatusFacts;

/* The line that `systemctl status` shows. */
void status_show(const StatusFacts *facts);

void status_ready(void);
void status_reloading(void);
void status_stopping(void);
