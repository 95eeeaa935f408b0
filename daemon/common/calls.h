/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one table of supervised system calls: what is trapped, and where the arguments are.  A further call is
 * one row here, one act in daemon/worker/operation/operation.c and one test. */

#include <linux/ioctl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/notify.h"

#ifndef __x86_64__
#error "the table of calls knows the x86-64 and i386 ABIs only"
#endif

/* How a call is performed. */
typedef enum Act {
        ACT_MKDIR,
        ACT_RESTRICT, /* not at all: the kernel goes on with it, once it was noted (landlock.h) */
        ACT_LIMIT,    /* the kernel goes on with it, or it is refused (landlock.h) */
} Act;

/* Which arguments of a call that sets a resource limit are what. */
typedef struct LimitArguments {
        int pid_at; /* -1: there is none, the caller is meant */
        unsigned resource_at;
        int new_at; /* which one points to the new limit, and is NULL where the limit is only read; -1: none
                     */
} LimitArguments;

typedef struct Call {
        const char *name;
        int nr; /* x86-64 */
        int nr_i386;
        Act act;
        int dirfd_at; /* which argument; -1: there is none, AT_FDCWD is meant */
        int path_at;  /* -1: there is none */
        int mode_at;
        const LimitArguments *limit; /* ACT_LIMIT: supervised only where RLIMIT_LOCKS is to change */
} Call;

/* A call that is refused to every workload, with its reason in the table. */
typedef struct RefusedCall {
        int nr;
        int error;
} RefusedCall;

/* An ioctl() that creates a directory and is refused. */
typedef struct RefusedIoctl {
        uint32_t command;
        int error;
} RefusedIoctl;

/* It is known by its type and its number, and by taking something from its caller (BTRFS_IOC_START_SYNC has
 * the numbers of BTRFS_IOC_SUBVOL_CREATE_V2 and takes nothing): a later kernel's structure may be larger, or
 * be written back. */
#define REFUSED_IOCTL_MASK _IOC(_IOC_WRITE, _IOC_TYPEMASK, _IOC_NRMASK, 0)

/* A call that is refused with `namespaces = deny`, where all bits of mask are as in value: it makes a user
 * or mount namespace, or enters one. */
typedef struct NamespaceCall {
        int nr;
        int flags_at; /* which argument has the bits; -1: the call is refused, whatever it wants */
        uint32_t mask;
        uint32_t value;
        int error;
} NamespaceCall;

extern const Call calls[];
extern const size_t n_calls;
extern const RefusedCall refused_calls[];
extern const size_t n_refused_calls;
extern const RefusedIoctl refused_ioctls[];
extern const size_t n_refused_ioctls;
extern const NamespaceCall namespace_calls[];
extern const size_t n_namespace_calls;

/* The arguments of a supervised call, as the kernel itself would take them from the registers. */
typedef struct CallArguments {
        int dirfd;
        uint64_t path; /* an address in the target */
        uint32_t mode;
        int pid; /* 0: the caller itself, or the call has none */
} CallArguments;

/* Returns the row of the call that data holds, or NULL where none is supervised. */
const Call *call_find(const struct seccomp_data *data);

void call_arguments(const Call *call, const struct seccomp_data *data, CallArguments *ret);
