/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates directories by way of io_uring: no seccomp filter sees it, and a worker of the ring performs it.
 * Such a worker looks like many things: it has the credentials of the process, or others that the ring has
 * noted, and the registers of whatever call it was born in.
 *
 *      guard-rings DIRECTORY   creates DIRECTORY/WAY in each way, and prints "WAY: created", or an error
 *
 * Exits with 0, or with 255 if there is no ring. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard-ring.h"

static const char *directory;

static const char *path_of(const char *way) {
        static char path[4096];

        (void)snprintf(path, sizeof(path), "%s/%s", directory, way);
        return path;
}

static void tell(const char *way, int error) {
        (void)printf("%s: %s\n", way, error == 0 ? "created" : strerrorname_np(error));
        (void)fflush(stdout);
}

static void try(const Ring *ring, const char *way, unsigned credentials, unsigned how) {
        tell(way, ring_mkdir(ring, path_of(way), credentials, how));
}

/* New credentials that say the same: what the ring and its workers have is older from now on. */
static void renew_credentials(void) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0 || syscall(SYS_capset, &header, data) < 0)
                exit(255);
}

/* A worker that waits for the pipe makes the ring want a further one, which is born when this thread leaves
 * its next call. */
static void try_born_in_a_call(const Ring *ring, const char *way, unsigned credentials) {
        char byte;
        int ends[2], error;

        if (pipe2(ends, O_CLOEXEC) < 0)
                exit(255);
        error = ring_read(ring, ends[0], &byte, RING_ASYNC | RING_LATER);
        if (error == 0)
                error = ring_mkdir(ring, path_of(way), credentials, RING_ASYNC | RING_LATER);
        for (unsigned i = 0; error == 0 && i < 20000; i++)
                (void)syscall(SYS_getppid);
        if (error == 0)
                error = ring_wait(ring, 1);
        tell(way, error);
        if (write(ends[1], "", 1) != 1 || ring_wait(ring, 1) != 0)
                exit(255);
        (void)close(ends[0]);
        (void)close(ends[1]);
}

static void try_all(const char *kind, unsigned setup_flags) {
        unsigned before, after;
        char way[64];
        Ring ring;
        int error = ring_open(setup_flags, &ring);

        if (error != 0) {
                (void)printf("%s: no ring: %s\n", kind, strerrorname_np(error));
                exit(255);
        }
#define WAY(name) ((void)snprintf(way, sizeof(way), "%s-%s", kind, name), way)
        if (ring_note_credentials(&ring, &before) != 0)
                exit(255);
        try(&ring, WAY("first"), 0, 0);
        try(&ring, WAY("async"), 0, RING_ASYNC);
        try(&ring, WAY("same-personality"), before, 0);
        renew_credentials();
        if (ring_note_credentials(&ring, &after) != 0)
                exit(255);
        try(&ring, WAY("older-worker"), 0, 0);
        try(&ring, WAY("older-personality"), before, 0);
        try(&ring, WAY("newer-personality"), after, 0);
        try(&ring, WAY("newer-personality-async"), after, RING_ASYNC);
        try_born_in_a_call(&ring, WAY("born-in-a-call"), 0);
        try_born_in_a_call(&ring, WAY("born-in-a-call-personality"), before);
#undef WAY
}

int main(int argc, char **argv) {
        if (argc != 2)
                return 255;
        directory = argv[1];
        try_all("plain", 0);
        try_all("polled", IORING_SETUP_SQPOLL);
        return 0;
}
