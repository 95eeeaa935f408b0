/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What guard-permits asks of guard-hole, over a SOCK_SEQPACKET socket.  The answer is an int: 0 or an
 * errno. */

enum HoleOperation {
        HOLE_OPEN, /* the thread's calls pass its filters unseen, as through a filter that does not know them
                    */
        HOLE_CLOSE, /* no longer */
        HOLE_NEXT,  /* the next thread or process is to have this number */
};

typedef struct HoleRequest {
        int what; /* HoleOperation */
        int tid;
} HoleRequest;
