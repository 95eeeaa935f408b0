/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guard's maps, and which session a task belongs to.  Included by programs.bpf.c. */

#include "ebpf/listener.bpf.h"
#include "guard/kernel.bpf.h"

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, GUARD_SESSIONS_MAX);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, uint64_t);
        __type(value, GuardSession);
} sessions SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, GUARD_PERMITS_MAX);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, GuardPermitKey);
        __type(value, GuardPermit);
} permits SEC(".maps");

/* The credentials with which the kernel is about to copy a directory up for an io_uring worker. */
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 256);
        __type(key, uint64_t); /* as bpf_get_current_pid_tgid() */
        __type(value, uint64_t);
} copy_ups SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 16384);
} refusals SEC(".maps");

/* One permit that is all zero, to begin with: it is too large for the stack. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, uint32_t);
        __type(value, GuardPermit);
} blank SEC(".maps");

uint64_t n_shared_permits = 0; /* beyond what is reserved for each session */

/* More seccomp filters than can be stacked on one thread. */
#define FILTERS_MAX (1 << 16)

char LICENSE[] SEC("license") = "GPL";

/* ---- which session a task belongs to ---- */

typedef struct Chain {
        struct seccomp_filter *filter;  /* next to be looked at */
        struct seccomp_filter *session; /* of the session whose listener lives */
        bool is_guarded;                /* some session's filter is in the chain */
        bool is_orphan;                 /* one of them has no listener any more */
} Chain;

static __always_inline uint64_t digest_of(struct bpf_prog *program) {
        uint64_t first[8] = {}, digest = 0;
        const void *instructions = (const void *)program + bpf_core_field_offset(struct bpf_prog, insnsi);

        bpf_probe_read_kernel(first, sizeof(first), instructions);
#pragma unroll
        for (unsigned i = 0; i < sizeof(first) / sizeof(first[0]); i++)
                digest = digest * 31 + first[i];
        return digest;
}

/* Is the filter at this address the one that the session was entered for? */
static __always_inline bool fits(const GuardSession *session, struct seccomp_filter *filter) {
        struct bpf_prog *program = BPF_CORE_READ(filter, prog);

        return session->program == (uint64_t)program && session->length == BPF_CORE_READ(program, len) &&
               session->digest == digest_of(program);
}

static __always_inline GuardSession *session_of_filter(struct seccomp_filter *filter) {
        uint64_t key = (uint64_t)filter;
        GuardSession *session = bpf_map_lookup_elem(&sessions, &key);

        return session && fits(session, filter) ? session : NULL;
}

static long look_at_filter(uint32_t i, void *userdata) {
        Chain *chain = userdata;
        struct seccomp_filter *filter = chain->filter;

        if (!filter)
                return 1;
        if (session_of_filter(filter)) {
                chain->is_guarded = true;
                if (BPF_CORE_READ(filter, notif))
                        chain->session = filter;
                else
                        chain->is_orphan = true;
        }
        chain->filter = BPF_CORE_READ(filter, prev);
        return 0;
}

/* Most tasks have no filter at all: one load, and out. */
static __always_inline bool find_session(struct task_struct *task, Chain *chain) {
        *chain = (Chain){.filter = task->seccomp.filter};
        if (!chain->filter)
                return false;
        bpf_loop(FILTERS_MAX, look_at_filter, chain, 0);
        return chain->is_guarded;
}
