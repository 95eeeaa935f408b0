/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* io_uring takes IORING_OP_MKDIRAT from memory: no seccomp filter sees it.  A ring survives execve(2), so it
 * can be older than the filter.
 *
 *      uring make PATH                creates PATH through a new ring
 *      uring lend COMMAND...          sets up a ring and executes COMMAND
 *      uring lend-polled COMMAND...   sets up a ring that a kernel thread polls as long as this process
 *                                     lives, and runs COMMAND as a child
 *      uring borrow PATH              creates PATH through the ring of "lend"
 *      uring wait PATH                creates PATH through the ring of "lend-polled", without a system call
 *
 * The exit status is the errno, or 255 if the kernel gives no ring. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RINGS_SIZE 4096U
#define VARIABLE "URING"

/* The polling kernel thread reads the memory of the process that set up the ring: the path is at this
 * address. */
#define POLLED_PATH ((char *)0x200000000)

typedef struct Ring {
        int fd;
        unsigned sq_tail, sq_array, cq_tail, cq_entries;
} Ring;

static int make_ring(unsigned flags, Ring *ret) {
        struct io_uring_params params = {.flags = flags, .sq_thread_idle = 60000};

        ret->fd = (int)syscall(SYS_io_uring_setup, 1, &params);
        ret->sq_tail = params.sq_off.tail;
        ret->sq_array = params.sq_off.array;
        ret->cq_tail = params.cq_off.tail;
        ret->cq_entries = params.cq_off.cqes;
        return ret->fd < 0 ? errno : 0;
}

static unsigned tail_of(const char *rings, unsigned offset) {
        return __atomic_load_n((const unsigned *)(const void *)(rings + offset), __ATOMIC_ACQUIRE);
}

static void wait_for_result(const char *rings, const Ring *ring, unsigned before) {
        static const struct timespec moment = {.tv_nsec = 1000000};

        for (int i = 0; i < 5000; i++) {
                if (tail_of(rings, ring->cq_tail) > before)
                        return;
                (void)nanosleep(&moment, NULL);
        }
        exit(255);
}

/* Submits the request, by io_uring_enter(2) with these flags, or without a system call if flags is 0.
 * Returns the errno. */
static int submit(const Ring *ring, const struct io_uring_sqe *request, unsigned flags) {
        char *rings = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
        char *requests =
                mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
        struct io_uring_cqe result;
        unsigned before;

        if (rings == MAP_FAILED || requests == MAP_FAILED)
                return 255;
        before = tail_of(rings, ring->sq_tail);
        memcpy(requests, request, sizeof(*request));
        *(unsigned *)(void *)(rings + ring->sq_array) = 0;
        __atomic_store_n((unsigned *)(void *)(rings + ring->sq_tail), before + 1, __ATOMIC_RELEASE);
        if (flags != 0 && syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0) < 0)
                return errno;
        wait_for_result(rings, ring, before);
        memcpy(&result, rings + ring->cq_entries + before * sizeof(result), sizeof(result));
        return -result.res;
}

static int make_directory(const Ring *ring, const char *path, bool call) {
        const struct io_uring_sqe request = {.opcode = IORING_OP_MKDIRAT,
                .fd = AT_FDCWD,
                .addr = (uintptr_t)(call ? path : POLLED_PATH),
                .len = 0755};

        return submit(ring, &request, call ? IORING_ENTER_GETEVENTS : 0);
}

/* The polling thread sleeps until its first request, and then polls for a minute. */
static bool wake_poller(const Ring *ring) {
        const struct io_uring_sqe nothing = {.opcode = IORING_OP_NOP};

        return submit(ring, &nothing, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS) == 0;
}

static bool keep_path(char **command) {
        void *kept = mmap(POLLED_PATH, 4096, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        while (command[1])
                command++;
        return kept == POLLED_PATH && snprintf(kept, 4096, "%s", command[0]) < 4096;
}

/* Runs the command in a child: the polling thread ends with the process that set up the ring. */
static int run(char **command) {
        int status;
        pid_t pid;

        if (!keep_path(command))
                return 255;
        pid = fork();
        if (pid == 0) {
                (void)execvp(command[0], command);
                _exit(255);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
                return 255;
        return WEXITSTATUS(status);
}

static int lend(unsigned flags, char **command) {
        char text[128];
        Ring ring;

        if (make_ring(flags, &ring) != 0 || fcntl(ring.fd, F_SETFD, 0) < 0)
                return 255;
        (void)snprintf(text, sizeof(text), "%d %u %u %u %u", ring.fd, ring.sq_tail, ring.sq_array,
                ring.cq_tail, ring.cq_entries);
        (void)setenv(VARIABLE, text, 1);
        if (flags & IORING_SETUP_SQPOLL)
                return wake_poller(&ring) ? run(command) : 255;
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

int main(int argc, char **argv) {
        Ring ring;
        int error;

        if (argc < 3)
                return 255;
        if (strcmp(argv[1], "lend") == 0)
                return lend(0, argv + 2);
        if (strcmp(argv[1], "lend-polled") == 0)
                return lend(IORING_SETUP_SQPOLL, argv + 2);
        error = strcmp(argv[1], "make") == 0 ? make_ring(0, &ring) : borrow(&ring);
        return error != 0 ? error : make_directory(&ring, argv[2], strcmp(argv[1], "wait") != 0);
}
