/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts, replaces and counts acceptors.  Run by the daemon.  Owns the processes.  Must never let more than
 * ACCEPTORS_RETIRED_MAX of them hang, nor let launchers wait because of fewer. */

#include "handshake/acceptors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "handshake/acceptor-link.h"

/* An acceptor that is to end does so at once: one that takes longer hangs. */
#define PATIENCE_USEC 1000000U

typedef struct Retired {
        Acceptors *acceptors;
        AcceptorLink *link; /* NULL: this place is free */
        uint32_t account;   /* has most of the connections that it holds, if it holds any */
        uint64_t n_held;
        bool hangs;
        sd_event_source *timer_source;
} Retired;

struct Acceptors {
        const AcceptorsContext *context;
        AcceptorLinkContext link_context;
        AcceptorLink *current; /* NULL: the last has died, and the next is not yet started */
        bool is_stale;         /* its policy is not the newest */
        bool is_full;          /* it accepts no more */
        bool is_lost;          /* its socket is closed, but it has not ended */
        bool has_told_trouble;
        uint64_t generation;
        Retired retired[ACCEPTORS_RETIRED_MAX];
};

static Retired *find_retired(Acceptors *acceptors, const AcceptorLink *link) {
        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++)
                if (acceptors->retired[i].link == link)
                        return &acceptors->retired[i];
        return NULL;
}

static void count_hanging(Acceptors *acceptors, const Retired *retired, int32_t change) {
        if (retired->hangs && retired->n_held > 0)
                acceptors_change(
                        acceptors, &(AcceptorChange){.account = retired->account, .hanging = change});
}

static void tell_trouble(Acceptors *acceptors) {
        const AcceptorsContext *context = acceptors->context;
        bool is_trouble = *acceptors_trouble(acceptors) != '\0';

        if (is_trouble == acceptors->has_told_trouble)
                return;
        acceptors->has_told_trouble = is_trouble;
        if (is_trouble) {
                report_begin(context->report, REPORT_ACCEPTORS_HANG);
                (void)report_send(context->report,
                        "no launcher is accepted: %u processes that accepted launchers hang; "
                        "end the processes of the users that the warnings before name",
                        ACCEPTORS_RETIRED_MAX);
        } else
                (void)report_line(context->report, REPORT_NOTE, "launchers are accepted again");
        context->on_trouble(context->userdata);
}

const char *acceptors_trouble(const Acceptors *acceptors) {
        bool needs_place = acceptors->current && (acceptors->is_full || acceptors->is_lost);

        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++)
                if (!acceptors->retired[i].link)
                        return "";
        return needs_place ? "no launcher is accepted, because processes that accepted launchers hang; "
                           : "";
}

static int start(Acceptors *acceptors) {
        const AcceptorsContext *context = acceptors->context;
        AcceptorArguments arguments = {};
        int r;

        r = context->prepare(&arguments, context->userdata);
        if (r < 0)
                return r;
        arguments.first_number = ++acceptors->generation << ACCEPTOR_GENERATION_SHIFT;
        r = acceptor_link_new(&acceptors->link_context, &arguments, &acceptors->current);
        context->release(&arguments, context->userdata);
        if (r < 0)
                return r;
        acceptors->is_stale = acceptors->is_full = acceptors->is_lost = false;
        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++)
                count_hanging(acceptors, &acceptors->retired[i], 1);
        return 0;
}

void acceptors_start(Acceptors *acceptors) {
        int r = acceptors->current ? 0 : start(acceptors);

        if (r < 0)
                acceptors->context->on_failure(r, acceptors->context->userdata);
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Retired *retired = userdata;
        Report *report = retired->acceptors->context->report;

        (void)source;
        (void)usec;
        retired->hangs = true;
        count_hanging(retired->acceptors, retired, 1);
        if (retired->n_held > 0)
                (void)report_line(report, REPORT_WARNING,
                        "process %d, which accepted launchers, hangs in what it holds: %" PRIu64
                        " connections of user %" PRIu32 " with file descriptors that were sent unasked",
                        acceptor_link_pid(retired->link), retired->n_held, retired->account);
        else
                (void)report_line(report, REPORT_WARNING,
                        "process %d, which accepted launchers, does not end",
                        acceptor_link_pid(retired->link));
        return 0;
}

/* Without the timer, for want of memory, the acceptor is not seen to hang.  It still takes a place. */
static void retire(Acceptors *acceptors, Retired *place) {
        const AcceptorsContext *context = acceptors->context;

        *place = (Retired){.acceptors = acceptors, .link = acceptors->current};
        acceptors->current = NULL;
        (void)sd_event_add_time_relative(context->event, &place->timer_source, CLOCK_MONOTONIC,
                PATIENCE_USEC, 0, on_patience_over, place);
}

/* Replaces the one that accepts, if there is a reason to, and a place for it among the retired ones. */
static void replace(Acceptors *acceptors) {
        Retired *place = find_retired(acceptors, NULL);
        bool is_lost = acceptors->is_lost;

        if (acceptors->current && place && (acceptors->is_stale || acceptors->is_full || is_lost)) {
                bool at_once = acceptor_link_has_lived(acceptors->current);

                retire(acceptors, place);
                if (is_lost)
                        acceptors->context->on_death(at_once, acceptors->context->userdata);
                else {
                        acceptor_link_retire(place->link);
                        acceptors_start(acceptors);
                }
        }
        tell_trouble(acceptors);
}

void acceptors_renew(Acceptors *acceptors) {
        acceptors->is_stale = true;
        replace(acceptors);
}

void acceptors_change(Acceptors *acceptors, const AcceptorChange *change) {
        if (acceptors->current)
                acceptor_link_change(acceptors->current, change);
}

static void on_holds(Acceptors *acceptors, const AcceptorLink *link, const AcceptorMessage *message) {
        Retired *retired = find_retired(acceptors, link);

        if (!retired || retired->n_held > 0)
                return;
        retired->account = message->account;
        retired->n_held = message->number;
        count_hanging(acceptors, retired, 1);
}

static void on_message(AcceptorLink *link, const AcceptorMessage *message, void *userdata) {
        Acceptors *acceptors = userdata;
        const AcceptorsContext *context = acceptors->context;

        switch ((AcceptorMessageKind)message->kind) {
        case ACCEPTOR_FULL:
                acceptors->is_full |= link == acceptors->current;
                replace(acceptors);
                break;
        case ACCEPTOR_HOLDS:
                on_holds(acceptors, link, message);
                break;
        case ACCEPTOR_HANDED_OVER:
        case ACCEPTOR_REFUSED:
        case ACCEPTOR_FAILED:
                context->on_message(message, link == acceptors->current, context->userdata);
                break;
        }
}

static void on_lost(AcceptorLink *link, void *userdata) {
        Acceptors *acceptors = userdata;

        acceptors->is_lost |= link == acceptors->current;
        replace(acceptors);
}

static void on_end(AcceptorLink *link, void *userdata) {
        Acceptors *acceptors = userdata;
        const AcceptorsContext *context = acceptors->context;
        bool is_current = link == acceptors->current, at_once = acceptor_link_has_lived(link);
        Retired *retired = find_retired(acceptors, link);

        if (is_current)
                acceptors->current = NULL;
        if (retired) {
                sd_event_source_unref(retired->timer_source);
                count_hanging(acceptors, retired, -1);
                *retired = (Retired){};
        }
        acceptor_link_free(link);
        if (is_current)
                context->on_death(at_once, context->userdata);
        replace(acceptors);
}

int acceptors_new(const AcceptorsContext *context, Acceptors **ret) {
        Acceptors *acceptors = calloc(1, sizeof(*acceptors));
        int r;

        if (!acceptors)
                return -ENOMEM;
        acceptors->context = context;
        acceptors->link_context = (AcceptorLinkContext){
                .event = context->event,
                .report = context->report,
                .on_message = on_message,
                .on_lost = on_lost,
                .on_end = on_end,
                .userdata = acceptors,
        };
        r = start(acceptors);
        if (r < 0) {
                acceptors_free(acceptors);
                return r;
        }
        *ret = acceptors;
        return 0;
}

Acceptors *acceptors_free(Acceptors *acceptors) {
        if (!acceptors)
                return NULL;
        for (size_t i = 0; i < ACCEPTORS_RETIRED_MAX; i++) {
                sd_event_source_unref(acceptors->retired[i].timer_source);
                acceptor_link_free(acceptors->retired[i].link);
        }
        acceptor_link_free(acceptors->current);
        free(acceptors);
        return NULL;
}
