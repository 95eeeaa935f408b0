/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guard's programs know of the kernel besides ebpf/kernel.bpf.h.  Included by programs.bpf.c. */

#include "ebpf/kernel.bpf.h"

#define GUARD_IN_KERNEL
#include "guard/guard-abi.h"

#define PF_IO_WORKER 0x10
#define CAP_SYS_ADMIN 21
#define AUDIT_ARCH_I386 0x40000003
#define TS_COMPAT 2 /* thread_info.status: this call came by the 32-bit entry */
#define S_IFMT 0170000
#define S_IFDIR 0040000

/* Of the calls that mount, in each ABI. */
#define NR_MOUNT 165
#define NR_MOUNT_IA32 21
#define NR_FSCONFIG 431
