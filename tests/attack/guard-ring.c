/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Part of the attacks on the guard.  Owns the ring's memory, until the process ends. */

#include "guard-ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RINGS_SIZE 4096U
#define ENTRIES 4U
#define WAIT_MSEC 5000U

int ring_open(unsigned setup_flags, Ring *ret) {
        struct io_uring_params params = {.flags = setup_flags, .sq_thread_idle = 2000};
        Ring ring = {.setup_flags = setup_flags};

        ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
        if (ring.fd < 0)
                return errno;
        ring.rings = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
        ring.requests = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
        if (ring.rings == MAP_FAILED || ring.requests == MAP_FAILED)
                return errno;
        ring.sq_tail = params.sq_off.tail;
        ring.sq_array = params.sq_off.array;
        ring.cq_head = params.cq_off.head;
        ring.cq_tail = params.cq_off.tail;
        ring.cq_entries = params.cq_off.cqes;
        *ret = ring;
        return 0;
}

int ring_note_credentials(const Ring *ring, unsigned *ret) {
        long id = syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_PERSONALITY, NULL, 0);

        if (id < 0)
                return errno;
        *ret = (unsigned)id;
        return 0;
}

static unsigned *at(const Ring *ring, unsigned offset) {
        return (unsigned *)(void *)(ring->rings + offset);
}

/* Both queues have places enough, for no test asks for more than ENTRIES at once. */
int ring_wait(const Ring *ring, unsigned n) {
        static const struct timespec moment = {.tv_nsec = 1000000};
        struct io_uring_cqe result = {.res = -ETIME};
        unsigned head = *at(ring, ring->cq_head);

        for (unsigned i = 0; i < WAIT_MSEC; i++) {
                if (__atomic_load_n(at(ring, ring->cq_tail), __ATOMIC_ACQUIRE) - head >= n)
                        break;
                /* What a ring's workers ask of the thread, it does on its way out of any call. */
                (void)nanosleep(&moment, NULL);
        }
        if (__atomic_load_n(at(ring, ring->cq_tail), __ATOMIC_ACQUIRE) - head < n)
                return ETIME;
        head += n;
        /* The queue of results has twice as many places. */
        memcpy(&result, ring->rings + ring->cq_entries + (head - 1) % (2 * ENTRIES) * sizeof(result),
                sizeof(result));
        __atomic_store_n(at(ring, ring->cq_head), head, __ATOMIC_RELEASE);
        return result.res < 0 ? -result.res : 0;
}

static int submit(const Ring *ring, struct io_uring_sqe *request, unsigned how) {
        unsigned tail = *at(ring, ring->sq_tail), place = tail % ENTRIES;
        unsigned flags = ring->setup_flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0;

        if (how & RING_ASYNC)
                request->flags |= IOSQE_ASYNC;
        memcpy(ring->requests + place * sizeof(*request), request, sizeof(*request));
        at(ring, ring->sq_array)[place] = place;
        __atomic_store_n(at(ring, ring->sq_tail), tail + 1, __ATOMIC_RELEASE);
        if (syscall(SYS_io_uring_enter, ring->fd, 1, 0, flags, NULL, 0) < 0)
                return errno;
        return how & RING_LATER ? 0 : ring_wait(ring, 1);
}

int ring_mkdir(const Ring *ring, const char *path, unsigned credentials, unsigned how) {
        struct io_uring_sqe request = {.opcode = IORING_OP_MKDIRAT,
                .fd = AT_FDCWD,
                .addr = (uintptr_t)path,
                .len = 0755,
                .personality = (uint16_t)credentials};

        return submit(ring, &request, how);
}

int ring_open_for_writing(const Ring *ring, const char *path, unsigned credentials, unsigned how) {
        struct io_uring_sqe request = {.opcode = IORING_OP_OPENAT,
                .fd = AT_FDCWD,
                .addr = (uintptr_t)path,
                .open_flags = O_WRONLY,
                .personality = (uint16_t)credentials};

        return submit(ring, &request, how);
}

int ring_read(const Ring *ring, int fd, char *byte, unsigned how) {
        struct io_uring_sqe request = {
                .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)byte, .len = 1, .off = (uint64_t)-1};

        return submit(ring, &request, how);
}
