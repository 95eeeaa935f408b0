/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A ring of io_uring takes IORING_OP_MKDIRAT from memory: no filter sees that call.  The ring may be older
 * than the filter, too, for it lives on across exec.
 *
 *      uring make PATH         with a ring of its own
 *      uring lend COMMAND...   makes a ring and becomes COMMAND
 *      uring borrow PATH       with the ring that was lent
 *
 * The exit status is the errno, or 255 where there is no ring to be had. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RINGS_SIZE 4096U
#define VARIABLE "URING"

typedef struct Ring {
        int fd;
        unsigned sq_tail, sq_array, cq_tail, cq_entries;
} Ring;

static int make_ring(Ring *ret) {
        struct io_uring_params params = {};

        ret->fd = (int)syscall(SYS_io_uring_setup, 1, &params);
        ret->sq_tail = params.sq_off.tail;
        ret->sq_array = params.sq_off.array;
        ret->cq_tail = params.cq_off.tail;
        ret->cq_entries = params.cq_off.cqes;
        return ret->fd < 0 ? errno : 0;
}

static int lend(char **command) {
        char text[128];
        Ring ring;

        if (make_ring(&ring) != 0 || fcntl(ring.fd, F_SETFD, 0) < 0)
                return 255;
        (void)snprintf(text, sizeof(text), "%d %u %u %u %u", ring.fd, ring.sq_tail, ring.sq_array,
                ring.cq_tail, ring.cq_entries);
        (void)setenv(VARIABLE, text, 1);
        (void)execvp(command[0], command);
        return 255;
}

static int borrow(Ring *ret) {
        const char *text = getenv(VARIABLE);

        return text && sscanf(text, "%d %u %u %u %u", &ret->fd, &ret->sq_tail, &ret->sq_array, &ret->cq_tail,
                               &ret->cq_entries) == 5
                       ? 0
                       : 255;
}

static int make_directory(const Ring *ring, const char *path) {
        char *rings = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
        char *requests =
                mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
        const struct io_uring_sqe request = {
                .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = (uintptr_t)path, .len = 0755};
        struct io_uring_cqe result;

        if (rings == MAP_FAILED || requests == MAP_FAILED)
                return 255;
        memcpy(requests, &request, sizeof(request));
        *(unsigned *)(void *)(rings + ring->sq_array) = 0;
        *(unsigned *)(void *)(rings + ring->sq_tail) = 1;
        if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
                return errno;
        memcpy(&result, rings + ring->cq_entries, sizeof(result));
        return -result.res;
}

int main(int argc, char **argv) {
        Ring ring;
        int error;

        if (argc < 3)
                return 255;
        if (strcmp(argv[1], "lend") == 0)
                return lend(argv + 2);
        error = strcmp(argv[1], "make") == 0 ? make_ring(&ring) : borrow(&ring);
        return error != 0 ? error : make_directory(&ring, argv[2]);
}
