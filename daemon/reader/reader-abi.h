/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the reader in the kernel (programs.bpf.c) and the workers that run it both know.  Both are parts of
 * one snotifyd, which loads the reader anew at each start. */

#ifndef READER_IN_KERNEL
#include <stdint.h>
#endif

/* Whatever is more than this is read from /proc instead. */
#define READER_GROUPS_MAX 32
#define READER_LEVELS_MAX 4

#define READER_COMM_SIZE 16

typedef enum ReaderFlags {
        READER_ROOT_IS_GIVEN = 1U << 0, /* the caller's root directory is that of root_fd */
} ReaderFlags;

/* reader_read: tells of the task that waits in a call.  Returns 0 with all of the answer; or a negative
 * errno with an answer that is all zero: -EBADF: listener_fd is not a listener of the calling process;
 * -ENOENT: no call with this id was seen to wait there, although one may; -EOPNOTSUPP: the task is one that
 * it does not tell of. */
typedef struct ReaderRequest {
        /* In: */
        uint64_t id;         /* of the notification */
        int32_t listener_fd; /* of the calling process */
        int32_t root_fd;     /* of the calling process: a root directory to compare with */
        /* Out.  Users, groups and capabilities are those of the initial user namespace, numbers those of the
         * PID namespace of the calling process. */
        uint64_t capabilities; /* effective */
        uint64_t birth;        /* when the task began: of two tasks with one number it tells which it is */
        uint32_t uids[4];      /* real, effective, saved, of the file system */
        uint32_t gids[4];
        uint32_t umask;
        uint32_t flags; /* ReaderFlags */
        uint32_t n_groups;
        uint32_t n_levels;
        uint32_t
                tgids[READER_LEVELS_MAX]; /* in the calling process's PID namespace, and in those below it */
        uint32_t tids[READER_LEVELS_MAX];
        char comm[READER_COMM_SIZE];
        uint32_t groups[READER_GROUPS_MAX];
} ReaderRequest;
