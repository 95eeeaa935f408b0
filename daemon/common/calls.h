/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of supervised system calls: which calls the filter traps, and which argument of each is what.
 * The daemon builds the filter from it, and workers read trapped calls with it.  CONTRIBUTING.md says what
 * a further call takes. */

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/arguments.h"

/* What a worker does with a call. */
typedef enum OperationKind {
        OPERATION_MKDIR,
        OPERATION_RESTRICT, /* note it, and let the kernel continue it (daemon/worker/landlock.h) */
        OPERATION_LIMIT,    /* let the kernel continue it, or refuse it (daemon/worker/landlock.h) */
#ifdef TEST_OPERATIONS
        OPERATION_RMDIR,
#endif
} OperationKind;

/* Which arguments of a call that sets a resource limit are what. */
typedef struct LimitArguments {
        int pid_at; /* -1: there is none, and the call is about its caller */
        unsigned resource_at;
        int new_at; /* points to the new limit, and is NULL where the call only reads; -1: there is none */
} LimitArguments;

/* In Call.numbers: the ABI has no such call. */
#define CALL_NONE (-1)

typedef struct Call {
        const char *name; /* as libseccomp knows it */
        int numbers[ABI_COUNT];
        OperationKind kind;
        int dirfd_at;                /* which argument; -1: there is none, and AT_FDCWD is meant */
        int path_at;                 /* -1: there is none */
        int mode_at;                 /* -1: there is none */
        const LimitArguments *limit; /* of OPERATION_LIMIT, which is supervised for RLIMIT_LOCKS alone */
} Call;

extern const Call calls[];
extern const size_t n_calls;

/* Returns the row of the call that data holds, or NULL where no such call is supervised. */
const Call *call_find(const struct seccomp_data *data);

/* As call_find(), for a call that was made on that machine. */
const Call *call_find_on(const Machine *machine, const struct seccomp_data *data);

void call_arguments(const Call *call, const struct seccomp_data *data, Arguments *ret);
