/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An interpreter of seccomp programs, for tests: it runs programs for any machine on any machine. */

#include "harness.h"

#include <linux/seccomp.h>

#include "common/bpf-program.h"

static inline uint32_t bpf_load(const struct seccomp_data *data, uint32_t offset) {
        uint32_t word;

        assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*data));
        memcpy(&word, (const char *)data + offset, sizeof(word));
        return word;
}

static inline bool bpf_jumps(const struct sock_filter *instruction, uint32_t a) {
        switch (BPF_OP(instruction->code)) {
        case BPF_JEQ:
                return a == instruction->k;
        case BPF_JGT:
                return a > instruction->k;
        case BPF_JGE:
                return a >= instruction->k;
        case BPF_JSET:
                return (a & instruction->k) != 0;
        default:
                fail_msg("unknown jump %#x", instruction->code);
                return false;
        }
}

/* Runs the program as the kernel does; bpf_check_classic() and seccomp_check_filter() say which instructions
 * there can be.  Returns what the program returns. */
static inline uint32_t bpf_run(const BpfProgram *program, const struct seccomp_data *data) {
        uint32_t a = 0;

        for (uint32_t pc = 0; pc < program->n_instructions; pc++) {
                const struct sock_filter *instruction = &program->instructions[pc];

                switch (instruction->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        a = bpf_load(data, instruction->k);
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= instruction->k;
                        break;
                case BPF_JMP | BPF_JA:
                        pc += instruction->k;
                        break;
                case BPF_RET | BPF_K:
                        return instruction->k;
                default:
                        assert_int_equal(BPF_CLASS(instruction->code), BPF_JMP);
                        pc += bpf_jumps(instruction, a) ? instruction->jt : instruction->jf;
                }
        }
        fail_msg("the program has no end");
        return 0;
}
