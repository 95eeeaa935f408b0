/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the guard's programs.  Run by the daemon and its workers.  A Guard owns the descriptors.  Must never
 * load anything: guard/load.c does so, in a process of its own. */

#include "guard/guard.h"

#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"
#include "ebpf/run.h"

#define OTHERS_MAX 8

struct Guard {
        int fds[GUARD_FDS];
        int others[OTHERS_MAX]; /* programs guard_session of other guards */
        size_t n_others;
};

void guard_close_fds(int fds[GUARD_FDS]) {
        for (size_t i = 0; i < GUARD_FDS; i++)
                fds[i] = fd_close(fds[i]);
}

int guard_new(int fds[GUARD_FDS], Guard **ret) {
        Guard *guard = calloc(1, sizeof(*guard));

        if (!guard) {
                guard_close_fds(fds);
                return -ENOMEM;
        }
        for (size_t i = 0; i < GUARD_FDS; i++)
                guard->fds[i] = TAKE_FD(fds[i]);
        *ret = guard;
        return 0;
}

Guard *guard_free(Guard *guard) {
        if (!guard)
                return NULL;
        guard_close_fds(guard->fds);
        for (size_t i = 0; i < guard->n_others; i++)
                fd_close(guard->others[i]);
        free(guard);
        return NULL;
}

int guard_take_from(Guard *guard, int fd) {
        if (guard->n_others == OTHERS_MAX) {
                fd_close(fd);
                return -E2BIG;
        }
        guard->others[guard->n_others++] = fd;
        return 0;
}

int guard_fd(const Guard *guard, enum GuardFd which) {
        return guard ? guard->fds[which] : -EBADF;
}

int guard_run_permit(const Guard *guard, GuardPermitRequest *request) {
        return program_run(guard_fd(guard, GUARD_FD_PERMIT), request, sizeof(*request));
}

int guard_run_fate(const Guard *guard, GuardFateRequest *request) {
        return program_run(guard_fd(guard, GUARD_FD_FATE), request, sizeof(*request));
}

/* Where the kernel is short of memory at this moment, the next try has some. */
#define SESSION_TRIES 10

static int run_session(int program_fd, GuardSessionRequest *request) {
        int r;

        for (unsigned i = 0; i < SESSION_TRIES; i++) {
                r = program_run(program_fd, request, sizeof(*request));
                if (r != -EAGAIN)
                        break;
        }
        return r;
}

int guard_enter_session(const Guard *guard, int listener_fd, uint64_t session_id, uint32_t flags) {
        GuardSessionRequest request = {
                .what = GUARD_SESSION_ENTER,
                .listener_fd = listener_fd,
                .session_id = session_id,
                .flags = flags,
        };
        int r = run_session(guard_fd(guard, GUARD_FD_SESSION), &request);

        request.what = GUARD_SESSION_REMOVE;
        for (size_t i = 0; r == 0 && i < guard->n_others; i++)
                (void)run_session(guard->others[i], &request); /* -ENOENT: it was not there */
        return r;
}

int guard_remove_session(const Guard *guard, int listener_fd) {
        GuardSessionRequest request = {.what = GUARD_SESSION_REMOVE, .listener_fd = listener_fd};

        return run_session(guard_fd(guard, GUARD_FD_SESSION), &request);
}

int guard_learn_listeners(const Guard *guard, int listener_fd) {
        GuardSessionRequest request = {.what = GUARD_SESSION_LEARN, .listener_fd = listener_fd};

        return run_session(guard_fd(guard, GUARD_FD_SESSION), &request);
}

int guard_clean_sessions(const Guard *guard) {
        GuardCleanRequest request = {};
        int r = program_run(guard_fd(guard, GUARD_FD_CLEAN), &request, sizeof(request));

        return r < 0 ? r : (int)request.n_sessions;
}
