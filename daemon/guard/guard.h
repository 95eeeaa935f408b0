/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guard as the daemon and its workers use it: descriptors of the programs that stand in the kernel (see
 * programs.bpf.c), and a function for each.  They make one bpf(2) each, and need no library and no
 * capability: who holds a program's descriptor may run it. */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/guard-abi.h"

typedef struct Guard Guard;

/* What stands in the kernel, by its descriptors.  Each may be empty (-EBADF): then what needs it returns
 * -EBADF. */
enum GuardFd {
        GUARD_FD_PERMIT,     /* the program guard_permit: for workers, as is the next one */
        GUARD_FD_FATE,       /* the program guard_fate */
        GUARD_FD_SESSION,    /* the program guard_session */
        GUARD_FD_CLEAN,      /* the program guard_clean */
        GUARD_FD_REFUSALS,   /* the map */
        GUARD_FD_HOOK_MKDIR, /* links: the hooks stay while these are open, whatever becomes of the pins */
        GUARD_FD_HOOK_ATTEMPT,
        GUARD_FD_HOOK_COPY_UP,
        GUARD_FD_AFTER_MKDIR, /* for records alone: empty where the kernel has no such function */
        GUARD_FDS,
};

/* Closes all that fds has, and empties it. */
void guard_close_fds(int fds[GUARD_FDS]);

/* Takes over all of fds, even on failure.  Returns 0 or -ENOMEM.  guard_free() takes NULL and returns NULL;
 * the guard stays in the kernel while it is pinned. */
int guard_new(int fds[GUARD_FDS], Guard **ret);
Guard *guard_free(Guard *guard);

/* Has guard_enter_session() take the session out of another guard, which stands in the kernel because a
 * daemon of another version has loaded it: else the session would need a permit of each.  fd is of that
 * guard's program guard_session, and is taken over.  Returns 0, or -E2BIG where there are too many. */
int guard_take_from(Guard *guard, int fd);

/* Returns the guard's descriptor, which stays the guard's.  guard may be NULL: -EBADF. */
int guard_fd(const Guard *guard, enum GuardFd which);

/* For workers.  The requests are described in guard-abi.h.  Each returns what the program returns, 0 or a
 * negative errno, or the negative errno of bpf(2). */
int guard_run_permit(const Guard *guard, GuardPermitRequest *request);
int guard_run_fate(const Guard *guard, GuardFateRequest *request);

/* For the daemon.  Enters the session of a listener, or gives a session that was entered other flags
 * (GuardSessionFlags).  Returns 0 or a negative errno: -E2BIG: there are too many sessions. */
int guard_enter_session(const Guard *guard, int listener_fd, uint64_t session_id, uint32_t flags);

/* Removes a session and its permits.  Must come before its listener is closed: later the filter's address
 * may be another one's.  Returns 0 or a negative errno: -ENOENT: it is not there. */
int guard_remove_session(const Guard *guard, int listener_fd);

/* Tells the guard which files are listeners, by one that the caller has created itself.  For the process
 * that loads the guard.  Returns 0 or a negative errno. */
int guard_learn_listeners(const Guard *guard, int listener_fd);

/* Removes the sessions that no process belongs to any more, which a daemon that was killed has left behind.
 * Returns how many sessions are left, or a negative errno. */
int guard_clean_sessions(const Guard *guard);
