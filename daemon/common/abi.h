/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ABIs by which programs call the kernel.  A machine has two: its own, and the 32-bit one of its older
 * programs.  Each numbers the system calls in its own way.  A further machine is one row of machines[] and
 * one column of the table of calls. */

#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Abi {
        ABI_X86_64,
        ABI_I386,
        ABI_AARCH64,
        ABI_ARM, /* EABI */
        ABI_COUNT,
} Abi;

/* x32 has no row.  It shows itself as AUDIT_ARCH_X86_64 with numbers that no call of that ABI has. */
static const uint32_t abi_audit_archs[ABI_COUNT] = {
        [ABI_X86_64] = AUDIT_ARCH_X86_64,
        [ABI_I386] = AUDIT_ARCH_I386,
        [ABI_AARCH64] = AUDIT_ARCH_AARCH64,
        [ABI_ARM] = AUDIT_ARCH_ARM,
};

typedef struct Machine {
        const char *name;
        Abi abis[2]; /* its own first */
} Machine;

#define MACHINE_ABIS 2

enum {
        MACHINE_X86_64,
        MACHINE_AARCH64,
        MACHINE_COUNT,
};

static const Machine machines[MACHINE_COUNT] = {
        [MACHINE_X86_64] = {"x86_64", {ABI_X86_64, ABI_I386}},
        [MACHINE_AARCH64] = {"aarch64", {ABI_AARCH64, ABI_ARM}},
};

/* The machine that this is built for. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE_NATIVE (&machines[MACHINE_X86_64])
#elif defined(__aarch64__) && !defined(__ILP32__)
#define MACHINE_NATIVE (&machines[MACHINE_AARCH64])
#else
#error "snotify knows the system calls of x86-64 and AArch64 only: see daemon/common/abi.h"
#endif

/* Returns the machine's ABI with this audit architecture, or ABI_COUNT where it has none. */
static inline Abi machine_find_abi(const Machine *machine, uint32_t audit_arch) {
        for (size_t i = 0; i < MACHINE_ABIS; i++)
                if (abi_audit_archs[machine->abis[i]] == audit_arch)
                        return machine->abis[i];
        return ABI_COUNT;
}

/* Has this ABI pointers of 32 bits?  The kernel then ignores the upper half of what the registers hold. */
static inline bool audit_arch_is_32_bit(uint32_t audit_arch) {
        return !(audit_arch & __AUDIT_ARCH_64BIT);
}
