/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bad-page [FILE]: calls mkdir with a path in a page that hangs a process that reads it: the first page of
 * FILE, or one of userfaultfd(2) whose faults no process handles.  Prints the name of the error. */

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map_file(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
}

static void *map_missing(void) {
        struct uffdio_api api = {.api = UFFD_API};
        struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
        int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        range.range.start = (uintptr_t)page;
        range.range.len = 4096;
        if (fd < 0 || page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
                ioctl(fd, UFFDIO_REGISTER, &range) < 0)
                return MAP_FAILED;
        return page;
}

int main(int argc, char **argv) {
        const char *page = argc > 1 ? map_file(argv[1]) : map_missing();

        if (page == MAP_FAILED) {
                perror("bad-page");
                return 1;
        }
        (void)puts(mkdir(page, 0755) == 0 ? "made" : strerrorname_np(errno));
        return 0;
}
