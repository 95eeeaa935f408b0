/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes the daemon for a session.  Run by the daemon.  Wakeups own two event sources.  Must never miss a
 * call that waits, nor wake the daemon for each call while a worker receives them. */

#include "session/wakeups.h"

#include <sys/epoll.h>

#include "common/clock.h"

/* How often, at least, a receiver that is stalled is looked at. */
#define STALLED_MAX_USEC 1000000U
/* By how much a timer may be late. */
#define TIMER_ACCURACY_USEC 1000U
/* A busy machine lets the daemon wait, but not for that long. */
#define FROZEN_USEC 1000000U

int wakeups_init(Wakeups *wakeups, sd_event *event, int listener_fd, sd_event_io_handler_t on_listener,
        sd_event_time_handler_t on_timer, void *userdata) {
        *wakeups =
                (Wakeups){.event = event, .at_usec = UINT64_MAX, .on_timer = on_timer, .userdata = userdata};
        return sd_event_add_io(event, &wakeups->listener, listener_fd, 0, on_listener, userdata);
}

void wakeups_done(Wakeups *wakeups) {
        wakeups->timer = sd_event_source_disable_unref(wakeups->timer);
        wakeups->listener = sd_event_source_disable_unref(wakeups->listener);
}

void wakeups_stop_listening(Wakeups *wakeups) {
        (void)sd_event_source_set_enabled(wakeups->listener, SD_EVENT_OFF);
}

void wakeups_set_events(Wakeups *wakeups, uint32_t events) {
        (void)sd_event_source_set_io_events(wakeups->listener, events);
}

void wakeups_set_timer(Wakeups *wakeups, uint64_t at_usec) {
        int r;

        wakeups->at_usec = at_usec;
        if (at_usec == UINT64_MAX) {
                wakeups->timer = sd_event_source_disable_unref(wakeups->timer);
                return;
        }
        if (!wakeups->timer)
                r = sd_event_add_time(wakeups->event, &wakeups->timer, CLOCK_MONOTONIC, at_usec,
                        TIMER_ACCURACY_USEC, wakeups->on_timer, wakeups->userdata);
        else {
                r = sd_event_source_set_time(wakeups->timer, at_usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(wakeups->timer, SD_EVENT_ONESHOT);
        }
        /* No memory: better to be woken by each call than never. */
        if (r < 0)
                wakeups_set_events(wakeups, EPOLLIN | EPOLLOUT);
}

bool wakeups_were_frozen(const Wakeups *wakeups, uint64_t pool_deadline_usec) {
        uint64_t due = wakeups->at_usec == UINT64_MAX ? pool_deadline_usec : wakeups->at_usec + FROZEN_USEC;

        return due <= clock_usec(CLOCK_MONOTONIC);
}

uint64_t wakeups_watch_calls(Wakeups *wakeups, const WorkerPool *pool, bool is_active) {
        bool has_free = pool_find_free(pool) != LEDGER_NO_RECEIVER;
        uint64_t now = clock_usec(CLOCK_MONOTONIC), stall = pool_stall_usec(pool);

        if (!pool_has_receiver(pool)) {
                wakeups_set_events(wakeups, has_free ? EPOLLIN : 0);
                return UINT64_MAX;
        }
        if (stall >= POOL_STALL_USEC) {
                /* Another worker is spawned only if another call comes. */
                wakeups_set_events(wakeups, has_free ? EPOLLIN : 0);
                return now + (stall < STALLED_MAX_USEC ? stall : STALLED_MAX_USEC);
        }
        if (!is_active && pool_is_quiet(pool)) {
                /* The receiver takes the next call before us.  Then the listener says that an answer is due
                 * (EPOLLOUT), unless that is sent by the time we ask. */
                wakeups_set_events(wakeups, EPOLLIN | EPOLLOUT);
                if (pool_is_quiet(pool))
                        return UINT64_MAX;
        }
        wakeups_set_events(wakeups, 0);
        return now + POOL_STALL_USEC - stall;
}
