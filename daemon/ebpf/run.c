/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs programs in the kernel.  Run by the daemon and its workers.  Owns nothing. */

#include "ebpf/run.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel copies the request in and out again (bpf_prog_test_run_syscall()).  Its length is
 * that of the attributes that are used: the kernel takes the rest for zero. */
int program_run(int program_fd, void *request, uint32_t size) {
        union bpf_attr attributes = {
                .test = {.prog_fd = (uint32_t)program_fd, .ctx_in = (uintptr_t)request, .ctx_size_in = size},
        };

        if (program_fd < 0)
                return -EBADF;
        if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes.test)) < 0)
                return -errno;
        return (int32_t)attributes.test.retval;
}
