/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens and reads names below the worker's /proc.  Run by workers; helpers inherit it.  Owns one descriptor.
 * Must never take a name that a target chose. */

#include "worker/target/worker-proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/ownership.h"

int worker_proc_open(WorkerProc *ret) {
        *ret = (WorkerProc){.fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (ret->fd < 0)
                return -errno;
        (void)snprintf(ret->number, sizeof(ret->number), "%d", getpid());
        return 0;
}

void worker_proc_close(WorkerProc *proc) {
        proc->fd = fd_close(proc->fd);
}

int worker_proc_read_path(const WorkerProc *proc, int fd, char *ret, size_t size) {
        char name[sizeof("self/fd/") + 3 * sizeof(fd)];
        ssize_t n;

        (void)snprintf(name, sizeof(name), "self/fd/%d", fd);
        n = readlinkat(proc->fd, name, ret, size);
        if (n < 0)
                return -errno;
        if ((size_t)n >= size)
                return -ENAMETOOLONG;
        ret[n] = '\0';
        return 0;
}

int worker_proc_open_entry(const WorkerProc *proc, const char *name, int flags, int *ret_fd) {
        int fd = openat(proc->fd, name, O_PATH | O_CLOEXEC | flags);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int worker_proc_open_mounts(const WorkerProc *proc, bool own, int *ret_fd) {
        int fd = openat(proc->fd, own ? "self/mountinfo" : "1/mountinfo", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}
