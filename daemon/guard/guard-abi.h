/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guard's programs in the kernel (programs.bpf.c) and the processes of snotifyd tell each other:
 * the contexts of the programs that they run with BPF_PROG_RUN, and what the maps hold.  Included by both;
 * fixed widths, no padding. */

#ifndef GUARD_IN_KERNEL
#include <assert.h>
#include <stdint.h>
#endif

/* Programs and maps stay in the kernel when snotifyd is stopped, and the next snotifyd goes on with them.
 * This number changes with whatever this file describes. */
#define GUARD_VERSION 2

/* NAME_MAX and a NUL. */
#define GUARD_NAME_SIZE 256
#define GUARD_COMM_SIZE 16
#define GUARD_ARGUMENTS 6

/* As many sessions can be guarded at once, those included whose daemon is gone. */
#define GUARD_SESSIONS_MAX 1536
/* A permit stays with its thread until the thread's next call or the session's end.  Each session can always
 * have GUARD_PERMITS_RESERVED, and shares the rest with the others, up to GUARD_PERMITS_OF_SESSION.  Where
 * permits run short, those of threads that have ended are removed. */
#define GUARD_PERMITS_MAX 8192
#define GUARD_PERMITS_RESERVED 3
#define GUARD_PERMITS_SHARED (GUARD_PERMITS_MAX - GUARD_SESSIONS_MAX * GUARD_PERMITS_RESERVED)
#define GUARD_PERMITS_OF_SESSION 1024

/* A session's entry; its key is the address of the session's seccomp filter.  Program, length and digest
 * tell an entry that is left over from a stranger's filter that got the same address. */
typedef struct GuardSession {
        uint64_t session_id;
        uint64_t program;      /* address of the filter's program */
        uint64_t digest;       /* of the program's first instructions */
        uint32_t length;       /* of the program, in instructions */
        uint32_t flags;        /* GuardSessionFlags */
        uint32_t n_permits;    /* this and the following: changed by the programs alone */
        uint32_t n_told;       /* refusals in this second */
        uint32_t n_suppressed; /* refusals that were not told */
        uint32_t second;       /* since boot, about */
} GuardSession;

enum GuardSessionFlags {
        /* The workload may create directories in overlays that it has mounted itself, whatever is below. */
        GUARD_PRIVATE_ALLOWED = 1 << 0,
        /* No rule denies anything: what a worker cannot judge is allowed, too. */
        GUARD_ALL_ALLOWED = 1 << 1,
};

/* Of which thread, in which session. */
typedef struct GuardPermitKey {
        uint64_t filter; /* as in the sessions' keys */
        uint32_t tid;    /* in the initial PID namespace */
        uint32_t zero;
} GuardPermitKey;

/* A directory, by its inode in the kernel, and a name in it. */
typedef struct GuardPlace {
        uint64_t super_block; /* address */
        uint64_t inode;       /* address; number and generation tell whether it was reused */
        uint64_t number;
        uint32_t generation;
        uint32_t name_length;
        char name[GUARD_NAME_SIZE]; /* the rest is zero */
} GuardPlace;

/* What became of a permit.  The bits are set by the hooks. */
enum GuardFate {
        GUARD_USED = 1 << 0,       /* in this attempt of the kernel's: a retry begins anew */
        GUARD_ASKED = 1 << 1,      /* a hook has given the permit's verdict */
        GUARD_MISMATCHED = 1 << 2, /* a hook was asked for another object, and has refused */
        GUARD_RETURNED = 1 << 3,   /* the call is over, and result says how */
};

/* What a worker has judged of the call that a thread waits in. */
typedef struct GuardPermit {
        uint64_t holder; /* id of the call for which a program is at this permit; 0: none is */
        uint64_t id;     /* of the notification; 0: nothing was judged yet */
        uint64_t task;   /* address of the thread; 0: the permit is new, and about to be written */
        uint64_t birth;  /* of the thread: another one may get its number */
        uint64_t arguments[GUARD_ARGUMENTS];
        int32_t number;   /* of the system call */
        uint32_t is_ia32; /* by int 0x80, or by a 32-bit process */
        int32_t error;    /* what the hook answers for this object: 0, or a negative errno */
        uint32_t is_void; /* nothing could be judged: the kernel says why, and no hook lets it pass */
        uint32_t fate;    /* GuardFate */
        int32_t result;   /* of the call: 0 or a negative errno */
        GuardPlace place;
} GuardPermit;

/* guard_session: run by the daemon.  Enters the session of a listener, or changes its flags, or removes it
 * with all its permits.  This request is the same in each version: a daemon takes its sessions out of the
 * guard of an earlier one.  Returns 0; -EBADF: no such listener; -ENOENT: not there; -E2BIG: too many;
 * -EAGAIN: the next try can succeed. */
typedef struct GuardSessionRequest {
        uint32_t what;       /* GuardSessionOperation */
        int32_t listener_fd; /* of the caller */
        uint64_t session_id;
        uint32_t flags;
        uint32_t reserved;
        uint64_t filter; /* out: the key */
} GuardSessionRequest;

enum GuardSessionOperation {
        GUARD_SESSION_ENTER,  /* or replace: the permits stay */
        GUARD_SESSION_REMOVE, /* before the listener is closed: then its address may be another's */
        GUARD_SESSION_LEARN,  /* any listener, at load: how listeners can be told from other files */
};

/* guard_permit: run by a worker, for a call that waits on a listener which the worker holds.  Writes the
 * permit of the thread that waits, and tells what it knows of that thread.  Returns 0; -ENOENT: nothing
 * waits with this id, or the list of what waits has changed while it was read, which its own lock does not
 * prevent: SECCOMP_IOCTL_NOTIF_ID_VALID tells, and the next try finds it; -ESRCH: the listener is of no
 * session; -EBADF: no such listener or parent; -EXDEV: has_own_root is set, and the thread's root directory
 * is not the caller's; -EAGAIN: the next try can succeed; -ENOSPC: too many threads that live have a
 * permit. */
typedef struct GuardPermitRequest {
        uint64_t id;
        int32_t listener_fd;
        int32_t parent_fd; /* of the caller, O_PATH suffices; negative: a void permit */
        int32_t error;     /* 0, or the negative errno that the hook is to give */
        uint32_t name_length;
        char name[GUARD_NAME_SIZE]; /* the rest is zero */
        uint32_t has_own_root;      /* what was judged is true of a thread with the caller's root alone */
        /* Out, of the thread: */
        uint32_t tid;  /* in the initial PID namespace: for guard_fate */
        uint32_t tgid; /* in the caller's PID namespace; 0: it has none there */
        uint32_t uid;  /* effective, in the initial user namespace */
        char comm[GUARD_COMM_SIZE];
        /* Out, of its last permit; id 0: there was none. */
        uint64_t last_id;
        uint32_t last_fate;
        int32_t last_result;
} GuardPermitRequest;

/* guard_fate: run by a worker.  What became of the permit of a thread.  Returns 0; -ENOENT: the permit is
 * gone, or another one's by now; -ESRCH, -EBADF as above. */
typedef struct GuardFateRequest {
        uint64_t id;
        int32_t listener_fd;
        uint32_t tid; /* as guard_permit told it */
        uint32_t fate;
        int32_t result;
} GuardFateRequest;

/* guard_clean: run by the daemon at its start.  Removes the sessions whose last task is gone, with their
 * permits, and tells how many are left.  This request is the same in each version: a guard of an earlier one
 * cleans itself. */
typedef struct GuardCleanRequest {
        uint32_t n_sessions; /* out */
        uint32_t reserved;
} GuardCleanRequest;

/* Why a hook refused what no permit is about; sent to the daemon over a ring buffer. */
enum GuardReason {
        GUARD_NO_PERMIT,   /* no worker was asked: a ring, or a call that the filter does not know */
        GUARD_OWN_OVERLAY, /* in a directory below an overlay that the workload has mounted itself */
        GUARD_REASONS,
};

#define GUARD_ANCESTORS 8
#define GUARD_ANCESTOR_SIZE 64

typedef struct GuardRefusal {
        uint64_t session_id;
        uint32_t reason; /* GuardReason */
        uint32_t tid;
        uint32_t tgid;
        uint32_t uid;
        int32_t number; /* of the system call; without meaning in an io_uring worker */
        uint32_t is_ring;
        uint32_t device;       /* of the file system */
        uint32_t n_suppressed; /* refusals of the session that were not told since the last one */
        char comm[GUARD_COMM_SIZE];
        char file_system[16]; /* its type */
        char name[GUARD_NAME_SIZE];
        /* The directory's own name first, then those above it, within its file system; cut at 63 bytes. */
        char ancestors[GUARD_ANCESTORS][GUARD_ANCESTOR_SIZE];
} GuardRefusal;
