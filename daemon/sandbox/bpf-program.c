/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes BPF programs out of libseccomp.  Run by the daemon, at start.  Owns nothing. */

#include "sandbox/bpf-program.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ownership.h"

int program_export(scmp_filter_ctx rules, struct sock_filter *ret, size_t room) {
        _cleanup_close_ int fd = memfd_create("snotify-filter", MFD_CLOEXEC);
        size_t size = room * sizeof(*ret);
        ssize_t n;
        int r;

        if (fd < 0)
                return -errno;
        r = seccomp_export_bpf(rules, fd);
        if (r < 0)
                return r;
        n = pread(fd, ret, size, 0);
        if (n < 0)
                return -errno;
        if (n == 0 || (size_t)n == size || (size_t)n % sizeof(*ret) != 0)
                return -E2BIG;
        return (int)((size_t)n / sizeof(*ret));
}
