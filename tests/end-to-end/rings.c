/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* rings DIRECTORY [poll]: works on files in the directory through an io_uring, with a kernel thread that
 * polls it or without, and prints the name and the result of each operation. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ENTRIES 8U
#define SIZE 65536U
#define LENGTH 5000U

static struct io_uring_params params;
static int ring_fd;
static char *rings;
static struct io_uring_sqe *requests;

static void must(int good, const char *what) {
        if (good)
                return;
        perror(what);
        exit(77);
}

static unsigned *at(unsigned offset) {
        return (unsigned *)(void *)(rings + offset);
}

static void set_up(unsigned flags) {
        params = (struct io_uring_params){.flags = flags, .sq_thread_idle = 10000};
        ring_fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
        must(ring_fd >= 0, "io_uring_setup");
        must(params.features & IORING_FEAT_SINGLE_MMAP, "one mapping");
        rings = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
        requests = mmap(NULL, ENTRIES * sizeof(*requests), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd,
                IORING_OFF_SQES);
        must(rings != MAP_FAILED && (void *)requests != MAP_FAILED, "mmap");
}

/* Returns the result of one request, 0 or a negative errno, or a number. */
static int submit(const struct io_uring_sqe *request) {
        unsigned tail = __atomic_load_n(at(params.sq_off.tail), __ATOMIC_ACQUIRE), head;
        unsigned index = tail & *at(params.sq_off.ring_mask);
        const struct io_uring_cqe *results = (void *)(rings + params.cq_off.cqes);
        int result;

        requests[index] = *request;
        at(params.sq_off.array)[index] = index;
        __atomic_store_n(at(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
        if (syscall(SYS_io_uring_enter, ring_fd, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL,
                    0) < 0)
                return -errno;
        head = *at(params.cq_off.head);
        while (__atomic_load_n(at(params.cq_off.tail), __ATOMIC_ACQUIRE) == head)
                ;
        result = results[head & *at(params.cq_off.ring_mask)].res;
        __atomic_store_n(at(params.cq_off.head), head + 1, __ATOMIC_RELEASE);
        return result;
}

static int say(const char *name, int result) {
        (void)printf("%s: %s\n", name, result < 0 ? strerrorname_np(-result) : "done");
        return result;
}

static uint64_t address(const void *p) {
        return (uintptr_t)p;
}

static struct io_uring_sqe on_name(uint8_t opcode, const char *name) {
        return (struct io_uring_sqe){.opcode = opcode, .fd = AT_FDCWD, .addr = address(name)};
}

static void work_on_file(void) {
        static char written[LENGTH], got[LENGTH];
        const struct iovec buffers[] = {{written, LENGTH}, {got, LENGTH}};
        struct io_uring_sqe request = on_name(IORING_OP_OPENAT, "file");
        int fd;

        memset(written, 'w', LENGTH);
        request.len = 0644;
        request.open_flags = O_CREAT | O_EXCL | O_RDWR;
        fd = submit(&request);
        (void)say("openat", fd < 0 ? fd : 0);
        request = (struct io_uring_sqe){
                .opcode = IORING_OP_WRITE, .fd = fd, .addr = address(written), .len = LENGTH};
        (void)say("write", submit(&request) == (int)LENGTH ? 0 : -EIO);
        (void)say("register",
                (int)syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_BUFFERS, buffers, 2));
        request = (struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED,
                .fd = fd,
                .addr = address(got),
                .len = LENGTH,
                .buf_index = 1};
        (void)say("read", submit(&request) == (int)LENGTH && memcmp(written, got, LENGTH) == 0 ? 0 : -EIO);
        request = (struct io_uring_sqe){.opcode = IORING_OP_FSYNC, .fd = fd};
        (void)say("fsync", submit(&request));
        request = (struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd};
        (void)say("close", submit(&request));
}

static void work_on_names(void) {
        struct io_uring_sqe request = {.opcode = IORING_OP_NOP};

        (void)say("nop", submit(&request));
        request = on_name(IORING_OP_RENAMEAT, "file");
        request.addr2 = address("renamed");
        request.len = (uint32_t)AT_FDCWD;
        (void)say("renameat", submit(&request));
        request = on_name(IORING_OP_SYMLINKAT, "renamed");
        request.addr2 = address("link");
        (void)say("symlinkat", submit(&request));
        request = on_name(IORING_OP_UNLINKAT, "renamed");
        (void)say("unlinkat", submit(&request));
        request = on_name(IORING_OP_MKDIRAT, "there"); /* exists */
        request.len = 0755;
        (void)say("mkdirat of what exists", submit(&request));
        request = on_name(IORING_OP_MKDIRAT, "missing/directory");
        (void)say("mkdirat in what is missing", submit(&request));
        request = on_name(IORING_OP_MKDIRAT, "directory");
        request.len = 0755;
        (void)say("mkdirat", submit(&request));
}

int main(int argc, char **argv) {
        if (argc < 2 || argc > 3 || chdir(argv[1]) < 0)
                return 2;
        must(mkdir("there", 0755) == 0, "mkdir");
        set_up(argc == 3 ? IORING_SETUP_SQPOLL : 0);
        work_on_file();
        work_on_names();
        return 0;
}
