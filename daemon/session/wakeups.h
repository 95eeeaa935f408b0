/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What wakes the daemon for a session: its listener, and a timer.  An idle session has no timer. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "session/worker-pool.h"

typedef struct Wakeups {
        sd_event *event;
        sd_event_source *listener;
        sd_event_source *timer; /* NULL: nothing is due */
        uint64_t at_usec;       /* when the timer is due (CLOCK_MONOTONIC); UINT64_MAX: never */
        sd_event_time_handler_t on_timer;
        void *userdata;
} Wakeups;

/* The handlers get userdata.  Returns 0 or a negative errno.  wakeups_done() takes Wakeups of zeros, too. */
int wakeups_init(Wakeups *wakeups, sd_event *event, int listener_fd, sd_event_io_handler_t on_listener,
        sd_event_time_handler_t on_timer, void *userdata);
void wakeups_done(Wakeups *wakeups);

/* The listener has nothing more to say. */
void wakeups_stop_listening(Wakeups *wakeups);

/* EPOLLIN: for each call that waits to be received; 0: only for the session's end. */
void wakeups_set_events(Wakeups *wakeups, uint32_t events);

/* CLOCK_MONOTONIC, microseconds; UINT64_MAX: not at all.  Where there is no memory for a timer, each call
 * wakes the daemon. */
void wakeups_set_timer(Wakeups *wakeups, uint64_t at_usec);

/* Can the daemon not have run for a while?  Its timer was due long ago; or, as the listener wakes it at each
 * call while there is no timer, pool_next_deadline() has passed without one. */
bool wakeups_were_frozen(const Wakeups *wakeups, uint64_t pool_deadline_usec);

/* Watches the listener for as little as the pool allows: each event is a wake-up beside the worker's.
 * is_active: the listener has just said that there are calls.  Returns when the receiver has to be looked at
 * in any case, or UINT64_MAX. */
uint64_t wakeups_watch_calls(Wakeups *wakeups, const WorkerPool *pool, bool is_active);
