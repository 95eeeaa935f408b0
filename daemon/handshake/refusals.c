/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records which launchers were refused.  Run by the daemon.  Owns the count of those without a record, and
 * the timer to record it.  Must never trust that a stranger's text is printable, or that it ends. */

#include "handshake/refusals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/rate-limit.h"

#define SECOND_USEC 1000000U

struct Refusals {
        Report *report;
        RateLimit rate_limit;
        uint64_t n_suppressed;   /* on top of what the rate limit counts */
        sd_event_source *source; /* on while there are some without a record */
};

static int on_excess(sd_event_source *source, uint64_t usec, void *userdata) {
        Refusals *refusals = userdata;
        uint64_t excess = rate_limit_collect(&refusals->rate_limit) + refusals->n_suppressed;

        (void)source;
        (void)usec;
        refusals->n_suppressed = 0;
        if (excess == 0)
                return 0;
        report_begin(refusals->report, REPORT_SUPPRESSED);
        report_text(refusals->report, "SNOTIFY_SUPPRESSED", "%" PRIu64, excess);
        (void)report_send(refusals->report,
                "%" PRIu64 " more launchers were refused and not recorded; see records-per-second= in "
                "snotify.conf(5)",
                excess);
        return 0;
}

void refusals_suppress(Refusals *refusals, uint64_t n) {
        int enabled = SD_EVENT_OFF;

        refusals->n_suppressed += n;
        (void)sd_event_source_get_enabled(refusals->source, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time_relative(refusals->source, SECOND_USEC);
        (void)sd_event_source_set_enabled(refusals->source, SD_EVENT_ONESHOT);
}

void refusals_record(Refusals *refusals, const HandshakeResult *result, uint64_t limit) {
        Report *report = refusals->report;
        char text[2 * PROTOCOL_TEXT_SIZE];

        if (!rate_limit_take(&refusals->rate_limit, limit, clock_usec(CLOCK_MONOTONIC))) {
                refusals_suppress(refusals, 0);
                return;
        }
        report_begin(report, REPORT_SESSION_REFUSED);
        report_text(report, "OBJECT_PID", "%" PRIu32, result->pid);
        report_text(report, "SNOTIFY_UID", "%" PRIu32, result->uid);
        report_bytes(report, "SNOTIFY_PROFILE", result->profile,
                strnlen(result->profile, sizeof(result->profile)));
        report_bytes(report, "SNOTIFY_LABEL", result->label, strnlen(result->label, sizeof(result->label)));
        (void)report_send(report, "refused a session to pid %" PRIu32 ", uid %" PRIu32 ": %s", result->pid,
                result->uid,
                escape_text(result->text, strnlen(result->text, sizeof(result->text)), text, sizeof(text)));
}

int refusals_new(sd_event *event, Report *report, Refusals **ret) {
        Refusals *refusals;
        int r;

        refusals = calloc(1, sizeof(*refusals));
        if (!refusals)
                return -ENOMEM;
        refusals->report = report;
        r = sd_event_add_time(event, &refusals->source, CLOCK_MONOTONIC, 0, 0, on_excess, refusals);
        if (r >= 0)
                r = sd_event_source_set_enabled(refusals->source, SD_EVENT_OFF);
        if (r < 0) {
                refusals_free(refusals);
                return r;
        }
        *ret = refusals;
        return 0;
}

Refusals *refusals_free(Refusals *refusals) {
        if (!refusals)
                return NULL;
        if (refusals->source)
                (void)on_excess(refusals->source, 0, refusals);
        sd_event_source_unref(refusals->source);
        free(refusals);
        return NULL;
}
