/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talks to systemd about file descriptors.  Run by the daemon.  A StoreDeposit owns the pipe that systemd
 * closes once it has seen our message.  Must never store an fd that wasn't vetted: PID 1 itself looks at
 * each. */

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/notify.h"
#include "common/ownership.h"

#define NAME_PREFIX "session-"

struct StoreDeposit {
        sd_event_source *source;
        int pipe_fd;
        StoreFunction on_stored;
        void *userdata;
};

bool store_exists(void) {
        return getenv("NOTIFY_SOCKET") != NULL;
}

static int on_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        StoreDeposit *deposit = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        deposit->on_stored(deposit->userdata);
        return 0;
}

/* Like sd_notify_barrier(3), but without waiting in it. */
static int barrier_send(int *ret_fd) {
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];
        r = sd_pid_notify_with_fds(0, 0, "BARRIER=1", &write_fd, 1);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(read_fd);
        return 0;
}

int store_put(sd_event *event, uint64_t session_id, int listener_fd, int ledger_fd, StoreFunction on_stored,
        void *userdata, StoreDeposit **ret) {
        const int fds[] = {listener_fd, ledger_fd};
        StoreDeposit *deposit;
        char message[128];
        int r;

        if (!store_exists())
                return 0;
        /* FDPOLL=0: else systemd lets go of a session that ends while there is no daemon, and nobody says
         * what it came to. */
        (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=" NAME_PREFIX "%016" PRIx64,
                session_id);
        r = sd_pid_notify_with_fds(0, 0, message, fds, 2);
        if (r < 0)
                return r;

        deposit = calloc(1, sizeof(*deposit));
        if (!deposit) {
                store_remove(session_id);
                return -ENOMEM;
        }
        *deposit = (StoreDeposit){.pipe_fd = -EBADF, .on_stored = on_stored, .userdata = userdata};
        r = barrier_send(&deposit->pipe_fd);
        if (r >= 0)
                r = sd_event_add_io(event, &deposit->source, deposit->pipe_fd, 0, on_pipe, deposit);
        if (r < 0) {
                /* Else systemd's copy of the listener would keep the launcher waiting for ever. */
                store_remove(session_id);
                store_deposit_free(deposit);
                return r;
        }
        *ret = deposit;
        return 1;
}

StoreDeposit *store_deposit_free(StoreDeposit *deposit) {
        if (!deposit)
                return NULL;
        sd_event_source_unref(deposit->source);
        fd_close(deposit->pipe_fd);
        free(deposit);
        return NULL;
}

void store_remove(uint64_t session_id) {
        (void)sd_pid_notifyf(0, 0, "FDSTOREREMOVE=1\nFDNAME=" NAME_PREFIX "%016" PRIx64, session_id);
}

static int finds_add(uint64_t session_id, StoreFind **finds, size_t *n_finds, StoreFind **ret) {
        StoreFind *larger;

        for (size_t i = 0; i < *n_finds; i++)
                if ((*finds)[i].session_id == session_id) {
                        *ret = &(*finds)[i];
                        return 0;
                }
        larger = reallocarray(*finds, *n_finds + 1, sizeof(**finds));
        if (!larger)
                return -ENOMEM;
        *finds = larger;
        *ret = &larger[(*n_finds)++];
        **ret = (StoreFind){.session_id = session_id, .listener_fd = -EBADF, .ledger_fd = -EBADF};
        return 0;
}

int store_find(const char *name, int fd, StoreFind **finds, size_t *n_finds) {
        const char *digits = name + sizeof(NAME_PREFIX) - 1;
        uint64_t session_id;
        StoreFind *find;
        char *end;
        int r;

        if (strncmp(name, NAME_PREFIX, sizeof(NAME_PREFIX) - 1) != 0)
                return 0;
        session_id = strtoull(digits, &end, 16);
        if (end != digits + 16 || *end != '\0')
                return 0;
        r = finds_add(session_id, finds, n_finds, &find);
        if (r < 0)
                return r;
        if (notify_is_listener(fd)) {
                fd_close(find->listener_fd);
                find->listener_fd = fd;
        } else {
                fd_close(find->ledger_fd);
                find->ledger_fd = fd;
        }
        return 1;
}
