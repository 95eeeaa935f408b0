/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A seccomp program, as the kernel takes it. */

#include <linux/filter.h>
#include <stdint.h>

/* In instructions. */
#define BPF_PROGRAM_MAX 512

typedef struct BpfProgram {
        uint32_t n_instructions;
        struct sock_filter instructions[BPF_PROGRAM_MAX];
} BpfProgram;
