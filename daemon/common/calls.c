/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of supervised calls.  Constant data and pure functions; read by the daemon, which builds the
 * filter from it, and by workers, which read trapped calls with it. */

#include "common/calls.h"

#include <fcntl.h>

static const LimitArguments setrlimit_arguments = {.pid_at = -1, .resource_at = 0, .new_at = -1};
static const LimitArguments prlimit_arguments = {.pid_at = 0, .resource_at = 1, .new_at = 2};

/* A worker has no libseccomp to ask for numbers, hence they stand here.  The filter is built from the names;
 * filters_build() compares both. */
#define NUMBERS(x86_64, i386, aarch64, arm)                                                                 \
        .numbers = {                                                                                        \
                [ABI_X86_64] = (x86_64), [ABI_I386] = (i386), [ABI_AARCH64] = (aarch64), [ABI_ARM] = (arm)}

const Call calls[] = {
        {"mkdir", NUMBERS(83, 39, CALL_NONE, 39), OPERATION_MKDIR, .dirfd_at = -1, .path_at = 0,
                .mode_at = 1},
        {"mkdirat", NUMBERS(258, 296, 34, 323), OPERATION_MKDIR, .dirfd_at = 0, .path_at = 1, .mode_at = 2},
        {"landlock_restrict_self", NUMBERS(446, 446, 446, 446), OPERATION_RESTRICT, .dirfd_at = 0,
                .path_at = -1, .mode_at = -1},
        {"setrlimit", NUMBERS(160, 75, 164, 75), OPERATION_LIMIT, .dirfd_at = -1, .path_at = -1,
                .mode_at = -1, .limit = &setrlimit_arguments},
        {"prlimit64", NUMBERS(302, 340, 261, 369), OPERATION_LIMIT, .dirfd_at = -1, .path_at = -1,
                .mode_at = -1, .limit = &prlimit_arguments},
#ifdef TEST_OPERATIONS
        {"rmdir", NUMBERS(84, 40, CALL_NONE, 40), OPERATION_RMDIR, .dirfd_at = -1, .path_at = 0,
                .mode_at = -1},
#endif
};
const size_t n_calls = sizeof(calls) / sizeof(calls[0]);

const Call *call_find_on(const Machine *machine, const struct seccomp_data *data) {
        Abi abi = machine_find_abi(machine, data->arch);

        if (abi == ABI_COUNT || data->nr < 0)
                return NULL;
        for (size_t i = 0; i < n_calls; i++)
                if (calls[i].numbers[abi] == data->nr)
                        return &calls[i];
        return NULL;
}

const Call *call_find(const struct seccomp_data *data) {
        return call_find_on(MACHINE_NATIVE, data);
}

void call_arguments(const Call *call, const struct seccomp_data *data, Arguments *ret) {
        *ret = (Arguments){
                /* An int and a umode_t: the kernel ignores the registers' upper halves, and so must we. */
                .dirfds = {call->dirfd_at < 0 ? AT_FDCWD : (int)(uint32_t)data->args[call->dirfd_at],
                        AT_FDCWD},
                .paths = {call->path_at < 0 ? 0 : data->args[call->path_at]},
                .mode = call->mode_at < 0 ? 0 : (uint16_t)data->args[call->mode_at],
                .pid = !call->limit || call->limit->pid_at < 0
                               ? 0
                               : (int)(uint32_t)data->args[call->limit->pid_at],
        };
        if (audit_arch_is_32_bit(data->arch))
                ret->paths[0] = (uint32_t)ret->paths[0];
}
