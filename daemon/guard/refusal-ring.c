/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the ring buffer of refusals.  Run by the daemon.  A RefusalRing owns its mappings, which no child
 * inherits.  Must never wait for the kernel. */

#include "guard/refusal-ring.h"

#include <linux/bpf.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ownership.h"

typedef struct RingHeader {
        _Atomic uint32_t
                length; /* BPF_RINGBUF_BUSY_BIT: not written yet; BPF_RINGBUF_DISCARD_BIT: skip it */
        uint32_t page;
} RingHeader;

struct RefusalRing {
        size_t page_size;
        size_t size;               /* of the data: a power of 2 */
        _Atomic uint64_t *read_to; /* the page that the reader writes */
        uint8_t *kernel;           /* a page with the kernel's position, and the data twice in a row */
};

static size_t kernel_size(const RefusalRing *ring) {
        return ring->page_size + 2 * ring->size;
}

static void *map(int fd, size_t size, int protection, off_t offset) {
        void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, offset);

        if (memory == MAP_FAILED)
                return NULL;
        (void)madvise(memory, size, MADV_DONTFORK);
        return memory;
}

/* Returns 0 where it cannot be told: then there is nothing to map. */
static size_t data_size(int fd) {
        struct bpf_map_info info = {};
        union bpf_attr attributes = {
                .info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof(info), .info = (uintptr_t)&info},
        };

        if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof(attributes.info)) < 0)
                return 0;
        return info.max_entries;
}

int refusal_ring_new(const Guard *guard, RefusalRing **ret) {
        int fd = guard_fd(guard, GUARD_FD_REFUSALS);
        RefusalRing *ring;

        if (fd < 0)
                return -EBADF;
        ring = calloc(1, sizeof(*ring));
        if (!ring)
                return -ENOMEM;
        ring->page_size = (size_t)sysconf(_SC_PAGESIZE);
        ring->size = data_size(fd);
        ring->read_to = map(fd, ring->page_size, PROT_READ | PROT_WRITE, 0);
        ring->kernel = map(fd, kernel_size(ring), PROT_READ, (off_t)ring->page_size);
        if (ring->size == 0 || !ring->read_to || !ring->kernel) {
                refusal_ring_free(ring);
                return -ENOMEM;
        }
        *ret = ring;
        return 0;
}

RefusalRing *refusal_ring_free(RefusalRing *ring) {
        if (!ring)
                return NULL;
        if (ring->read_to)
                (void)munmap((void *)ring->read_to, ring->page_size);
        if (ring->kernel)
                (void)munmap(ring->kernel, kernel_size(ring));
        free(ring);
        return NULL;
}

static uint64_t written_to(const RefusalRing *ring) {
        const void *position = ring->kernel;

        return atomic_load_explicit((const _Atomic uint64_t *)position, memory_order_acquire);
}

static const RingHeader *header_at(const RefusalRing *ring, uint64_t position) {
        const void *header = ring->kernel + ring->page_size + (position & (ring->size - 1));

        return header;
}

/* Records lie at multiples of 8, each after its header. */
static uint64_t record_size(uint32_t length) {
        return (length + sizeof(RingHeader) + 7) & ~UINT64_C(7);
}

bool refusal_ring_take(RefusalRing *ring, GuardRefusal *ret) {
        uint64_t position = atomic_load_explicit(ring->read_to, memory_order_relaxed);
        bool found = false;

        while (!found && position < written_to(ring)) {
                const RingHeader *header = header_at(ring, position);
                uint32_t length = atomic_load_explicit(&header->length, memory_order_acquire);
                uint32_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

                if (length & BPF_RINGBUF_BUSY_BIT)
                        break;
                found = !(length & BPF_RINGBUF_DISCARD_BIT) && size == sizeof(*ret);
                if (found)
                        memcpy(ret, header + 1, sizeof(*ret));
                position += record_size(size);
                atomic_store_explicit(ring->read_to, position, memory_order_release);
        }
        return found;
}
