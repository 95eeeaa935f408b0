/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guard has refused without a worker being asked: the ring buffer that the kernel writes and the
 * daemon reads (kernel/bpf/ringbuf.c).  It outlives the daemon, as the guard does. */

#include <stdbool.h>

#include "guard/guard.h"

typedef struct RefusalRing RefusalRing;

/* Opens the ring of a guard, for one reader.  Returns 0 or a negative errno: -EBADF: another daemon reads
 * it. refusal_ring_free() takes NULL and returns NULL. */
int refusal_ring_new(const Guard *guard, RefusalRing **ret);
RefusalRing *refusal_ring_free(RefusalRing *ring);

/* Takes the oldest refusal.  Returns false where there is none.  The guard's GUARD_FD_REFUSALS is readable
 * while there are any. */
bool refusal_ring_take(RefusalRing *ring, GuardRefusal *ret);
