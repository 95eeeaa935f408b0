/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talks to systemd about file descriptors.  Run by the daemon.  A StorePending owns the pipe that systemd
 * closes once it has seen our message.  Must never store an fd that was not verified: PID 1 itself looks at
 * each. */

#include "session/store.h"

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

#define SESSION_PREFIX "session-"
#define IDENTITIES_NAME "identities"
#define POLICY_PREFIX "policy-"

struct StorePending {
        sd_event_source *source;
        int pipe_fd;
        StoreFunction on_stored;
        void *userdata;
};

bool store_exists(void) {
        return getenv("NOTIFY_SOCKET") != NULL;
}

static int on_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        StorePending *pending = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        pending->on_stored(pending->userdata);
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
        void *userdata, StorePending **ret) {
        const int fds[] = {listener_fd, ledger_fd};
        StorePending *pending;
        char message[128];
        int r;

        if (!store_exists())
                return 0;
        /* FDPOLL=0: otherwise systemd drops a session that ends while there is no daemon, and its end is
         * never recorded. */
        (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=" SESSION_PREFIX "%016" PRIx64,
                session_id);
        r = sd_pid_notify_with_fds(0, 0, message, fds, 2);
        if (r < 0)
                return r;

        pending = calloc(1, sizeof(*pending));
        if (!pending) {
                store_remove(session_id);
                return -ENOMEM;
        }
        *pending = (StorePending){.pipe_fd = -EBADF, .on_stored = on_stored, .userdata = userdata};
        r = barrier_send(&pending->pipe_fd);
        if (r >= 0)
                r = sd_event_add_io(event, &pending->source, pending->pipe_fd, 0, on_pipe, pending);
        if (r < 0) {
                /* Otherwise systemd's copy of the listener would keep the launcher waiting for ever. */
                store_remove(session_id);
                store_pending_free(pending);
                return r;
        }
        *ret = pending;
        return 1;
}

StorePending *store_pending_free(StorePending *pending) {
        if (!pending)
                return NULL;
        sd_event_source_unref(pending->source);
        fd_close(pending->pipe_fd);
        free(pending);
        return NULL;
}

void store_remove(uint64_t session_id) {
        (void)sd_pid_notifyf(0, 0, "FDSTOREREMOVE=1\nFDNAME=" SESSION_PREFIX "%016" PRIx64, session_id);
}

static int put_one(int fd, const char *message) {
        int r = sd_pid_notify_with_fds(0, 0, message, &fd, 1);

        return r < 0 ? r : 0;
}

/* Identities of another version are of no use: remove them first. */
int store_put_identities(int fd) {
        if (!store_exists())
                return 0;
        (void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" IDENTITIES_NAME);
        return put_one(fd, "FDSTORE=1\nFDNAME=" IDENTITIES_NAME);
}

int store_put_policy(uint64_t serial, int fd) {
        char message[128];

        if (!store_exists())
                return 0;
        (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=" POLICY_PREFIX "%016" PRIx64, serial);
        return put_one(fd, message);
}

void store_remove_policy(uint64_t serial) {
        (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=" POLICY_PREFIX "%016" PRIx64, serial);
}

static StoredSession *contents_find_session(StoreContents *contents, uint64_t session_id) {
        StoredSession *larger;

        for (size_t i = 0; i < contents->n_sessions; i++)
                if (contents->sessions[i].session_id == session_id)
                        return &contents->sessions[i];
        larger = reallocarray(contents->sessions, contents->n_sessions + 1, sizeof(*larger));
        if (!larger)
                return NULL;
        contents->sessions = larger;
        larger += contents->n_sessions++;
        *larger = (StoredSession){.session_id = session_id, .listener_fd = -EBADF, .ledger_fd = -EBADF};
        return larger;
}

static int take_of_session(uint64_t session_id, int fd, StoreContents *contents) {
        StoredSession *session = contents_find_session(contents, session_id);
        int *place;

        if (!session)
                return -ENOMEM;
        place = notify_is_listener(fd) ? &session->listener_fd : &session->ledger_fd;
        fd_close(*place);
        *place = fd;
        return 1;
}

/* Does name consist of prefix and a number, as store_put() writes it?  strtoull() alone would take signs,
 * spaces and "0x", too. */
static bool parse_name(const char *name, const char *prefix, uint64_t *ret) {
        const char *digits;

        if (strncmp(name, prefix, strlen(prefix)) != 0)
                return false;
        digits = name + strlen(prefix);
        if (strlen(digits) != 16 || strspn(digits, "0123456789abcdef") != 16)
                return false;
        *ret = strtoull(digits, NULL, 16);
        return true;
}

/* There are two where a daemon died while it replaced one by the next. */
static void take_policy(uint64_t serial, int fd, StoreContents *contents) {
        uint64_t older = contents->policy_serial < serial ? contents->policy_serial : serial;

        if (contents->policy_fd >= 0)
                store_remove_policy(older);
        if (older == serial && contents->policy_fd >= 0) {
                fd_close(fd);
                return;
        }
        fd_close(contents->policy_fd);
        contents->policy_fd = fd;
        contents->policy_serial = serial;
}

int store_take(const char *name, int fd, StoreContents *contents) {
        uint64_t number;

        if (strcmp(name, IDENTITIES_NAME) == 0) {
                fd_close(contents->identities_fd);
                contents->identities_fd = fd;
                return 1;
        }
        if (parse_name(name, POLICY_PREFIX, &number)) {
                take_policy(number, fd, contents);
                return 1;
        }
        if (parse_name(name, SESSION_PREFIX, &number))
                return take_of_session(number, fd, contents);
        return 0;
}

void store_contents_done(StoreContents *contents) {
        for (size_t i = 0; i < contents->n_sessions; i++) {
                fd_close(contents->sessions[i].listener_fd);
                fd_close(contents->sessions[i].ledger_fd);
        }
        free(contents->sessions);
        fd_close(contents->identities_fd);
        fd_close(contents->policy_fd);
        *contents = STORE_CONTENTS_NONE;
}
