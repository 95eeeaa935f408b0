/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the memory of a target.  Run by the worker, with its own credentials.  Owns nothing.  Must never
 * read what the target itself could not read. */

#include "worker/target/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "common/ownership.h"

/* No page is smaller. */
#define PIECE_SIZE 4096U

/* Most paths are short. */
#define FIRST_PIECE 256U

/* Can this machine have memory that a process can execute and not read?  x86-64 can with protection keys.
 * AArch64 can with Enhanced PAN, of which the kernel does not tell (Linux 5.13): assume that it can. */
static bool has_execute_only_memory(void) {
#ifdef __x86_64__
        unsigned a, b, c, d;

        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_OSPKE);
#else
        return true;
#endif
}

/* Can the target read there, though process_vm_readv() cannot?  The processor lets a process read all memory
 * that it can write and, unless the machine can forbid it, all that it can execute.  Returns 1, 0 or a
 * negative errno. */
static int is_readable(Target *target, uint64_t address) {
        _cleanup_fclose_ FILE *maps = NULL;
        _cleanup_free_ char *line = NULL;
        uint64_t start, end;
        size_t room = 0;
        char access[5];
        int fd, r;

        r = target_open_file(target, "maps", &fd);
        if (r != 0)
                return r < 0 ? r : -ESRCH;
        maps = fdopen(fd, "re");
        if (!maps) {
                fd_close(fd);
                return -ENOMEM;
        }
        while (getline(&line, &room, maps) >= 0)
                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, access) == 3 &&
                        address >= start && address < end)
                        return access[0] != 'r' &&
                               (access[1] == 'w' || (access[2] == 'x' && !has_execute_only_memory()));
        return 0;
}

/* Reads as a debugger does, which page protection does not stop. */
static ssize_t read_forced(Target *target, uint64_t from, void *to, size_t size) {
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;
        int r;

        r = is_readable(target, from);
        if (r <= 0)
                return r < 0 ? r : -EFAULT;
        r = target_open_file(target, "mem", &fd);
        if (r != 0)
                return r < 0 ? r : -ESRCH;
        n = pread(fd, to, size, (off_t)from);
        return n < 0 ? -EFAULT : n;
}

/* A piece must not cross a page: the kernel copies whole iovecs or nothing.  process_vm_readv() refuses
 * memory that is not mapped as readable; /proc/TID/mem does not.  That is right for memory that the target
 * cannot read, and wrong for memory that the processor lets it read all the same. */
static ssize_t read_piece(Target *target, uint64_t from, void *to, size_t size) {
        const struct iovec local = {.iov_base = to, .iov_len = size};
        const struct iovec remote = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};
        ssize_t n;

        n = process_vm_readv(target_tid(target), &local, 1, &remote, 1, 0);
        if (n < 0 && errno == EFAULT)
                return read_forced(target, from, to, size);
        return n < 0 ? -errno : n;
}

int memory_read_string(
        Target *target, uint64_t address, char ret[static LEDGER_ARGUMENT_SIZE], size_t *ret_length) {
        size_t length = 0;

        while (length < LEDGER_ARGUMENT_SIZE) {
                uint64_t from = address + length;
                size_t piece = PIECE_SIZE - from % PIECE_SIZE;
                const char *end;
                ssize_t n;

                if (length == 0 && piece > FIRST_PIECE)
                        piece = FIRST_PIECE;
                if (piece > LEDGER_ARGUMENT_SIZE - length)
                        piece = LEDGER_ARGUMENT_SIZE - length;
                n = read_piece(target, from, ret + length, piece);
                if (n <= 0)
                        return n == 0 || n == -EFAULT ? MEMORY_FAULT : n == -ESRCH ? MEMORY_GONE : (int)n;
                end = memchr(ret + length, '\0', (size_t)n);
                if (end) {
                        *ret_length = (size_t)(end - ret);
                        return 0;
                }
                length += (size_t)n;
        }
        return MEMORY_TOO_LONG;
}
