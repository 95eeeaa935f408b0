/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the guard's programs.  Run by the daemon and its workers.  A Guard owns the descriptors.  Must never
 * load anything: guard/load.c does so, in a process of its own. */

#include "guard/guard.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

struct Guard {
        int fds[GUARD_FDS];
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
        free(guard);
        return NULL;
}

int guard_fd(const Guard *guard, enum GuardFd which) {
        return guard ? guard->fds[which] : -EBADF;
}

/* The kernel copies the request in and out again (bpf_prog_test_run_syscall()).  Its length is
 * that of the attributes that are used: the kernel takes the rest for zero. */
static int run(int program_fd, void *request, uint32_t size) {
        union bpf_attr attributes = {
                .test = {.prog_fd = (uint32_t)program_fd, .ctx_in = (uintptr_t)request, .ctx_size_in = size},
        };

        if (program_fd < 0)
                return -EBADF;
        if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes.test)) < 0)
                return -errno;
        return (int32_t)attributes.test.retval;
}

int guard_run_permit(const Guard *guard, GuardPermitRequest *request) {
        return run(guard_fd(guard, GUARD_FD_PERMIT), request, sizeof(*request));
}

int guard_run_fate(const Guard *guard, GuardFateRequest *request) {
        return run(guard_fd(guard, GUARD_FD_FATE), request, sizeof(*request));
}

/* Where the kernel is short of memory at this moment, the next try has some. */
#define SESSION_TRIES 10

static int run_session(const Guard *guard, GuardSessionRequest *request) {
        int r;

        for (unsigned i = 0; i < SESSION_TRIES; i++) {
                r = run(guard_fd(guard, GUARD_FD_SESSION), request, sizeof(*request));
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

        return run_session(guard, &request);
}

int guard_remove_session(const Guard *guard, int listener_fd) {
        GuardSessionRequest request = {.what = GUARD_SESSION_REMOVE, .listener_fd = listener_fd};

        return run_session(guard, &request);
}

int guard_learn_listeners(const Guard *guard, int listener_fd) {
        GuardSessionRequest request = {.what = GUARD_SESSION_LEARN, .listener_fd = listener_fd};

        return run_session(guard, &request);
}

int guard_clean_sessions(const Guard *guard) {
        GuardCleanRequest request = {};
        int r = run(guard_fd(guard, GUARD_FD_CLEAN), &request, sizeof(request));

        return r < 0 ? r : (int)request.n_sessions;
}
