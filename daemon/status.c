/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells systemd how the daemon is.  Run by the daemon.  A Status owns its timer. */

#include "status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "common/ownership.h"

/* How soon a change shows in STATUS=, and how often the counts of a busy session do. */
#define UPDATE_USEC 1000000U
#define UPDATE_ACCURACY_USEC 1000U

struct Status {
        const StatusContext *context;
        sd_event_source *timer_source;
};

void status_show(const Status *status) {
        StatusTotals totals = {.launchers = ""};
        char audited[64] = "", hanging[64] = "";

        status->context->collect(&totals, status->context->userdata);
        if (totals.hanging_workers > 0)
                (void)snprintf(hanging, sizeof(hanging), "%" PRIu32 " hanging worker%s; ",
                        totals.hanging_workers, totals.hanging_workers == 1 ? "" : "s");
        if (totals.calls.audited > 0)
                (void)snprintf(
                        audited, sizeof(audited), ", would be denied: %" PRIu64, totals.calls.audited);
        (void)sd_notifyf(0,
                "STATUS=%s%s%s%" PRIu32 " session%s; calls allowed: %" PRIu64 ", denied: %" PRIu64
                "%s, failed: %" PRIu64 "; policy generation %" PRIu64 "; %s%s%s%s",
                totals.trouble, totals.launchers, hanging, totals.sessions, totals.sessions == 1 ? "" : "s",
                totals.calls.allowed, totals.calls.denied, audited, totals.calls.failed, totals.generation,
                totals.guard_trouble ? "no guard: " : "guarded",
                totals.guard_trouble ? totals.guard_trouble : "",
                totals.reader_trouble ? "; no reader: " : "",
                totals.reader_trouble ? totals.reader_trouble : "");
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        status_show(userdata);
        return 0;
}

void status_update(Status *status) {
        int enabled = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(status->timer_source, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time_relative(status->timer_source, UPDATE_USEC);
        (void)sd_event_source_set_enabled(status->timer_source, SD_EVENT_ONESHOT);
}

DEFINE_CLEANUP(Status, status_free)

int status_new(const StatusContext *context, Status **ret) {
        _cleanup_(status_free_p) Status *status = calloc(1, sizeof(*status));
        int r;

        if (!status)
                return -ENOMEM;
        status->context = context;
        r = sd_event_add_time(context->event, &status->timer_source, CLOCK_MONOTONIC, 0,
                UPDATE_ACCURACY_USEC, on_timer, status);
        if (r >= 0)
                r = sd_event_source_set_enabled(status->timer_source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(status);
        return 0;
}

Status *status_free(Status *status) {
        if (!status)
                return NULL;
        sd_event_source_unref(status->timer_source);
        free(status);
        return NULL;
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
