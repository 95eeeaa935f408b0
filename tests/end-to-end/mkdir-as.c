/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mkdir-as FORM DIRECTORY NAME: creates one directory with mode 0755 by the system call that FORM names, and
 * exits with its errno. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32_BIT 0x40000000L
#define I386_MKDIR 39
#define I386_MKDIRAT 296

/* The 32-bit entry, open to 64-bit programs too: the kernel takes the lower halves of the registers. */
static long int80(long nr, uintptr_t a, uintptr_t b, uintptr_t c) {
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(nr), "b"(a), "c"(b), "d"(c)
                         : "memory", "r8", "r9", "r10", "r11");
        if (result < 0) {
                errno = (int)-result;
                return -1;
        }
        return result;
}

/* Returns a copy at an address of 32 bits. */
static uintptr_t low_copy(const char *text) {
        char *copy =
                mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        if (copy == MAP_FAILED)
                abort();
        return (uintptr_t)strcpy(copy, text);
}

static int open_directory(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        return fd;
}

static long make(const char *form, const char *directory, const char *name) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (strcmp(form, "mkdir") == 0)
                return syscall(SYS_mkdir, path, 0755);
        if (strcmp(form, "mkdirat") == 0)
                return syscall(SYS_mkdirat, -12345, path, 0755);
        if (strcmp(form, "mkdirat-dirfd") == 0)
                return syscall(SYS_mkdirat, open_directory(directory), name, 0755);
        if (strcmp(form, "mkdir-cwd") == 0)
                return chdir(directory) < 0 ? -1 : syscall(SYS_mkdir, name, 0755);
        if (strcmp(form, "int80-mkdir") == 0)
                return int80(I386_MKDIR, low_copy(path), 0755, 0);
        if (strcmp(form, "int80-mkdirat-dirfd") == 0)
                return int80(I386_MKDIRAT, (uintptr_t)open_directory(directory), low_copy(name), 0755);
        if (strcmp(form, "x32-mkdir") == 0)
                return syscall(X32_BIT | SYS_mkdir, path, 0755);
        if (strcmp(form, "x32-mkdirat") == 0)
                return syscall(X32_BIT | SYS_mkdirat, AT_FDCWD, path, 0755);
        (void)fprintf(stderr, "unknown form %s\n", form);
        exit(255);
}

int main(int argc, char **argv) {
        if (argc != 4)
                return 255;
        return make(argv[1], argv[2], argv[3]) < 0 ? errno : 0;
}
