/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words for what systemd is told.  Run by the daemon.  Owns nothing. */

#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

void status_show(const StatusFacts *facts) {
        char hanging[64] = "";

        if (facts->hanging > 0)
                (void)snprintf(hanging, sizeof(hanging), "%" PRIu32 " hanging worker%s; ", facts->hanging,
                        facts->hanging == 1 ? "" : "s");
        (void)sd_notifyf(0,
                "STATUS=%s%s%s%" PRIu32 " session%s; calls allowed: %" PRIu64 ", denied: %" PRIu64
                ", failed: %" PRIu64 "; policy generation %" PRIu64,
                facts->trouble, facts->launchers, hanging, facts->sessions, facts->sessions == 1 ? "" : "s",
                facts->totals.allowed, facts->totals.denied, facts->totals.failed, facts->generation);
}

void status_ready(void) {
        (void)sd_notify(0, "READY=1");
}

void status_reloading(void) {
        (void)sd_notify(0, "RELOADING=1\nSTATUS=Reloading the configuration...");
}

void status_stopping(void) {
        (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping...");
}
