/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An io_uring with one place, for the attacks on the guard: one request at a time. */

typedef struct Ring {
        int fd;
        unsigned setup_flags;
        char *rings, *requests;
        unsigned sq_tail, sq_array, cq_head, cq_tail, cq_entries;
} Ring;

enum RingHow {
        RING_ASYNC = 1 << 0, /* do not try it in the caller's thread first */
        RING_LATER = 1 << 1, /* return at once, with 0 */
};

/* setup_flags are those of io_uring_setup(2).  Each function below returns 0 or an errno; ETIME if a request
 * does not end within seconds. */
int ring_open(unsigned setup_flags, Ring *ret);

/* Notes the credentials that the caller has now.  Requests name them by *ret. */
int ring_note_credentials(const Ring *ring, unsigned *ret);

/* credentials: 0, or a number that ring_note_credentials() has given. */
int ring_mkdir(const Ring *ring, const char *path, unsigned credentials, unsigned how);
int ring_open_for_writing(const Ring *ring, const char *path, unsigned credentials, unsigned how);

/* Reads one byte; an empty pipe keeps a worker of the ring busy. */
int ring_read(const Ring *ring, int fd, char *byte, unsigned how);

/* Waits for the results of n requests that were asked for with RING_LATER; returns the last one's. */
int ring_wait(const Ring *ring, unsigned n);
