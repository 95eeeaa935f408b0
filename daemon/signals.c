/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Receives signals in the event loop.  Run by the daemon.  Owns nothing: the loop owns the event sources. */

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        const SignalsContext *context = userdata;

        (void)source;
        (void)info;
        context->on_reload(context->userdata);
        return 0;
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        const SignalsContext *context = userdata;

        (void)source;
        (void)info;
        context->on_stop(context->userdata);
        return 0;
}

static const struct {
        int signal;
        sd_event_signal_handler_t handler;
} handlers[] = {
        {SIGHUP, on_reload_signal},
        {SIGTERM, on_stop_signal},
        {SIGINT, on_stop_signal},
};

#define HANDLERS (sizeof(handlers) / sizeof(handlers[0]))

static int block_signals(void) {
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGCHLD);
        for (size_t i = 0; i < HANDLERS; i++)
                (void)sigaddset(&mask, handlers[i].signal);
        return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

static int watch_one(sd_event *event, int signal, sd_event_signal_handler_t handler, void *userdata) {
        sd_event_source *source;
        int r;

        r = sd_event_add_signal(event, &source, signal, handler, userdata);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

int signals_watch(sd_event *event, const SignalsContext *context) {
        int r;

        r = block_signals();
        for (size_t i = 0; r >= 0 && i < HANDLERS; i++)
                r = watch_one(event, handlers[i].signal, handlers[i].handler, (void *)context);
        return r;
}
