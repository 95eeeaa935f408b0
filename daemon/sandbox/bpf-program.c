/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns rules into BPF programs.  Run by the daemon, at start.  Owns nothing.  Must never let through an ABI
 * that a program does not know. */

#include "sandbox/bpf-program.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ownership.h"

/* libseccomp begins with the ABI that it was built for. */
static int set_abis(scmp_filter_ctx context, const Abi *abis, size_t n_abis) {
        bool native = false;
        int r;

        for (size_t i = 0; i < n_abis; i++) {
                uint32_t arch = abi_audit_archs[abis[i]];

                native = native || arch == seccomp_arch_native();
                r = arch == seccomp_arch_native() ? 0 : seccomp_arch_add(context, arch);
                if (r < 0)
                        return r;
        }
        return native ? 0 : seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
}

int bpf_program_begin(const Abi *abis, size_t n_abis, uint32_t default_action, uint32_t foreign_action,
        scmp_filter_ctx *ret) {
        _cleanup_(seccomp_release_p) scmp_filter_ctx context = seccomp_init(default_action);
        int r;

        if (!context)
                return -ENOMEM;
        r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, foreign_action);
        if (r < 0)
                return r;
        r = set_abis(context, abis, n_abis);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(context);
        return 0;
}

static unsigned count_arguments(const SeccompRule *rule) {
        unsigned n = 0;

        while (n < RULE_ARGUMENTS && rule->arguments[n].op != 0)
                n++;
        return n;
}

int bpf_program_add(scmp_filter_ctx context, const SeccompRule *rules, size_t n_rules, unsigned programs) {
        int r;

        for (size_t i = 0; i < n_rules; i++) {
                const SeccompRule *rule = &rules[i];

                if (!(rule->programs & programs))
                        continue;
                r = seccomp_rule_add_array(
                        context, rule->action, rule->call, count_arguments(rule), rule->arguments);
                if (r < 0)
                        return r;
        }
        return 0;
}

int bpf_program_export(scmp_filter_ctx context, BpfProgram *ret) {
        _cleanup_close_ int fd = memfd_create("snotify-filter", MFD_CLOEXEC);
        ssize_t n;
        int r;

        if (fd < 0)
                return -errno;
        r = seccomp_export_bpf(context, fd);
        if (r < 0)
                return r;
        n = pread(fd, ret->instructions, sizeof(ret->instructions), 0);
        if (n < 0)
                return -errno;
        if (n == 0 || n == sizeof(ret->instructions) || n % sizeof(ret->instructions[0]) != 0)
                return -E2BIG;
        ret->n_instructions = (uint32_t)n / sizeof(ret->instructions[0]);
        return 0;
}
