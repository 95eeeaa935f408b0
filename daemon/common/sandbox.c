/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Installs a sandbox.  Run by the acceptor, verifiers, workers and helpers.  Owns nothing. */

#include "common/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int sandbox_enter(const Sandbox *sandbox) {
        const struct sock_fprog program = {
                .len = (unsigned short)sandbox->n_instructions,
                .filter = (struct sock_filter *)(uintptr_t)sandbox->instructions,
        };

        /* The kernel demands this of a process without CAP_SYS_ADMIN, such as most helpers. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        /* Without SPEC_ALLOW, kernels before 5.16 switch on slow protections against speculative reads
         * (PR_SET_SPECULATION_CTRL in prctl(2)). */
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) < 0
                       ? -errno
                       : 0;
}
